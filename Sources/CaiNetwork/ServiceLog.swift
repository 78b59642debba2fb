package import CaiModel
package import CaiPlatform
package import Logging

/// The log of a service: structured entries where the journal takes them, else lines on standard error.
package struct ServiceLog: LogHandler {
    package var logLevel: Logger.Level = .info
    package var metadata: Logger.Metadata = [:]
    private let log: SystemLog

    package init(_ log: SystemLog) { self.log = log }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value.description) }
        log.write(event.message.description, event.level.priority, fields: fields)
    }
}

extension ServiceLog {
    /// A logger on the log of a service, which first tells what was found before it was there.
    package static func logger(_ name: String, _ log: SystemLog, findings: [Finding]) -> Logger {
        let logger = Logger(label: name) { _ in ServiceLog(log) }
        findings.forEach { logger.log($0) }
        return logger
    }
}

extension Logger.Level {
    /// The level in the words of syslog(3).
    fileprivate var priority: SystemLog.Priority {
        switch self {
        case .trace, .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}
