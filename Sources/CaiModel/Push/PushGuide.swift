package import SystemPackage

/// What a client has to know before it looks: what an import takes, and where that goes.
package struct PushGuide: Codable, Sendable, Equatable {
    /// A path of a home that a manifest names.
    package struct Place: Sendable, Equatable {
        package let path: FilePath
        /// Where it goes on the volume.
        package let target: FilePath
        /// The letters of its manifest.
        package let flags: String
        /// Whether it is taken only where the configuration adds it.
        package let isDisabled: Bool
    }

    package let entries: [Place]
    /// The home of the container.
    package let home: String
    /// Where the workspace is in the container, and on the host.
    package let workspaces: [String]
    /// What the container's own configuration files say; for a source that has none.
    package let configuration: PushConfiguration
    /// What the file of the workspace's repository says, which is added to that of the source.
    package let repository: PushConfiguration?
    /// Whether the service may know from earlier pushes which directories did not change.
    package let remembers: Bool

    package init(
        entries: [Entry], layout: Layout, workspaces: [FilePath], configuration: ImportConfiguration,
        repository: ImportConfiguration?, remembers: Bool
    ) {
        self.remembers = remembers
        let named = entries.filter { $0.kind == .entry && !$0.flags.contains(.glob) && !$0.isAdditional }
        self.entries = named.compactMap { entry in
            entry.source.map {
                Place(
                    path: $0.relative, target: entry.target.relative, flags: entry.flags.text,
                    isDisabled: entry.isDisabled)
            }
        }
        home = layout.home.string
        self.workspaces = workspaces.map(\.string)
        self.configuration = PushConfiguration(configuration)
        self.repository = repository.map { PushConfiguration($0) }
    }
}

/// One string for each, because there are many and every push reads them: the flags, with a `-` before them where it is
/// disabled, the path and the target, encoded as `FilePath.encoded` does, with a tab between.
extension PushGuide.Place: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let fields = try container.decode(String.self).split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 3, let path = FilePath(encoded: String(fields[1])),
            let target = FilePath(encoded: String(fields[2]))
        else { throw DecodingError.dataCorruptedError(in: container, debugDescription: "a place has three fields") }
        isDisabled = fields[0].hasPrefix("-")
        flags = String(fields[0].drop { $0 == "-" })
        (self.path, self.target) = (path, target)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(isDisabled ? "-" : "")\(flags)\t\(path.encoded)\t\(target.encoded)")
    }
}

extension PushGuide.Place {
    /// The place as an entry of a manifest; nil where a path of it is none.
    package var entry: Entry? {
        guard let source = try? HomePath(path.string), let target = try? VolumePath(target.string) else { return nil }
        let set = EntryFlags.letters.filter { flags.contains($0.letter) }.map(\.flag)
        return Entry(
            kind: .entry, source: source, target: target, link: nil, flags: EntryFlags(set), isDisabled: isDisabled,
            layer: .user, location: SourceLocation(file: "guide", line: 1, column: 1))
    }
}

/// As much of the configuration of an import as says what it looks at.
package struct PushConfiguration: Codable, Sendable, Equatable {
    package let excludes: [String]
    package let additionalPaths: [String]
    package let excludesPrivate: Bool

    private enum CodingKeys: String, CodingKey {
        case excludes
        case additionalPaths = "additional_paths"
        case excludesPrivate = "excludes_private"
    }

    init(_ configuration: ImportConfiguration) {
        excludes = configuration.excludes
        additionalPaths = configuration.additionalPaths.map(\.source.relative.string)
        excludesPrivate = configuration.excludesPrivate
    }

    /// The same as an import reads it.
    package var imported: ImportConfiguration {
        var result = ImportConfiguration()
        result.excludes = excludes
        // What is none names nothing.
        result.additionalPaths = additionalPaths.compactMap { try? AdditionalPath("~/" + $0, homes: []) }
        result.excludesPrivate = excludesPrivate
        return result
    }
}
