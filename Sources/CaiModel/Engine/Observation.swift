package import SystemPackage

/// A SHA-256 digest in lower-case hexadecimal.
package struct ContentDigest: Hashable, Sendable, Codable {
    package let hex: String
    package init(hex: String) { self.hex = hex }
    package init(from decoder: any Decoder) throws { hex = try decoder.singleValueContainer().decode(String.self) }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// What tells one state of a file or directory from another. Times are nanoseconds since the epoch.
package struct FileFacts: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    package let size: Int64
    package let mode: UInt16
    package let modified: Int64

    package init(device: UInt64, inode: UInt64, size: Int64, mode: UInt16, modified: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.mode = mode
        self.modified = modified
    }
}

/// A directory entry that holds no bytes of its own and cannot be copied like a file.
package enum SpecialKind: String, Hashable, Sendable {
    case fifo = "FIFO"
    case socket = "socket"
    case device = "device"
}

/// Why a path could not be looked at.
package enum Obstacle: Hashable, Sendable {
    /// An ancestor is a symlink: nothing behind it is touched.
    case symlink(ancestor: FilePath)
    /// An ancestor is neither directory nor symlink.
    case notDirectory(ancestor: FilePath)
    /// A mount begins there: what it holds belongs to somebody else.
    case mountPoint
    /// A directory of another user, whose entries this process may not remove; with the next step.
    case foreign(uid: UInt32, advice: String?)
    /// The machine refused; the reason as it words it, and the next step where that is known.
    case failed(reason: String, advice: String?)

    /// What a user can do about it.
    package var advice: String {
        switch self {
        case .symlink, .notDirectory: "make its parents real directories"
        case .mountPoint: "mount it outside the directories that are kept, or disable the entry"
        case .foreign(_, let advice): advice ?? "give it to the agent with chown -R, and run again"
        case .failed(_, let advice): advice ?? "correct what the machine says, and run again"
        }
    }
}

/// What stands at one path, looked at without following a symlink.
package enum Node: Hashable, Sendable {
    case missing
    case file(FileFacts)
    case directory(FileFacts)
    case symlink(text: FilePath)
    case special(SpecialKind)
    case unreachable(Obstacle)

    package var isMissing: Bool { self == .missing }
    package var facts: FileFacts? {
        switch self {
        case .file(let facts), .directory(let facts): facts
        default: nil
        }
    }
    package var isFile: Bool { if case .file = self { true } else { false } }
    package var isDirectory: Bool { if case .directory = self { true } else { false } }

    /// One word for sentences.
    package var word: String {
        switch self {
        case .missing: "missing"
        case .file: "a file"
        case .directory: "a directory"
        case .symlink: "a symlink"
        case .special(let kind): "a \(kind.rawValue)"
        case .unreachable: "unreachable"
        }
    }
}

/// What was read of a file that exists on both sides, as far as a decision needs it.
package struct ContentSample: Hashable, Sendable {
    package let digest: ContentDigest
    /// The bytes of a JSON or TOML document of reasonable size; nil for everything else.
    package let document: [UInt8]?
    /// Whether it holds nothing worth keeping: no byte, or the placeholder `{}`.
    package let isPlaceholder: Bool
    /// True if it begins as an SQLite database does.
    package let isDatabase: Bool

    package init(digest: ContentDigest, document: [UInt8]?, isPlaceholder: Bool, isDatabase: Bool = false) {
        self.digest = digest
        self.document = document
        self.isPlaceholder = isPlaceholder
        self.isDatabase = isDatabase
    }
}

/// The side whose content begins with the whole content of the other side.
package enum Continuation: Hashable, Sendable { case live, stored }

