package import SystemPackage

/// A service as a `[service.NAME]` table of the settings declares it.
package struct ServiceDeclaration: Hashable, Sendable {
    package enum Restart: String, CaseIterable, Sendable {
        case always, onFailure = "on-failure", no
    }

    /// How a service tells that it does its work.
    package enum Readiness: Hashable, Sendable {
        case none, notify, descriptor
        case socket(String)
        case command(String)
    }

    /// A variable of the environment. Its value is a secret as likely as not, and is never shown.
    package struct Variable: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    package let name: String
    package let location: SourceLocation
    /// The program and its arguments; empty where the table has a mistake, so that the service cannot be run.
    package internal(set) var command: [String] = []
    package internal(set) var user: String?
    package internal(set) var directory: FilePath?
    package internal(set) var variables: [Variable] = []
    package internal(set) var restart = Restart.always
    package internal(set) var pause = Duration.milliseconds(100)
    package internal(set) var longestPause = Duration.seconds(60)
    package internal(set) var restartLimit: Int?
    package internal(set) var readiness = Readiness.none
    package internal(set) var readyTime = Duration.seconds(30)
    package internal(set) var after: [String] = []
    package internal(set) var stopSignal: Int32 = 15
    package internal(set) var stopCommand: [String] = []
    package internal(set) var stopTime = Duration.seconds(5)
    package internal(set) var isEssential = false
    package internal(set) var successCodes: Set<Int32> = []

    init(_ name: String, at location: SourceLocation) {
        self.name = name
        self.location = location
    }

    /// Whether it can be run.
    package var isUsable: Bool { !command.isEmpty }

    /// The name of the service that is built in.
    package static let agentName = "agent"
    /// More would be a mistake, or somebody who wants to see what happens.
    static let most = 64
}

extension ServiceDeclaration {
    /// The keys of the table and their values, as an operator would write them; of the environment the names only.
    package var shown: [(key: String, value: String)] {
        var shown: [(key: String, value: String)] = []
        if isUsable { shown.append(("command", words(command))) }
        if let user { shown.append(("user", quoted(user))) }
        if let directory { shown.append(("workdir", quoted(directory.string))) }
        if !variables.isEmpty {
            shown.append(
                ("env", "{ " + variables.map { "\(printable($0.name)) = \"***\"" }.joined(separator: ", ") + " }"))
        }
        shown.append(("restart", quoted(restart.rawValue)))
        shown += [("restart_delay", pause.shown), ("restart_delay_max", longestPause.shown)]
        if let restartLimit { shown.append(("max_restarts", "\(restartLimit)")) }
        shown += [("ready", quoted(readiness.text)), ("ready_timeout", readyTime.shown)]
        if !after.isEmpty { shown.append(("after", words(after))) }
        shown.append(("stop_signal", "\(stopSignal)"))
        if !stopCommand.isEmpty { shown.append(("stop_command", words(stopCommand))) }
        shown += [("stop_timeout", stopTime.shown), ("essential", "\(isEssential)")]
        if !successCodes.isEmpty {
            shown.append(("success_exit_codes", "[\(successCodes.sorted().map { "\($0)" }.joined(separator: ", "))]"))
        }
        return shown
    }

    private func words(_ words: [String]) -> String { "[\(words.map(quoted).joined(separator: ", "))]" }
}

extension ServiceDeclaration.Readiness {
    /// The value of `ready`.
    package var text: String {
        switch self {
        case .none: "none"
        case .notify: "notify"
        case .descriptor: "fd"
        case .socket(let path): "socket:" + path
        case .command(let line): "exec:" + line
        }
    }

    init?(_ text: String) {
        if text == "none" {
            self = .none
        } else if text == "notify" {
            self = .notify
        } else if text == "fd" {
            self = .descriptor
        } else if text.hasPrefix("socket:/") || text.hasPrefix("socket:@"), text.utf8.count < 107 + 7 {
            self = .socket(String(text.dropFirst(7)))
        } else if text.hasPrefix("exec:"), text.utf8.count > 5 {
            self = .command(String(text.dropFirst(5)))
        } else {
            return nil
        }
    }
}

extension Duration {
    /// Seconds, without zeros that say nothing.
    fileprivate var shown: String {
        let milliseconds = Int64(self / .milliseconds(1))
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
    }
}
