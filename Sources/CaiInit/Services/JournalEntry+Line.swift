package import CaiPlatform

extension JournalEntry {
    /// An entry for a line of a service, or of process 1. Lines of this program begin with their level.
    package init(of service: String, _ line: [UInt8]) {
        self.init()
        let isOurs = service == Relay.ownLines || service == ServicePlan.agentService.name
        let text = String(decoding: line, as: UTF8.self)
        let level = isOurs ? Self.levels.first { text.hasPrefix("[\($0.word)] ") } : nil
        add("MESSAGE", level.map { Array(line.dropFirst($0.word.utf8.count + 3)) } ?? line)
        add("PRIORITY", "\((level?.priority ?? .info).rawValue)")
        add("SYSLOG_IDENTIFIER", service == Relay.ownLines ? "cai" : service)
    }

    private static let levels: [(word: String, priority: SystemLog.Priority)] = [
        ("ERROR", .error), ("WARN", .warning), ("NOTICE", .notice), ("INFO", .info), ("DEBUG", .debug),
    ]
}
