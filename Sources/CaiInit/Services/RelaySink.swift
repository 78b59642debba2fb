import CaiPlatform

/// A target of the relay that is open. Only standard error can be slow, so that only it has a backlog.
enum RelaySink {
    case standardError
    case journal(JournalSocket)
    case file(ServiceLogFile)
    case none

    init(_ target: RelayTarget) {
        self =
            switch target {
            case .standardError: .standardError
            case .journal: JournalSocket().map { .journal($0) } ?? .none
            case .file(let directory): ServiceLogFile(in: directory).map { .file($0) } ?? .none
            case .none: .none
            }
    }
}
