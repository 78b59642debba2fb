/// How a service is to be run: what a boot reads from the settings, for the process that supervises.
package struct ServicePlan: Hashable, Sendable {
    /// What happens when it has ended.
    package enum Restart: String, Sendable {
        case always, onFailure = "on-failure", no
    }

    /// How it tells that it does its work.
    package enum Readiness: Hashable, Sendable {
        /// It does so as soon as it was started.
        case none
        /// `READY=1` on the socket in `NOTIFY_SOCKET`.
        case notify
        /// A line break on the descriptor in `CAI_READY_FD`.
        case descriptor
        /// Something listens on this Unix socket.
        case socket(String)
        /// This line for `/bin/sh` ends with 0.
        case command(String)
    }

    package let name: String
    /// The program and its arguments; empty for a service that was declared in a way that cannot be run.
    package var command: [String] = []
    /// `USER[:GROUP]`; nil for the agent.
    package var user: String?
    /// Where it starts; nil for the home of its user.
    package var directory: String?
    package var restart = Restart.always
    /// The first pause before a restart, in milliseconds.
    package var pause = 100
    /// The longest one.
    package var longestPause = 60_000
    /// Restarts without a minute of health between them; nil for any number.
    package var restartLimit: Int?
    package var readiness = Readiness.none
    /// In milliseconds.
    package var readyTime = 30_000
    /// Services that are to be ready before; they stand before this one.
    package var after: [String] = []
    package var stopSignal: Int32 = 15
    /// What is run before the signal; empty for nothing.
    package var stopCommand: [String] = []
    /// Between asking and killing, in milliseconds.
    package var stopTime = 5_000
    /// Whether its end is the end of the container.
    package var isEssential = false
    /// Exit codes that are no failure, beside 0.
    package var successCodes: Set<Int32> = []
    private var pairs: [Variable] = []

    private struct Variable: Hashable, Sendable {
        let name: String
        let value: String
    }

    /// Variables of its own.
    package var variables: [(name: String, value: String)] {
        get { pairs.map { ($0.name, $0.value) } }
        set { pairs = newValue.map { Variable(name: $0.name, value: $0.value) } }
    }

    /// A service with this name, about which nothing else was said.
    package init(named name: String) { self.name = name }

    /// `cai serve`, with the ids of the process that starts it. It is started again for ever, quickly after it has worked:
    /// what it does for a container cannot wait for a minute. Nothing waits for it.
    package static let agentService: ServicePlan = {
        var plan = ServicePlan(named: "agent")
        plan.command = ["cai", "serve"]
        plan.readiness = .notify
        plan.readyTime = 5_000
        return plan
    }()

    /// Whether this is the agent service: no other has its name.
    package var isAgentService: Bool { name == Self.agentService.name }

    /// What a supervisor makes of an exit code.
    package func isFailure(_ code: Int32) -> Bool { code != 0 && !successCodes.contains(code) }
}

extension ServicePlan {
    /// The service as pairs of a key and a value, the name first.
    var fields: [(key: String, value: String)] {
        var fields = [("service", name)]
        fields += command.map { ("command", $0) }
        fields += [("service-user", user), ("service-directory", directory)].compactMap { key, value in
            value.map { (key, $0) }
        }
        fields += pairs.map { ("service-variable", "\($0.name)=\($0.value)") }
        fields += [("restart", restart.rawValue), ("pause", "\(pause)"), ("longest-pause", "\(longestPause)")]
        if let restartLimit { fields.append(("restart-limit", "\(restartLimit)")) }
        fields += readiness.fields + [("ready-time", "\(readyTime)")]
        fields += after.map { ("after", $0) }
        fields += [("stop-signal", "\(stopSignal)"), ("stop-time", "\(stopTime)")]
        fields += stopCommand.map { ("stop-command", $0) }
        fields += successCodes.sorted().map { ("success-code", "\($0)") }
        if isEssential { fields.append(("essential", "yes")) }
        return fields + [("service-end", name)]
    }

    /// Takes in what one pair says; a key that is not known says nothing.
    mutating func take(_ key: String, _ value: String) {
        switch key {
        case "command": command.append(value)
        case "service-user": user = value
        case "service-directory": directory = value
        case "service-variable":
            let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 { pairs.append(Variable(name: parts[0], value: parts[1])) }
        case "restart": restart = Restart(rawValue: value) ?? restart
        case "pause": pause = Int(value) ?? pause
        case "longest-pause": longestPause = Int(value) ?? longestPause
        case "restart-limit": restartLimit = Int(value)
        case "ready": readiness = Readiness(kind: value) ?? readiness
        case "ready-socket": readiness = .socket(value)
        case "ready-command": readiness = .command(value)
        case "ready-time": readyTime = Int(value) ?? readyTime
        case "after": after.append(value)
        case "stop-signal": stopSignal = Int32(value) ?? stopSignal
        case "stop-time": stopTime = Int(value) ?? stopTime
        case "stop-command": stopCommand.append(value)
        case "success-code": Int32(value).map { _ = successCodes.insert($0) }
        case "essential": isEssential = true
        default: break
        }
    }
}

extension ServicePlan.Readiness {
    fileprivate var fields: [(key: String, value: String)] {
        switch self {
        case .none: [("ready", "none")]
        case .notify: [("ready", "notify")]
        case .descriptor: [("ready", "fd")]
        case .socket(let path): [("ready-socket", path)]
        case .command(let line): [("ready-command", line)]
        }
    }

    fileprivate init?(kind: String) {
        switch kind {
        case "none": self = .none
        case "notify": self = .notify
        case "fd": self = .descriptor
        default: return nil
        }
    }
}
