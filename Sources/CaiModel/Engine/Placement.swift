package import SystemPackage

/// What a path of the volume becomes, and where it comes from. Times are nanoseconds since the epoch.
package enum PlacedContent: Sendable, Equatable {
    /// A directory; what is in it is placed by steps of its own. `from` is the directory of the source it stands for.
    case directory(mode: UInt16, modified: Int64?, from: FilePath?)
    /// The content of a file of the source tree.
    case copy(FilePath, FileFacts, mode: UInt16)
    /// The content of many files of one directory of the source tree, in the directory that the placement names, where nothing
    /// stands under their names.
    case files(PlainFiles)
    /// Text that was made.
    case text([UInt8], mode: UInt16)
    case link(FilePath, modified: Int64?)
    /// A file, symlink or directory that a run displaced.
    case kept(FilePath, run: RunID)
    /// Only the permission bits of what stands there change.
    case mode(UInt16)
    /// Only the time of a directory changes, after everything else.
    case time(Int64)
    /// What stands there is displaced and nothing takes its place.
    case nothing
}

/// One path of the volume that changes together with all others of its plan: afterwards, also after a kill, either all of
/// them have changed or none.
package struct Placement: Sendable, Equatable {
    /// What becomes of that which has to make room.
    package enum Keeping: Sendable {
        /// It is displaced, and the report says so unless it is empty.
        case shown
        /// It is text of our own: displaced for an undo, and of no interest otherwise.
        case quiet
        /// It is removed for good.
        case none
    }

    /// The files that no process may have open when the plan is carried out.
    package enum Exclusivity: Sendable {
        case none
        /// The file on the volume: a process would go on with one that has no name.
        case target
        /// Also the file of the source, which must be what the plan saw: its log would belong to another moment.
        case sourceAndTarget
    }

    package let target: VolumePath
    /// What the plan saw there.
    package let found: Node
    package let content: PlacedContent
    package let keeping: Keeping
    /// The version of the source that was considered, where something else is written.
    package let origin: SourceVersion?
    package let exclusivity: Exclusivity

    package init(
        _ target: VolumePath, found: Node, content: PlacedContent, keeping: Keeping = .shown,
        origin: SourceVersion? = nil, exclusivity: Exclusivity = .none
    ) {
        self.target = target
        self.found = found
        self.content = content
        self.keeping = keeping
        self.origin = origin
        self.exclusivity = exclusivity
    }

    /// How many bytes are written.
    package var byteCount: Int64 {
        switch content {
        case .copy(_, let facts, _): facts.size
        case .files(let files): files.byteCount
        case .text(let bytes, _): Int64(bytes.count)
        case .directory, .link, .kept, .mode, .time, .nothing: 0
        }
    }

    /// Whether what stands there has to make room and is worth telling about.
    package var displaces: Bool {
        guard keeping == .shown else { return false }
        switch (content, found) {
        case (.mode, _), (.time, _), (.directory, .directory), (_, .missing), (_, .special), (_, .unreachable):
            return false
        case (_, .file(let facts)): return facts.size > 0
        case (_, .directory), (_, .symlink): return true
        }
    }
}

/// A version of a file in the source of an import.
package struct SourceVersion: Sendable, Equatable {
    package let digest: ContentDigest
    /// The bytes of a JSON or TOML document.
    package let document: [UInt8]?

    package init(digest: ContentDigest, document: [UInt8]?) {
        self.digest = digest
        self.document = document
    }
}

extension Placement {
    /// True if it stands for many files, whose directory is its target.
    package var isForFiles: Bool { if case .files = content { true } else { false } }

    /// The same as placements of one path each; made one by one.
    package var singles: some Sequence<Placement> { (0..<count).lazy.compactMap(single) }

    /// How many paths change.
    package var count: Int { if case .files(let files) = content { files.count } else { 1 } }

    /// One of them as a placement of its own.
    package func single(at index: Int) -> Placement? {
        guard case .files(let files) = content else { return self }
        return files.name(at: index).map {
            Placement(target.below($0), found: .missing, content: files.content(at: index), keeping: keeping)
        }
    }
}

extension Step {
    /// How many paths change, as far as one of them is for many.
    package var count: Int { if case .place(let placement) = self { placement.count } else { 1 } }

    /// The same as steps of which none is for many paths; made one by one.
    package var singles: some Sequence<Step> {
        (0..<count).lazy.map { index in
            guard case .place(let placement) = self, case .files = placement.content else { return self }
            return placement.single(at: index).map { .place($0) } ?? self
        }
    }
}

extension Plan {
    /// Whether its steps are carried out all together or not at all.
    package var isAtomic: Bool { steps.contains { if case .place = $0 { true } else { false } } }
}
