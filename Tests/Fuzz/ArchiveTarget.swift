import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage

/// Unpacks bytes as an archive into a scratch directory, with something beside it that must stay as it is.
final class ArchiveTarget {
    private let root: FilePath
    private let staging: Directory
    private let unpacker: ArchiveUnpacker
    private let limits: ArchiveLimits
    private let canary = Array("the canary is alive\n".utf8)

    init() throws {
        var template = Array("/tmp/cai-fuzz.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Complaint("mkdtemp: errno \(errno)") }
        root = FilePath(platformString: template)
        let directory = try Directory.open(root)
        staging = try directory.makeDirectory("staging", mode: 0o700)
        let file = try directory.createFile("canary", mode: 0o644)
        try file.write(canary, root)
        let limits = ArchiveLimits(bytes: 4 << 20, ratio: 200, members: 500, depth: 20, pathBytes: 512)
        unpacker = ArchiveUnpacker(limits: limits, entries: [], takesIndex: true)
        self.limits = limits
    }

    /// Throws `Complaint` when something was touched, or left, that should not be.
    func run(_ bytes: [UInt8]) throws {
        let file = try Directory.open("/tmp").makeNamelessFile()
        try bytes.withUnsafeBytes { try file.write($0, at: 0, "input") }
        var isUnpacked = true
        do {
            let archive = try unpacker.unpack(from: file, named: "input", into: staging)
            // What an index makes beside that is its caller's to remove, as after success.
            _ = try? UnsentFiles(of: archive, named: "input", in: staging, limits: limits)
        } catch is ArchiveProblem {
            isUnpacked = false
        } catch is SystemCallError {
            isUnpacked = false
        }
        try check(isUnpacked)
    }

    private func check(_ isUnpacked: Bool) throws {
        let directory = try Directory.open(root)
        guard try directory.names() == ["canary", "staging"] else {
            throw Complaint("something lies beside the staging directory")
        }
        guard try directory.openFile("canary").readAll(limit: 100, root) == canary else {
            throw Complaint("the canary was changed")
        }
        let left = try staging.names()
        if isUnpacked {
            for name in left { try remove(name, in: staging) }
        } else if !left.isEmpty {
            throw Complaint("a refused archive left \(left)")
        }
    }

    private func remove(_ name: FilePath.Component, in directory: Directory) throws {
        guard try directory.status(of: name)?.kind == .directory else { return try directory.unlink(name) }
        try directory.setMode(of: name, to: 0o700)
        let inside = try directory.openDirectory(name)
        for below in try inside.names() { try remove(below, in: inside) }
        try directory.removeDirectory(name)
    }
}
