import CaiModel
import CaiPlatform
import SystemPackage

/// The tree that an archive becomes, below a staging directory of our own.
///
/// What the archive made so far is in a table here, and every step through the tree is held against it: nothing is opened
/// that the archive did not make as a directory. Beneath that, no call follows a symlink.
struct StagingTree {
    private let root: Directory
    private let rules: MemberRules
    private let writers = FileWriters()
    private(set) var members = MemberTable()
    /// Attributes of directories, which get them at the end.
    private var directoryAttributes: [Int: [(name: String, value: [UInt8])]] = [:]
    /// Directories that no member named, only members in them.
    private var implied: Set<Int> = []
    /// The directory in which the last member was made, with those above it.
    private var trail: [(name: FilePath.Component, directory: Directory)] = []
    /// Files before this member are written; what is behind may be on its way.
    private var settled = 0
    /// Digests of members before this one were asked for.
    private var asked = 0
    private(set) var lostAttributes: Set<String> = []
    private(set) var replaced: [FilePath] = []

    /// Larger files are written while they are read.
    private static let smallFile: Int64 = 256 << 10
    /// After so many members the digests of those that are written are taken.
    private static let askedEach = 1024

    init(root: Directory, rules: MemberRules) {
        self.root = root
        self.rules = rules
    }

    /// Makes one member. Throws `ArchiveProblem` for one that may not be there, `SystemCallError`.
    mutating func add(_ member: TarMember, at path: FilePath, _ reader: TarReader) throws {
        guard let name = path.lastComponent else { return }
        if case .directory = member.kind { return try addDirectory(member, at: path) }
        let parent = try directory(path.removingLastComponent(), of: path, member)
        try makeRoom(for: member, path, name, parent)
        let mode = member.mode & 0o1777
        let file = StagedFile(name: name, mode: mode, modified: member.modified, attributes: member.keptAttributes)
        switch member.kind {
        case .file: try addFile(member, file, at: path, parent, reader)
        case .symlink(let text):
            if text.isEmpty { throw rules.refusal(member.name, "is a symlink without a target") }
            try parent.makeLink(name, to: text)
            try parent.keepTimes(of: name, accessed: member.modified, modified: member.modified)
            try note(
                ArchiveMember(path: path, kind: .symlink(text: text), size: 0, mode: 0o777, modified: member.modified))
        case .hardLink(let target): try addHardLink(member, to: target, at: path, name, parent)
        case .special(let what): throw rules.refusal(member.name, "is \(what), which is not unpacked")
        case .directory: break
        }
    }

    /// Removes a file again.
    mutating func remove(_ path: FilePath) throws {
        guard let index = members.index(of: path), let name = path.lastComponent,
            members.member(at: index)?.kind == .file
        else { return }
        try settle()
        try root.descendant(path.removingLastComponent()).unlink(name)
        members.remove(at: index)
    }

    /// Removes everything that was made.
    mutating func abandon() {
        _ = try? writers.drain()  // an error is no news: only so that nothing is written any more
        trail = []
        // What cannot be listed or removed now goes with the whole staging directory, which its maker removes.
        guard let names = try? root.names() else { return }
        for name in names { try? TreeEmptier.remove(name, in: root) }  // likewise
    }

    /// Waits for the files and gives the directories their modes and times, the inner ones first.
    mutating func finish() throws {
        try settle()
        trail = []
        for index in (0..<members.count).reversed() where members.isDirectory(at: index) && !implied.contains(index) {
            guard let member = members.member(at: index) else { continue }
            let made = try root.descendant(member.path)
            lostAttributes.formUnion(
                try made.descriptor.setAttributes(directoryAttributes[index] ?? [], made.label))
            try made.descriptor.keepMode(member.mode, made.label)
            try made.descriptor.keepTimes(accessed: member.modified, modified: member.modified, made.label)
        }
    }
}

extension StagingTree {
    private mutating func note(_ member: ArchiveMember) throws {
        members.append(member)
        if members.count - asked < Self.askedEach { return }
        asked = members.count
        take(try writers.take())
    }

    private func member(at path: FilePath) -> ArchiveMember? {
        members.index(of: path).flatMap { members.member(at: $0) }
    }

    /// Waits for the files that are on their way and takes their digests.
    private mutating func settle() throws {
        take(try writers.drain())
        settled = members.count
    }

    private mutating func take(_ results: FileWriters.Results) {
        for (index, digest) in results.digests { members.set(digest, at: index) }
        lostAttributes.formUnion(results.lostAttributes)
    }

    // MARK: directories

    private mutating func addDirectory(_ member: TarMember, at path: FilePath) throws {
        _ = try directory(path, of: path, member)
        guard let index = members.index(of: path) else { return }
        members.set(mode: member.mode & 0o1777, modified: member.modified, at: index)
        implied.remove(index)
        directoryAttributes[index] = member.keptAttributes
    }

