import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import Glibc

/// `cai links watch`: keeping the links right while applications save.
struct LinksWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Repair links as soon as an application breaks one, and print what was done.",
        discussion: """
            Runs until SIGTERM or SIGINT. What an application writes in place of a link goes to the volume within \
            milliseconds, and the link is back; what had to make room is displaced (cai undo). cai serve does the same. \
            With --json each line is a JSON document.
            """)
    @OptionGroup var global: GlobalOptions

    func run() throws {
        try reportingFailures {
            let stopper = try Waker(signals: [SIGTERM, SIGINT])
            let workplace = try global.workplace()
            let isJSON = global.json
            let guardian = LinkGuard(
                workplace, stopper: stopper,
                load: { try GuardedMachine(workplace) }, report: { GuardLines.print($0, isJSON: isJSON) })
            try guardian.run()
        }
    }
}

extension GuardedMachine {
    /// Opens the machine's trees and reads the manifests.
    init(_ workplace: Workplace, guardsLinks: Bool = true) throws {
        let session = try Session(workplace)
        self.init(
            machine: session.machine, entries: session.entries, directories: session.directories,
            guardsLinks: guardsLinks, findings: session.complaints)
    }
}

/// The lines of `cai links watch`.
enum GuardLines {
    /// Prints one event at once.
    static func print(_ event: GuardEvent, isJSON: Bool) {
        if isJSON {
            Swift.print(event.json.line)
        } else if event.kind == .failed || event.kind == .noticed {
            Talk.finding(
                Finding(event.severity, at: event.path, event.sentence ?? "", advice: event.advice))
        } else {
            Swift.print(text(event))
        }
        fflush(nil)
    }

    /// The event for a log.
    static func finding(_ event: GuardEvent) -> Finding {
        Finding(
            event.severity, at: event.path.isEmpty ? "links" : event.path,
            [event.kind == .noticed ? nil : event.kind.rawValue, event.sentence, event.target.map { "-> \($0)" }]
                .compactMap(\.self).joined(separator: " "), advice: event.advice)
    }

    static func text(_ event: GuardEvent) -> String {
        let what = [event.path, event.sentence ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
        return "[\(event.kind.rawValue.uppercased())] \(what)" + (event.target.map { " -> \($0)" } ?? "")
    }
}

extension GuardEvent {
    /// The event for machines.
    var json: JSON {
        var fields: [String: JSON] = ["event": .string(kind.rawValue), "severity": .string(severity.rawValue)]
        if !path.isEmpty { fields["path"] = .string(path) }
        if let target { fields["target"] = .string(target) }
        if let sentence { fields["sentence"] = .string(sentence) }
        if let advice { fields["advice"] = .string(advice) }
        return .object(fields)
    }
}
