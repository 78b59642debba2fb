import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage
import Testing

/// A directory of one test's own, removed behind it.
final class Scratch {
    let path: FilePath

    init() throws {
        var template = Array("/tmp/cai-test.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer {
            $0.baseAddress.flatMap { mkdtemp($0) }.map { FilePath(platformString: $0) }
        }
        path = try #require(made)
        chmod(path.string, 0o755)
    }

    deinit {
        // What cannot be removed is left to whoever cleans /tmp.
        if let directory = try? Directory.open(path) { empty(directory) }
        rmdir(path.string)
    }

    func absolute(_ name: String) -> FilePath { path.appending(FilePath(name).components) }

    /// Makes a directory with its ancestors.
    @discardableResult
    func directory(_ name: String, mode: mode_t = 0o755, owner: UInt32? = nil) -> FilePath {
        var made = path
        for component in FilePath(name).components {
            made.append(component)
            mkdir(made.string, 0o755)
        }
        chmod(made.string, mode)
        if let owner { chown(made.string, owner, owner) }
        return made
    }

    /// Makes a file.
    @discardableResult
    func file(_ name: String, _ text: String = "", mode: mode_t = 0o644, owner: UInt32? = nil) throws -> FilePath {
        let file = absolute(name)
        let stream = try #require(fopen(file.string, "we"))
        fputs(text, stream)
        fclose(stream)
        if let owner { chown(file.string, owner, owner) }
        chmod(file.string, mode)
        return file
    }

    func link(_ name: String, to text: String) { symlink(text, absolute(name).string) }
    func hardLink(_ name: String, to other: String) { Glibc.link(absolute(other).string, absolute(name).string) }

    func status(_ name: String) throws -> FileStatus? {
        let path = absolute(name)
        let last = try #require(path.lastComponent)
        return try Directory.open(path.removingLastComponent()).status(of: last)
    }

    func owner(_ name: String) throws -> UInt32? { try status(name)?.uid }

    private func empty(_ directory: Directory) {
        for name in (try? directory.names()) ?? [] {
            if let below = try? directory.openDirectory(name) {
                empty(below)
                try? directory.removeDirectory(name)
            } else {
                try? directory.unlink(name)
            }
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs a test only as root; the skipped test says why.
    static var asRoot: Self { .enabled(if: geteuid() == 0, "giving files to somebody else needs root") }
}

/// An entry of a manifest.
func entry(_ target: String, link: String?, _ flags: EntryFlags = .directory) throws -> Entry {
    Entry(
        kind: .entry, source: nil, target: try VolumePath(target), link: try link.map { try HomePath($0) },
        flags: flags,
        isDisabled: false, layer: .builtIn, location: SourceLocation(file: "test", line: 1, column: 1))
}
