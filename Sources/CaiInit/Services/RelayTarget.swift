import CaiPlatform
package import SystemPackage

/// A destination of the relay.
package enum RelayTarget: Hashable, Sendable {
    /// Standard error of process 1, the log of the container.
    case standardError
    /// The journal of the machine.
    case journal
    /// `services.log` in this directory.
    case file(FilePath)
    /// No destination: lines are dropped.
    case none

    /// The target while the command runs on the terminal that standard error is: the journal, else the first directory in
    /// which a log can be kept, else none.
    package static func besideTerminal(
        hasJournal: Bool, directories: [FilePath], canKeepLog: (FilePath) -> Bool
    ) -> RelayTarget {
        if hasJournal { return .journal }
        return directories.first(where: canKeepLog).map { .file($0) } ?? .none
    }

    /// The word for it on the command line of a relay.
    package var word: String {
        switch self {
        case .standardError: "stderr"
        case .journal: "journal"
        case .file(let directory): directory.string
        case .none: "none"
        }
    }

    /// The target of a word: an absolute path is a directory, an unknown word is standard error.
    package init(word: String) {
        switch word {
        case "journal": self = .journal
        case "none": self = .none
        case _ where word.hasPrefix("/"): self = .file(FilePath(word))
        default: self = .standardError
        }
    }

    /// The place in which a reader finds the lines, for messages; nil if there is none.
    package var place: String? {
        switch self {
        case .standardError, .none: nil
        case .journal: "the journal"
        case .file(let directory): printable(Array(directory.appending(ServiceLogFile.name).string.utf8))
        }
    }
}

extension RelayTarget {
    /// The target on this machine. Without directories from a boot, the default ones.
    static func besideTerminal(_ directories: [FilePath]) -> RelayTarget {
        let fallbacks: [FilePath] = ["/run/containai", FilePath("/tmp/containai-\(Identity.uid)")]
        return besideTerminal(
            hasJournal: JournalSocket() != nil, directories: directories.isEmpty ? fallbacks : directories,
            canKeepLog: { ServiceLogFile(in: $0) != nil })
    }
}
