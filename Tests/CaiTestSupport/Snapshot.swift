import Crypto
import Glibc
package import SystemPackage

/// What a tree looks like at one moment, symlinks not followed.
package struct Snapshot: Sendable, Equatable {
    /// What stands at one path.
    package struct Fact: Sendable, Equatable {
        package enum Kind: String, Sendable { case file, directory, link, fifo, socket, device }
        package let kind: Kind
        package let mode: UInt16
        package let uid: UInt32
        package let gid: UInt32
        package let inode: UInt64
        /// Nanoseconds since the epoch. The change time moves with every write, rename or change of mode.
        package let modified: Int64
        package let changed: Int64
        package let size: Int64
        /// SHA-256 of a file's content.
        package let digest: String?
        package let linkText: FilePath?
    }

    /// How closely two snapshots are compared.
    package enum Closeness: Sendable {
        /// Nothing was written: the same inodes, and not even a change time moved.
        case untouched
        /// The same tree made twice: kinds, modes, owners, content and texts, but neither times nor inodes.
        case content
    }

    package let facts: [FilePath: Fact]

    package init(facts: [FilePath: Fact]) { self.facts = facts }

    /// Looks at everything below a directory, the directory itself included (as the empty path).
    package init(of directory: FilePath) throws {
        var facts: [FilePath: Fact] = [:]
        try Self.look(directory, FilePath(), &facts)
        self.facts = facts
    }

    private static func look(_ place: FilePath, _ path: FilePath, _ facts: inout [FilePath: Fact]) throws {
        guard let status = try Files.status(place) else { return }
        let fact = try Fact(status, at: place)
        facts[path] = fact
        guard fact.kind == .directory else { return }
        for name in try Files.names(place) {
            try look(place.appending(name.components), path.appending(name.components), &facts)
        }
    }

    /// One line for each difference from an earlier snapshot; empty when there is none.
    package func differences(from old: Snapshot, _ closeness: Closeness = .untouched) -> [String] {
        let paths = Set(facts.keys).union(old.facts.keys).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        return paths.flatMap { path -> [String] in
            let name = path.isEmpty ? "." : path.shown
            switch (old.facts[path], facts[path]) {
            case (nil, .some(let new)): return ["\(name): new \(new.kind)"]
            case (.some, nil): return ["\(name): gone"]
            case (.some(let old), .some(let new)): return new.differences(from: old, closeness).map { "\(name): \($0)" }
            case (nil, nil): return []
            }
        }
    }
}

extension Snapshot.Fact {
    fileprivate init(_ status: stat, at place: FilePath) throws {
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .device
            }
        self.kind = kind
        mode = UInt16(status.st_mode & 0o7777)
        uid = status.st_uid
        gid = status.st_gid
        inode = UInt64(status.st_ino)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        size = Int64(status.st_size)
        digest = kind == .file ? Survival.digest(of: try Files.read(place)) : nil
        linkText = kind == .link ? try Files.linkText(place) : nil
    }

    fileprivate func differences(from old: Self, _ closeness: Snapshot.Closeness) -> [String] {
        var lines: [String] = []
        func note<Value: Equatable>(_ what: String, _ before: Value, _ after: Value) {
            if before != after { lines.append("\(what) \(before) -> \(after)") }
        }
        note("kind", old.kind.rawValue, kind.rawValue)
        note("mode", String(old.mode, radix: 8), String(mode, radix: 8))
        note("owner", "\(old.uid):\(old.gid)", "\(uid):\(gid)")
        note("content", old.digest ?? "", digest ?? "")
        note("link", old.linkText?.shown ?? "", linkText?.shown ?? "")
        guard closeness == .untouched else { return lines }
        note("inode", old.inode, inode)
        note("mtime", old.modified, modified)
        if lines.isEmpty { note("ctime", old.changed, changed) }
        return lines
    }
}

/// Whether what users wrote can still be found.
package enum Survival {
    /// SHA-256 in hexadecimal.
    package static func digest(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: bytes) { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension FilePath {
    /// Like `starts(with:)`, which takes long in a debug build.
    fileprivate func isAtOrBelow(_ other: String) -> Bool {
        let text = string
        return text == other || text.hasPrefix(other + "/")
    }
}

extension World {
    package func snapshot() throws -> Snapshot { try Snapshot(of: root) }

    /// What `cai` itself keeps on the volume and replaces.
    private static let own: [FilePath] = [
        "mnt/agent-data/.containai", "mnt/agent-data/.containai-links-checked-at",
        "mnt/agent-data/.containai-imported-at",
    ]
    private static let placeholder = Survival.digest(of: Array("{}\n".utf8))

    /// The paths whose content, or link text, is nowhere any more: neither in the home nor on the volume nor in the
    /// displaced store. Files without a byte, or with no more than a placeholder's `{}`, have nothing to lose, and
    /// links into the volume are `cai`'s own.
    package func lost(since original: Snapshot) throws -> [String] {
        let now = try snapshot()
        let isKept: (FilePath) -> Bool = { $0.isAtOrBelow("home/agent") || $0.isAtOrBelow("mnt/agent-data") }
        let kept = now.facts.filter { isKept($0.key) }
        let digests = Set(kept.values.compactMap(\.digest))
        let texts = Set(kept.values.compactMap(\.linkText))
        return original.facts.filter { path, fact in
            if let digest = fact.digest {
                if fact.size == 0 || digest == World.placeholder || digests.contains(digest) { return false }
            } else if let text = fact.linkText {
                if text.isAtOrBelow("/mnt/agent-data") || texts.contains(text) { return false }
            } else {
                return false
            }
            return isKept(path) && !World.own.contains { path.isAtOrBelow($0.string) }
        }.keys.map(\.shown).sorted()
    }
}
