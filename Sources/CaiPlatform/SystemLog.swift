import CPlatform
import Glibc

/// The log of a service: entries with fields in the journal where it takes them (sd_journal_send(3)), lines with a level in
/// front where it only reads standard error (sd-daemon(3)), and lines for people everywhere else.
package struct SystemLog: Sendable {
    /// How much a line matters; the numbers are those of syslog(3).
    package enum Priority: Int, Sendable {
        case critical = 2
        case error, warning, notice, info, debug
    }

    private enum Way: Sendable {
        case journal(JournalSocket)
        case levelledLines
        case plainLines
    }

    private let identifier: String
    private let way: Way

    /// The log of this process under a name. Whether standard error goes to the journal is what `JOURNAL_STREAM` says, if
    /// that is still the file it names.
    package init(_ identifier: String, environment: [String: String]) {
        self.identifier = identifier
        guard JournalSocket.isStandardError(environment["JOURNAL_STREAM"]) else {
            way = .plainLines
            return
        }
        way = JournalSocket().map { .journal($0) } ?? .levelledLines
    }

    /// Writes one message; a message of several lines stays one entry. It never fails: whom nobody hears has said nothing.
    package func write(_ message: String, _ priority: Priority, fields: [(name: String, value: String)] = []) {
        switch way {
        case .journal(let journal):
            var entry = JournalEntry()
            entry.add("MESSAGE", message)
            entry.add("PRIORITY", "\(priority.rawValue)")
            entry.add("SYSLOG_IDENTIFIER", identifier)
            for (name, value) in fields { entry.add(JournalEntry.fieldName(name, prefix: "CAI_"), value) }
            if !journal.send(entry) { StandardError.write(lines(message, "<\(priority.rawValue)>")) }
        case .levelledLines: StandardError.write(lines(message, "<\(priority.rawValue)>"))
        case .plainLines: StandardError.write(lines(message, "[\(priority.word)] "))
        }
    }

    private func lines(_ message: String, _ beginning: String) -> String {
        message.split(separator: "\n", omittingEmptySubsequences: false).map { "\(beginning)\($0)\n" }.joined()
    }
}

extension SystemLog.Priority {
    /// The word that the lines of all commands begin with.
    fileprivate var word: String {
        switch self {
        case .critical, .error: "ERROR"
        case .warning: "WARN"
        case .notice: "NOTICE"
        case .info: "INFO"
        case .debug: "DEBUG"
        }
    }
}
