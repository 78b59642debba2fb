/// The reasons for which an export leaves content of the volume out.
package enum LeftOutReason: Hashable, Sendable {
    /// A part of an agent directory that may be dropped.
    case cache(agent: String)
    /// A part of an agent directory that belongs to one container.
    case local
    /// A pattern of the configuration.
    case excluded(pattern: String)
    /// `--no-secrets`.
    case secret
    /// A symlink that leads nowhere here, or into the local directory of this container.
    case danglingLink
    /// A lock directory that an agent makes beside the file that it saves.
    case lock
    /// A socket, a FIFO or a device; none of them holds content.
    case special
    /// Content that `cai` keeps displaced.
    case displaced

    /// The word of the reason in documents.
    package var word: String {
        switch self {
        case .cache: "cache"
        case .local: "local"
        case .excluded: "excluded"
        case .secret: "secret"
        case .danglingLink: "dangling_link"
        case .lock: "lock"
        case .special: "special"
        case .displaced: "displaced"
        }
    }

    /// The agent of a cache.
    package var agent: String? { if case .cache(let agent) = self { agent } else { nil } }

    /// The pattern that excludes.
    package var pattern: String? { if case .excluded(let pattern) = self { pattern } else { nil } }

    /// The reason for people.
    fileprivate var words: String {
        switch self {
        case .cache(let agent): "cache of \(agent)"
        case .local: "local parts"
        case .excluded(let pattern): "excluded by \(printable(pattern))"
        case .secret: "secrets"
        case .danglingLink: "dangling links"
        case .lock: "locks of agents"
        case .special: "sockets, FIFOs and devices"
        case .displaced: "displaced content"
        }
    }

    /// The order in reports: reasons as they are declared, each by its agent or pattern.
    fileprivate var order: (Int, String) {
        switch self {
        case .cache(let agent): (0, agent)
        case .local: (1, "")
        case .excluded(let pattern): (2, pattern)
        case .secret: (3, "")
        case .danglingLink: (4, "")
        case .lock: (5, "")
        case .special: (6, "")
        case .displaced: (7, "")
        }
    }
}

/// The kinds of entries that a count tells apart.
package enum LeftOutKind: Sendable {
    case file(size: Int64)
    case link, directory, special
}

/// The amount that was left out for one reason.
package struct LeftOutAmount: Hashable, Sendable {
    package let reason: LeftOutReason
    package private(set) var files = 0
    package private(set) var links = 0
    package private(set) var directories = 0
    package private(set) var specials = 0
    /// Bytes of the files.
    package private(set) var bytes: Int64 = 0

    fileprivate init(_ reason: LeftOutReason) { self.reason = reason }

    fileprivate mutating func add(_ kind: LeftOutKind) {
        switch kind {
        case .file(let size):
            files += 1
            bytes += size
        case .link: links += 1
        case .directory: directories += 1
        case .special: specials += 1
        }
    }

    /// The amount for people: `cache of claude: 12 files, 3 MB`. Directories are named where nothing else is.
    package var words: String {
        var parts: [String] = []
        func add(_ count: Int, _ one: String, _ many: String) {
            if count > 0 { parts.append("\(count) \(count == 1 ? one : many)") }
        }
        add(files, "file", "files")
        if files > 0 { parts.append(sizeWords(bytes)) }
        add(links, "link", "links")
        add(specials, "entry", "entries")
        if parts.isEmpty { add(directories, "directory", "directories") }
        return "\(reason.words): \(parts.joined(separator: ", "))"
    }
}

/// The content of a volume that an export does not have, by reason.
package struct LeftOut: Hashable, Sendable {
    private var counts: [LeftOutReason: LeftOutAmount] = [:]

    package init() {}

    /// Counts one entry.
    package mutating func add(_ kind: LeftOutKind, _ reason: LeftOutReason) {
        counts[reason, default: LeftOutAmount(reason)].add(kind)
    }

    /// The amounts in the order of the reasons.
    package var amounts: [LeftOutAmount] { counts.values.sorted { $0.reason.order < $1.reason.order } }

    /// The amounts for people; nil if nothing was left out.
    package var words: String? {
        counts.isEmpty ? nil : amounts.map(\.words).joined(separator: "; ")
    }
}
