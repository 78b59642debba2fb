import CaiModel
import CaiPlatform
import SystemPackage

/// Finds processes that have files open. What moves under an open file leaves the process with one that has no name.
enum FileUse {
    /// The process that has a file open, as messages name it; nil if there is none.
    static func user(
        of name: FilePath.Component, in directory: Directory
    ) throws(SystemCallError) -> String? {
        guard let file = try open(name, in: directory) else { return nil }
        switch file.isOpenElsewhere {
        case true: return process(below: directory.resolvedPath?.appending(name)) ?? "a process"
        case false: return nil
        case nil: return process(below: directory.resolvedPath?.appending(name))
        }
    }

    /// The process that has something below a directory open, runs from there or works there; nil if none is known.
    static func user(ofTree name: FilePath.Component, in directory: Directory) -> String? {
        process(below: directory.resolvedPath?.appending(name))
    }

    /// True if the file is an SQLite database by its first bytes; the process that has it open, if that `isAsked`. A file
    /// that cannot be read is none, and its copy says why. It is not read unless it `mayBeDatabase`, by its size for instance.
    static func look(
        at name: FilePath.Component, in directory: Directory, isAsked: Bool, mayBeDatabase: Bool = true
    ) -> (isDatabase: Bool, user: String?) {
        guard let file = (try? open(name, in: directory)) ?? nil else { return (false, nil) }  // as said
        let user = isAsked && file.isOpenElsewhere ?? false
        let head = mayBeDatabase ? try? file.readHead(16, directory.label) : nil  // as said
        return (
            head.map(isDatabase) ?? false,
            user ? process(below: directory.resolvedPath?.appending(name)) ?? "a process" : nil
        )
    }

    /// Some files of one directory, given by its path below another one.
    struct Files: Sendable {
        let folder: FilePath
        let names: [FilePath.Component]

        /// As many as one thread takes at a time.
        static let most = 64

        /// The files in groups of that size.
        static func groups(_ names: [FilePath.Component], in folder: FilePath) -> [Files] {
            stride(from: 0, to: names.count, by: most).map {
                Files(folder: folder, names: Array(names[$0..<min($0 + most, names.count)]))
            }
        }
    }

    /// The first of many files that a process of this kernel has open, by its path below `root`; nil if there is none, or
    /// the file system does not tell. Many files are asked by several threads. Files that are gone are passed over, and with
    /// `skipsUnreadable` those that cannot be opened.
    static func firstOpen(
        of files: [Files], below root: Directory, skipsUnreadable: Bool
    ) throws(SystemCallError) -> FilePath? {
        let found = try Workers.map(files, threads: files.count < 2 ? 1 : Workers.count) {
            (files) throws(SystemCallError) -> [FilePath] in
            let directory = try root.descendant(files.folder)
            for name in files.names {
                do throws(SystemCallError) {
                    if try open(name, in: directory)?.isOpenElsewhere ?? false { return [files.folder.appending(name)] }
                } catch {
                    if !skipsUnreadable { throw error }
                }
            }
            return []
        }
        return found.joined().first
    }

    /// Opens a file; nil if it is gone.
    private static func open(
        _ name: FilePath.Component, in directory: Directory
    ) throws(SystemCallError) -> Descriptor? {
        do {
            return try directory.openFile(name)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    private static func process(below place: FilePath?) -> String? {
        place.flatMap { ProcessTree.user(of: $0) }.map { "\(FilePath($0.name).printable) (process \($0.id))" }
    }
}
