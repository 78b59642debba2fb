import SystemPackage

/// The letters of a manifest entry's `flags` (see README, "Manifests").
package struct EntryFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let file = EntryFlags(rawValue: 1 << 0)
    package static let directory = EntryFlags(rawValue: 1 << 1)
    package static let json = EntryFlags(rawValue: 1 << 2)
    package static let secret = EntryFlags(rawValue: 1 << 3)
    package static let optional = EntryFlags(rawValue: 1 << 4)
    package static let removeFirst = EntryFlags(rawValue: 1 << 5)
    package static let excludeSystem = EntryFlags(rawValue: 1 << 6)
    package static let privacyFilter = EntryFlags(rawValue: 1 << 7)
    package static let mirror = EntryFlags(rawValue: 1 << 8)
    package static let gitFilter = EntryFlags(rawValue: 1 << 9)
    package static let glob = EntryFlags(rawValue: 1 << 10)

    /// Every flag with its letter, in the order the predecessors document them.
    package static let letters: [(letter: Character, flag: EntryFlags)] = [
        ("f", .file), ("d", .directory), ("j", .json), ("s", .secret), ("o", .optional), ("R", .removeFirst),
        ("x", .excludeSystem), ("p", .privacyFilter), ("m", .mirror), ("g", .gitFilter), ("G", .glob),
    ]

    /// The letters of this set in canonical order.
    package var text: String { String(Self.letters.filter { contains($0.flag) }.map(\.letter)) }
}

/// Where a declaration stands: a file as it was named, and a line and column that count from 1.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
    /// The place for people: a file name can neither forge a line of output nor a terminal sequence.
    package var description: String { "\(FilePath(file).printable):\(line):\(column)" }
}

/// Which of the three layers a manifest comes from; later layers win.
package enum ManifestLayer: Int, Comparable, Sendable {
    case builtIn, image, user
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One thing to keep and link: `source` on the host, `target` on the volume, `link` in the container's home.
package struct Entry: Hashable, Sendable {
    /// `[[entries]]` are imported and linked; `[[container_symlinks]]` are only linked.
    package enum Kind: Sendable {
        case entry, containerSymlink
        /// The link of a whole agent directory, made from `[[agent_directories]]`.
        case agentDirectory
    }

    package let kind: Kind
    package let source: HomePath?
    package let target: VolumePath
    package let link: HomePath?
    package let flags: EntryFlags
    package let isDisabled: Bool
    package let layer: ManifestLayer
    package let location: SourceLocation
    /// True if the entry lies in a linked agent directory: no link and no placeholder is made for it.
    package private(set) var isCovered = false
    /// Earlier names on the volume of entries of an agent directory.
    package var renamed: [RenamedPart] = []
    /// The secret paths of an agent directory, relative to it.
    package var secretParts: [PartPattern] = []

    package init(
        kind: Kind, source: HomePath?, target: VolumePath, link: HomePath?, flags: EntryFlags, isDisabled: Bool,
        layer: ManifestLayer, location: SourceLocation
    ) {
        self.kind = kind
        self.source = source
        self.target = target
        self.link = link
        self.flags = flags
        self.isDisabled = isDisabled
        self.layer = layer
        self.location = location
    }

    /// The entry as part of an agent directory that is on the volume as a whole.
    package var covered: Entry {
        var entry = Entry(
            kind: kind, source: source, target: target, link: nil, flags: flags, isDisabled: isDisabled, layer: layer,
            location: location)
        entry.isCovered = true
        return entry
    }

    /// The entry in an agent directory that cannot be linked for now: nothing is made for it, content and links that are
    /// there are looked after.
    package var asFallback: Entry {
        Entry(
            kind: kind, source: source, target: target, link: link,
            flags: flags.union(.optional).subtracting(.json), isDisabled: isDisabled, layer: layer, location: location)
    }

    package var isDirectory: Bool { flags.contains(.directory) }
    package var isSecret: Bool { flags.contains(.secret) }
    package var isOptional: Bool { flags.contains(.optional) }
    /// How far other users are kept from the target.
    package var secrecy: Secrecy { Secrecy(isSecret: isSecret, isDirectory: isDirectory) }

    /// Whether it is a login that a container makes for itself, and that an import of its own home does not move.
    package var isProfileCredential: Bool {
        [".claude/.credentials.json", ".codex/auth.json"].contains(source?.relative)
    }

    /// Whether boot and repair look after a link for this entry. Disabled entries keep theirs, so that an import of
    /// additional paths finds it; glob entries never had one.
    package var hasLink: Bool { link != nil && !flags.contains(.glob) }

    /// What a placeholder file holds: `{}` wherever the name or the flag says JSON, because tools fail on an empty JSON
    /// document; else nothing.
    package var placeholder: String {
        flags.contains(.json) || target.relative.extension == "json" ? "{}\n" : ""
    }
}

/// An `[agent]` section: how a launch wrapper for one agent is made.
package struct AgentDeclaration: Hashable, Sendable {
    package let name: String
    package let binary: String
    package let defaultArguments: [String]
    package let aliases: [String]
    package let isOptional: Bool
    package let layer: ManifestLayer
    package let location: SourceLocation

    package init(
        name: String, binary: String, defaultArguments: [String], aliases: [String], isOptional: Bool,
        layer: ManifestLayer, location: SourceLocation
    ) {
        self.name = name
        self.binary = binary
        self.defaultArguments = defaultArguments
        self.aliases = aliases
        self.isOptional = isOptional
        self.layer = layer
        self.location = location
    }
}

/// Every valid entry, agent and agent directory of all layers, in the byte order of the file names, later layers winning.
package struct Manifest: Sendable {
    package let entries: [Entry]
    package let agents: [AgentDeclaration]
    package let directories: [AgentDirectory]
    package init(entries: [Entry], agents: [AgentDeclaration], directories: [AgentDirectory] = []) {
        self.entries = entries
        self.agents = agents
        self.directories = directories
    }
}