/// One path below a live file or directory, and what stands at the same path on the volume. The empty path is the live
/// file or directory itself.
package struct ObservedPair: Sendable {
    package let path: FilePath
    package let live: Node
    package let stored: Node
    /// Present when both are files, and for all files of a database that both sides have.
    package let liveContent: ContentSample?
    package let storedContent: ContentSample?
    /// Known of append-only files, `*.jsonl`; nil if neither side continues the other.
    package let continuation: Continuation?
    /// True if the live side is a symlink to this very place on the volume: the form of single links inside a directory
    /// that is to be linked as a whole.
    package let isOwnLink: Bool
    /// The path of the SQLite database that this is, or is a part of; nil for everything else. The parts of a database that
    /// is an entry of its own have their ending as path: `-wal`.
    package let database: FilePath?
    /// A process that has the file open, as messages name it: asked for the files of databases, and for all live files of
    /// an agent directory.
    package let liveUser: String?
    package let storedUser: String?
    /// True if a file is mounted at the place on the volume: nothing can take its place.
    package let storedIsMounted: Bool

    package init(
        path: FilePath, live: Node, stored: Node, liveContent: ContentSample? = nil,
        storedContent: ContentSample? = nil, continuation: Continuation? = nil, isOwnLink: Bool = false,
        database: FilePath? = nil, liveUser: String? = nil, storedUser: String? = nil, storedIsMounted: Bool = false
    ) {
        self.storedIsMounted = storedIsMounted
        self.database = database
        self.liveUser = liveUser
        self.storedUser = storedUser
        self.continuation = continuation
        self.isOwnLink = isOwnLink
        self.path = path
        self.live = live
        self.stored = stored
        self.liveContent = liveContent
        self.storedContent = storedContent
    }
}

/// Everything known about one entry.
package struct EntryObservation: Sendable {
    package let entry: Entry
    /// At the entry's link; missing for an entry without one.
    package let link: Node
    /// At the entry's source below the container's home, when a sync looks there.
    package let source: Node
    /// At the entry's target on the volume.
    package let target: Node
    /// For a link that points somewhere else: whether something is there.
    package let strangerExists: Bool
    /// What would move: the tree at the link (or, for a sync, at the source), parents before children.
    package let pairs: [ObservedPair]
    /// Whether the target is a file that holds no byte.
    package let targetIsEmpty: Bool
    /// Whether the target is a symlink that leads to nothing.
    package let targetDangles: Bool
    /// True if something is mounted where the link belongs.
    package let linkIsMounted: Bool
    /// True if a directory without entries stands where the link belongs.
    package let linkIsEmpty: Bool
    /// True if a file is mounted at the target, so that nothing can take its place.
    package let targetIsMounted: Bool

    package init(
        entry: Entry, link: Node, source: Node, target: Node, strangerExists: Bool, pairs: [ObservedPair],
        targetIsEmpty: Bool, targetDangles: Bool = false, linkIsMounted: Bool = false, linkIsEmpty: Bool = false,
        targetIsMounted: Bool = false
    ) {
        self.linkIsMounted = linkIsMounted
        self.linkIsEmpty = linkIsEmpty
        self.targetIsMounted = targetIsMounted
        self.entry = entry
        self.link = link
        self.source = source
        self.target = target
        self.strangerExists = strangerExists
        self.pairs = pairs
        self.targetIsEmpty = targetIsEmpty
        self.targetDangles = targetDangles
    }
}

/// What is on the machine now, read once, links not followed.
package struct Observation: Sendable {
    package let entries: [EntryObservation]
    /// The directories that hold targets, and theirs, up to the root of the volume.
    package let volumeDirectories: [VolumePath: Node]
    /// The directories that links lie in which do not exist yet.
    package let missingHomeDirectories: Set<HomePath>
    /// Every entry of the manifests, those that nobody looked at included.
    package let declared: [Entry]

    package init(
        entries: [EntryObservation], volumeDirectories: [VolumePath: Node],
        missingHomeDirectories: Set<HomePath> = [], declared: [Entry]? = nil
    ) {
        self.declared = declared ?? entries.map(\.entry)
        self.entries = entries
        self.volumeDirectories = volumeDirectories
        self.missingHomeDirectories = missingHomeDirectories
    }

    /// The directories of the home that hold the link of a secret: they are private, whichever entry makes them.
    package var privateHomeDirectories: Set<HomePath> {
        Set(declared.lazy.filter { $0.isSecret && $0.hasLink }.compactMap { $0.link?.parent })
    }

    /// Whether some file exists on both sides, so that a decision needs the baseline.
    package var hasConflicts: Bool {
        entries.contains { $0.pairs.contains { $0.liveContent != nil } }
    }
}
