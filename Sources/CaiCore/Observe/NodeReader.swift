package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Looks at paths of one tree without following links, keeping the directories it passed open for the next look.
package final class NodeReader {
    private enum Parent {
        case open(Directory)
        case node(Node)
    }

    private let tree: Tree
    private var parents: [PathKey: Parent] = [:]
    private let mostParents = 128

    package init(_ tree: Tree) { self.tree = tree }

    /// What stands at a path. Never throws: what cannot be looked at is `.unreachable` with the reason.
    package func node(at path: FilePath) -> Node {
        if path.isEmpty { return .missing }
        switch parent(path.removingLastComponent()) {
        case .open(let directory): return Node(lastIn: path, in: directory)
        case .node(let node): return node
        }
    }

    /// The same where most likely a symlink stands, for which one look is enough.
    package func node(atLink path: FilePath) -> Node {
        if path.isEmpty { return .missing }
        guard case .open(let directory) = parent(path.removingLastComponent()),
            let text = try? directory.linkText(ofLastIn: path)  // no symlink, or not readable: the other look tells
        else { return node(at: path) }
        return .symlink(text: text)
    }

    /// The open parent of a path; nil when there is none that can be reached.
    package func openParent(of path: FilePath) -> Directory? {
        if case .open(let directory) = parent(path.removingLastComponent()) { directory } else { nil }
    }

    /// Whether two paths are files with the same content; false where one of them cannot be read.
    package func isSameFile(_ first: FilePath, _ second: FilePath) -> Bool {
        guard case .file(let here) = node(at: first), case .file(let there) = node(at: second), here.size == there.size,
            let parent = openParent(of: first), let name = first.lastComponent,
            let otherParent = openParent(of: second), let otherName = second.lastComponent,
            let sample = try? contentSample(name, in: parent),  // in doubt they differ
            let other = try? contentSample(otherName, in: otherParent)
        else { return false }
        return sample.digest == other.digest
    }

    private func parent(_ path: FilePath) -> Parent {
        let key = PathKey(path)
        if let known = parents[key] { return known }
        if parents.count >= mostParents { parents.removeAll(keepingCapacity: true) }
        let found = look(path)
        parents[key] = found
        return found
    }

    /// Opens from the nearest open ancestor, so that siblings share the walk.
    private func look(_ path: FilePath) -> Parent {
        guard let name = path.lastComponent else { return .open(tree.root) }
        let above = path.removingLastComponent()
        switch parent(above) {
        case .node(let node): return .node(node)
        case .open(let directory):
            do {
                return .open(try directory.openDirectory(name))
            } catch {
                return .node(obstacle(error, name, in: directory, path))
            }
        }
    }

    private func obstacle(
        _ error: SystemCallError, _ name: FilePath.Component, in directory: Directory, _ path: FilePath
    ) -> Node {
        if error.errno == .noSuchFileOrDirectory { return .missing }
        switch Node(name, in: directory) {
        case .symlink: return .unreachable(.symlink(ancestor: path))
        case .file, .special: return .unreachable(.notDirectory(ancestor: path))
        default: return .unreachable(.failed(error))
        }
    }
}

extension Directory {
    /// What stands at a name, for a decision that needs to know: throws what `Node` would call unreachable.
    func look(at name: FilePath.Component) throws(SystemCallError) -> Node {
        guard let status = try status(of: name) else { return .missing }
        return try Node(status) { () throws(SystemCallError) in try self.linkText(of: name) }
    }
}

extension Node {
    /// Looks at one name of an open directory.
    package init(_ name: FilePath.Component, in directory: Directory) {
        self.init(
            status: { () throws(SystemCallError) in try directory.status(of: name) },
            linkText: { () throws(SystemCallError) in try directory.linkText(of: name) })
    }

    /// Looks at the last component of a path whose other components lead to an open directory.
    package init(lastIn path: FilePath, in directory: Directory) {
        self.init(
            status: { () throws(SystemCallError) in try directory.status(ofLastIn: path) },
            linkText: { () throws(SystemCallError) in try directory.linkText(ofLastIn: path) })
    }

    private init(
        status: () throws(SystemCallError) -> FileStatus?, linkText: () throws(SystemCallError) -> FilePath
    ) {
        do {
            guard let status = try status() else {
                self = .missing
                return
            }
            self = try Node(status, linkText: linkText)
        } catch {
            self = .unreachable(.failed(error))
        }
    }

    fileprivate init(
        _ status: FileStatus, linkText: () throws(SystemCallError) -> FilePath
    ) throws(SystemCallError) {
        switch status.kind {
        case .regular: self = .file(FileFacts(status))
        case .directory: self = .directory(FileFacts(status))
        case .symlink: self = .symlink(text: try linkText())
        case .fifo: self = .special(.fifo)
        case .socket: self = .special(.socket)
        case .blockDevice, .characterDevice: self = .special(.device)
        }
    }
}

extension FileFacts {
    package init(_ status: FileStatus) {
        self.init(
            device: status.device, inode: status.inode, size: status.size, mode: status.mode,
            modified: status.modified)
    }
}
