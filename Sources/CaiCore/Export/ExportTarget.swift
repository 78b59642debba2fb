import CaiModel
package import CaiPlatform
package import SystemPackage

/// Why an export cannot be written where it was asked for.
package enum ExportTargetProblem: Error, Equatable, Sendable {
    case directoryMissing(FilePath)
    case directoryNotWritable(FilePath)
    case notAFile(FilePath)
}

/// Where an export goes: a file that appears under its name when it is complete, or standard output.
///
/// It is opened as whoever calls, before anything is done as the owner of the volume.
package struct ExportTarget {
    enum Place {
        case standardOutput
        case file(directory: Directory, name: FilePath.Component)
    }

    let place: Place
    let output: OutputFile
    /// Copies of what does not stand still; beside the file that is written, or in the directory for temporary files.
    let spool: Spool
    /// The complete file, absolute; `-` for standard output.
    package let path: FilePath
    /// The file that has the name so far.
    private let replaced: FileStatus?
    /// What the file has for a name until it is complete; nil where it has none.
    private let partName: FilePath.Component?

    /// Opens standard output, or a file that is nowhere yet.
    ///
    /// `-` is standard output; a directory, or a path that ends with a slash, gets `name` in it; nothing is the current
    /// directory. Throws `ExportTargetProblem`, `SystemCallError`.
    package init(_ named: String?, name: String, workshop: FilePath) throws {
        if named == "-" {
            place = .standardOutput
            path = "-"
            output = OutputFile(
                file: SharedFile(try Descriptor(inherited: 1, "standard output")), label: "standard output")
            spool = Spool(in: workshop)
            partName = nil
            replaced = nil
            return
        }
        let (parent, last) = try Self.resolve(named ?? "./", name)
        let directory = try Self.open(parent)
        replaced = try directory.status(of: last)
        if let replaced, replaced.kind != .regular, replaced.kind != .symlink {
            throw ExportTargetProblem.notAFile(parent.appending(last))
        }
        place = .file(directory: directory, name: last)
        path = (directory.resolvedPath ?? parent).appending(last)
        spool = Spool(in: parent)
        let part = FilePath.Component(".\(last.string).\(ProcessFacts.id).part")
        let file: Descriptor
        if directory.canNameFiles {
            file = try directory.makeNamelessFile()
            partName = nil
        } else {
            file = try directory.createFile(part ?? last, mode: 0o600)
            partName = part
        }
        output = OutputFile(file: SharedFile(file), label: parent.appending(last))
    }

    /// A stream that somebody else reads.
    package init(stream: consuming Descriptor, workshop: FilePath) {
        place = .standardOutput
        path = "-"
        output = OutputFile(file: SharedFile(stream), label: "the stream")
        spool = Spool(in: workshop)
        partName = nil
        replaced = nil
    }

    /// The directory and the name that a path on the command line means.
    private static func resolve(_ named: String, _ name: String) throws -> (FilePath, FilePath.Component) {
        let path = FilePath(named)
        // What is no directory, or one that may not be opened, is taken for the file; making it says what is wrong.
        let isDirectory = named.hasSuffix("/") || (try? Directory.open(path)) != nil
        guard let last = isDirectory ? FilePath.Component(name) : path.lastComponent, last.kind == .regular else {
            throw ExportTargetProblem.directoryMissing(path)
        }
        let parent = isDirectory ? path : path.removingLastComponent()
        return (parent.isEmpty ? "." : parent, last)
    }

    private static func open(_ path: FilePath) throws -> Directory {
        do {
            let directory = try Directory.open(path)
            guard directory.isWritable else { throw ExportTargetProblem.directoryNotWritable(path) }
            return directory
        } catch let error as SystemCallError where [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) {
            throw ExportTargetProblem.directoryMissing(path)
        }
    }

    /// The files that are no content of a volume they may lie on: the one that is being written, and the one it replaces.
    func own() throws -> [FileStatus] {
        [try output.file.descriptor.status(output.label), replaced].compactMap(\.self)
    }

    /// Makes the complete file durable and gives it its name; what had that is replaced.
    package func finish() throws {
        guard case .file(let directory, let name) = place else { return }
        try output.file.descriptor.sync(output.label)
        let part = try partName ?? givePartName(directory, name)
        do {
            try directory.rename(part, to: directory, name, .replace)
        } catch {
            try? directory.unlink(part)  // complete, but nobody was told of it
            throw error
        }
        try directory.sync()
    }

    private func givePartName(_ directory: Directory, _ name: FilePath.Component) throws -> FilePath.Component {
        let part = FilePath.Component(".cai-export.\(ProcessFacts.id).part") ?? name
        do {
            try directory.name(output.file.descriptor, part)
        } catch {
            // A file system, or a sandbox, that gives no name to a file without one gets a copy.
            guard error.isUnsupportedLink || error.errno == .noSuchFileOrDirectory else { throw error }
            _ = try output.file.descriptor.copyFile(
                output.label, to: directory, part, mode: { _ in 0o600 }, durable: true)
        }
        return part
    }

    /// Removes what there is of it.
    package func abandon() {
        guard case .file(let directory, _) = place, let partName else { return }
        try? directory.unlink(partName)  // a part of an archive; the name says so
    }
}
