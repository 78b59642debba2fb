import CaiCore
import CaiManifests
import CaiModel
import CaiPlatform
import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A place to unpack into, with something beside it that nothing may touch.
struct UnpackingPlace {
    let scratch: Scratch
    let staging: Directory
    let stagingPath: FilePath
    private let outside: Snapshot

    init() throws {
        scratch = try Scratch()
        stagingPath = scratch.directory("below/staging", mode: 0o700)
        staging = try Directory.open(stagingPath)
        try scratch.file("canary", "untouched")
        try scratch.file("below/canary", "untouched")
        scratch.directory("outside")
        try scratch.file("outside/file", "untouched")
        outside = try Snapshot(of: scratch.path)
    }

    /// Unpacks an archive of these bytes.
    func unpack(_ bytes: [UInt8], limits: ArchiveLimits = .test) throws -> UnpackedArchive {
        let file = scratch.absolute("archive")
        try Files.write(bytes, to: file)
        defer { unlink(file.string) }
        return try unpack(file, limits: limits)
    }

    func unpack(_ file: FilePath, limits: ArchiveLimits = .test) throws -> UnpackedArchive {
        try ArchiveUnpacker(limits: limits, entries: builtInEntries).unpack(
            from: try Descriptor(opening: file), named: "a.tgz", into: staging)
    }

    /// What an archive of these bytes is refused for; nil when it is not.
    func refusal(of bytes: [UInt8], limits: ArchiveLimits = .test) throws -> ArchiveProblem? {
        do {
            _ = try unpack(bytes, limits: limits)
            return nil
        } catch let problem as ArchiveProblem {
            return problem
        }
    }

    /// What changed outside of the staging directory, its own times left out.
    func changesOutside() throws -> [String] {
        try Snapshot(of: scratch.path).differences(from: outside).filter {
            !$0.hasPrefix("below/staging") && !$0.hasPrefix(".:")
        }
    }

    func isEmpty() throws -> Bool { try Files.names(stagingPath).isEmpty }

    func text(_ name: FilePath) throws -> String { try Files.text(stagingPath.appending(name.components)) }
}

extension ArchiveLimits {
    static let test = ArchiveLimits(bytes: 1 << 30, ratio: 200, members: 10_000, depth: 100, pathBytes: 4096)
}

let builtInEntries: [Entry] = {
    let files = BuiltInManifests.files
    return ManifestSet(files).manifest.entries
}()
