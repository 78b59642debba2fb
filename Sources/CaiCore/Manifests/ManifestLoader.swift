package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Reads manifest files of a machine; the built-in ones come from the caller.
package struct ManifestLoader: Sendable {
    /// Files larger than this are not manifests.
    package static let largest = 1 << 20
    /// Where users put theirs, below the root of the volume.
    package static let userDirectory = FilePath("containai/manifests")

    /// The declarations of the built-in files, in their order.
    package var builtIn: [ManifestContents] { makeBuiltIn() }
    private let makeBuiltIn: @Sendable () -> [ManifestContents]
    /// All of them combined; this is enough where there are no others, as is usual.
    private let alone: ManifestSet

    package init(builtIn: [ManifestContents]) {
        self.init(builtIn: { builtIn }, alone: ManifestSet(combining: builtIn))
    }

    /// A loader of built-in manifests that were combined before; `builtIn` is called when there are others.
    package init(builtIn: @escaping @Sendable () -> [ManifestContents], alone: ManifestSet) {
        makeBuiltIn = builtIn
        self.alone = alone
    }

    /// All manifests: built in, of the image, of the user. A file that cannot be read is an error finding.
    package func load(_ machine: Machine, imageDirectory: FilePath) -> ManifestSet {
        var findings: [Finding] = []
        var files = imageFiles(machine.root, imageDirectory, &findings)
        let user = machine.layout.volume.appending(Self.userDirectory.components)
        files += read(user, .user, &findings, open: { try machine.volume.directory(Self.userDirectory) }) {
            try $0.openFile($1)
        }
        return combine(files).adding(findings)
    }

    /// The manifests of a machine without home or volume: built in and of the image.
    package func load(root: Directory, imageDirectory: FilePath) -> ManifestSet {
        var findings: [Finding] = []
        let files = imageFiles(root, imageDirectory, &findings)
        return combine(files).adding(findings)
    }

    /// Above this many bytes several threads read the manifests that are not built in.
    private static let threadedSize = 128 << 10

    private func combine(_ files: [ManifestFile]) -> ManifestSet {
        if files.isEmpty { return alone }
        let size = files.reduce(0) { $0 + $1.bytes.count }
        let threads = size > Self.threadedSize ? Workers.count : 1
        let read = Workers.map(ManifestSet.ordered(files), threads: threads, ManifestReader.read)
        return ManifestSet(combining: builtIn + read)
    }

    /// Reads files that somebody named, to be checked as a user's manifests together with the built-in ones. One that
    /// cannot be read is an error finding, and the others are checked.
    package func check(named names: [String]) -> [Finding] {
        var findings: [Finding] = []
        let files = names.compactMap { name -> ManifestFile? in
            do {
                return try Self.read(named: name)
            } catch {
                findings.append(Finding(unreadable: error, at: FilePath(name).printable))
                return nil
            }
        }
        return findings + combine(files).findings
    }

    private static func read(named name: String) throws -> ManifestFile {
        let path = FilePath(name == "-" ? "/proc/self/fd/0" : name)
        let file = try Descriptor(opening: path)
        return ManifestFile(name: name, layer: .user, bytes: try file.readAll(limit: largest, path))
    }

    private func imageFiles(_ root: Directory, _ directory: FilePath, _ findings: inout [Finding]) -> [ManifestFile] {
        read(directory, .image, &findings, open: { try root.openInRoot(directory) }) { _, name in
            try root.openFileInRoot(directory.appending(name))
        }
    }

    /// Whether the user has any manifest, as predecessors 1.12 step 7 asks.
    package static func hasUserManifests(_ machine: Machine) -> Bool {
        let names = try? machine.volume.directory(userDirectory).names()  // no directory, no manifests
        return names?.contains { $0.extension == "toml" } ?? false
    }

    private func read(
        _ label: FilePath, _ layer: ManifestLayer, _ findings: inout [Finding], open: () throws -> Directory,
        file: (Directory, FilePath.Component) throws -> Descriptor
    ) -> [ManifestFile] {
        let directory: Directory
        let names: [FilePath.Component]
        do {
            directory = try open()
            names = try directory.names().filter { $0.extension == "toml" }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return []
        } catch {
            findings.append(Finding(unreadable: error, at: label.printable))
            return []
        }
        return names.compactMap { name in
            let path = label.appending(name)
            do {
                let bytes = try file(directory, name).readAll(limit: Self.largest, path)
                return ManifestFile(name: path.string, layer: layer, bytes: bytes)
            } catch {
                findings.append(Finding(unreadable: error, at: path.printable))
                return nil
            }
        }
    }
}