    /// Opens a directory of the tree for the member at `target`, making what is missing. Throws `ArchiveProblem` when something
    /// else stands on the way.
    private mutating func directory(
        _ path: FilePath, of target: FilePath, _ member: TarMember
    ) throws -> Directory {
        let names = Array(path.components)
        let common = zip(names, trail).prefix { $0 == $1.name }.count
        trail.removeLast(trail.count - common)
        var walked = FilePath(root: nil, names.prefix(common))
        for name in names.dropFirst(common) {
            walked.append(name)
            let parent = trail.last?.directory ?? root
            switch self.member(at: walked)?.kind {
            case .directory: trail.append((name, try parent.openDirectory(name)))
            case nil:
                trail.append((name, try parent.makeDirectory(name, mode: 0o700)))
                implied.insert(members.count)
                try note(ArchiveMember(path: walked, kind: .directory, size: 0, mode: 0o700, modified: 0))
            case let other?:
                throw rules.refusal(
                    member.name, walked == target ? "would replace \(other.word)" : "lies below \(other.word)")
            }
        }
        return trail.last?.directory ?? root
    }

    /// Removes what an earlier member of the same name made.
    private mutating func makeRoom(
        for member: TarMember, _ path: FilePath, _ name: FilePath.Component, _ parent: Directory
    ) throws {
        guard let index = members.index(of: path), let old = members.member(at: index) else { return }
        if old.kind == .directory { throw rules.refusal(member.name, "would replace a directory") }
        try settle()
        try parent.unlink(name)
        members.remove(at: index)
        replaced.append(path)
    }

    // MARK: files

    private mutating func addFile(
        _ member: TarMember, _ file: StagedFile, at path: FilePath, _ parent: Directory, _ reader: TarReader
    ) throws {
        let made = ArchiveMember(
            path: path, kind: .file, size: member.size, mode: file.mode, modified: file.modified)
        if member.isSparse || member.size > Self.smallFile {
            return try note(made.with(try writeLarge(member.size, file, parent, reader)))
        }
        var content: [UInt8] = []
        content.reserveCapacity(Int(member.size))
        try reader.readContent { bytes, _ in content.append(contentsOf: bytes) }
        try writers.add(FileWriters.Job(member: members.count, directory: parent, file: file, content: content))
        try note(made)
    }

    /// Writes a file while it is read, leaving its holes.
    private mutating func writeLarge(
        _ size: Int64, _ staged: StagedFile, _ parent: Directory, _ reader: TarReader
    ) throws -> ContentDigest {
        let path = parent.label.appending(staged.name)
        let file = try parent.createFile(staged.name, mode: 0o600)
        var digest = RunningDigest()
        var position: Int64 = 0
        try reader.readContent { bytes, offset in
            digest.addZeros(offset - position)
            digest.add(bytes)
            position = offset + Int64(bytes.count)
            try file.write(bytes, at: offset, path)
        }
        digest.addZeros(size - position)
        if position < size { try file.setSize(size, path) }
        lostAttributes.formUnion(try staged.dress(file, path))
        try file.close()
        return digest.digest
    }

    private mutating func addHardLink(
        _ member: TarMember, to target: FilePath, at path: FilePath, _ name: FilePath.Component, _ parent: Directory
    ) throws {
        let target = try rules.path(of: target, isListed: true)
        guard let index = members.index(of: target), let other = members.member(at: index),
            let targetName = target.lastComponent
        else { throw rules.refusal(member.name, "is a hard link to \(target.printable), which is not before it") }
        guard other.kind != .directory else { throw rules.refusal(member.name, "is a hard link to a directory") }
        if index >= settled { try settle() }
        let from = try root.descendant(target.removingLastComponent())
        if try !from.tryHardLink(of: targetName, to: parent, name) {
            _ = try from.copyFile(targetName, to: parent, name, durable: false)
        }
        let settledTarget = members.member(at: index) ?? other
        try note(
            ArchiveMember(
                path: path, kind: .hardLink(to: target), size: settledTarget.size, mode: settledTarget.mode,
                modified: settledTarget.modified, digest: settledTarget.digest))
    }
}

extension ArchiveMember.Kind {
    fileprivate var word: String {
        switch self {
        case .file: "a file"
        case .directory: "a directory"
        case .symlink: "a symlink"
        case .hardLink: "a hard link"
        }
    }
}

extension TarMember {
    /// The attributes that are unpacked: the kernel's security and trusted classes are left to it.
    fileprivate var keptAttributes: [(name: String, value: [UInt8])] {
        attributes.filter { $0.name.hasPrefix("user.") || $0.name.hasPrefix("system.posix_acl_") }
    }
}

extension RunningDigest {
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    /// Adds a hole.
    mutating func addZeros(_ count: Int64) {
        var rest = count
        while rest > 0 {
            let piece = min(rest, Int64(Self.zeros.count))
            Self.zeros.withUnsafeBytes { add(UnsafeRawBufferPointer(rebasing: $0.prefix(Int(piece)))) }
            rest -= piece
        }
    }
}
