import CaiModel
import CaiPlatform
import SystemPackage

/// Collects what an import wants of one file or directory of its source.
struct SourceWalk {
    let source: SourceTree
    let resolver: SourceResolver
    let map: ImportMap
    /// Whether something is there outside of the source, on this machine.
    let existsHere: (FilePath) -> Bool
    /// What is left out everywhere.
    let excludes: Excludes
    var secrecy = Secrecy.none
    /// What is left out of this entry: `.system`, `*.priv.*`.
    var filter: ((FilePath.Component) -> Bool)?
    /// Decides about paths of the volume that are left out with everything below them; nil if there are none.
    var leavesOut: ((VolumePath) -> Bool)?
    /// True for the state of an agent: its lock directories and sockets belong to running programs, and are left out.
    var isAgentState = false
    /// Whether symlinks stay what they are, as a restore wants it.
    var keepsSymlinks = false
    var authority = ImportAuthority.newer

    private(set) var wanted: [(VolumePath, WantedPath)] = []
    private(set) var files: [WantedFiles] = []
    /// Places of the volume to which the source has a link: they stay as they are.
    private(set) var served: [VolumePath] = []
    private(set) var events: [ImportEvent] = []
    private(set) var findings: [Finding] = []
    private let user = Identity.uid
    /// The directories that are being walked, to notice circles.
    private var chain: [(device: UInt64, inode: UInt64)] = []

    init(
        source: SourceTree, resolver: SourceResolver, map: ImportMap, excludes: Excludes,
        existsHere: @escaping (FilePath) -> Bool
    ) {
        self.source = source
        self.resolver = resolver
        self.map = map
        self.excludes = excludes
        self.existsHere = existsHere
    }

    /// Adds a file, whose `real` path is free of symlinks.
    mutating func addFile(_ real: FilePath, shown: FilePath, _ facts: FileFacts, to target: VolumePath) {
        guard let parent = parent(of: real), let name = real.lastComponent else { return }
        add(file: name, in: parent, real, shown: shown, facts, to: target)
    }

    /// Adds a directory with all that is in it. The empty target is the root of the volume.
    mutating func addDirectory(_ real: FilePath, shown: FilePath, to target: VolumePath) {
        let directory: Directory
        let names: NameList
        let status: FileStatus
        do {
            directory = try source.tree.directory(real)
            status = try directory.status()
            names = try directory.nameList()
        } catch {
            return findings.append(Finding(unreadable: error, at: shown.printable))
        }
        let id = (device: status.device, inode: status.inode)
        if chain.contains(where: { $0 == id }) { return }
        chain.append(id)
        defer { chain.removeLast() }
        if !target.relative.isEmpty {
            let mode = secrecy.mode(ofDirectory: status.mode & 0o3777)
            wanted.append(
                (
                    target,
                    WantedPath(
                        content: .directory(mode: mode, modified: status.modified, from: real), authority: authority,
                        isSecret: secrecy.isSecret, origin: shown.printable)
                ))
        }
        var files = PlainFiles(in: real, device: status.device, isSecret: secrecy.isSecret)
        let isFiltered = !excludes.isEmpty && excludes.concerns(below: target)
        for index in names.indices {
            if isFiltered || filter != nil || leavesOut != nil || target.relative.isEmpty {
                guard let name = names.name(at: index), isWanted(name, in: target, isFiltered) else { continue }
            }
            do {
                let isAdded = try names.withName(at: index) { name throws(SystemCallError) in
                    try add(name, in: directory, to: &files)
                }
                if isAdded { continue }
            } catch {
                let obstacle = Obstacle.failed(error)
                let place = names.name(at: index).map { shown.appending($0) } ?? shown
                findings.append(Finding(.error, at: place.printable, obstacle.sentence, advice: obstacle.advice))
                continue
            }
            guard let name = names.name(at: index) else { continue }
            addOther(name, in: directory, real.appending(name), shown: shown.appending(name), to: target.below(name))
        }
        if files.isEmpty { return }
        files.pack()
        self.files.append(WantedFiles(target: target, shown: shown, authority: authority, files: files))
    }

    private func isWanted(_ name: FilePath.Component, in target: VolumePath, _ isFiltered: Bool) -> Bool {
        if let filter, filter(name) { return false }
        let place = target.below(name)
        if isFiltered, excludes.excluding(place) != nil { return false }
        if let leavesOut, leavesOut(place) { return false }
        return !place.isReserved
    }

    /// Adds a regular file that may be read; returns whether it was one.
    private func add(
        _ name: UnsafePointer<CChar>, in directory: Directory, to files: inout PlainFiles
    ) throws(SystemCallError) -> Bool {
        guard let status = try directory.status(named: name) else { return true }
        guard status.kind == .regular else { return false }
        // Who owns a file may read it where the mode says so, whatever an access list says about others.
        let isOwn = status.uid == user && status.mode & 0o400 != 0
        guard isOwn || FilePath.Component(platformString: name).map(directory.isReadable) ?? false else { return false }
        files.append(name, FileFacts(status))
        return true
    }

    /// Adds what is no plain file.
    private mutating func addOther(
        _ name: FilePath.Component, in directory: Directory, _ real: FilePath, shown: FilePath, to place: VolumePath
    ) {
        switch Node(name, in: directory) {
        case .missing: return
        case .file(let facts): add(file: name, in: directory, real, shown: shown, facts, to: place)
        case .directory:
            if isAgentState, isLock(name, in: directory) { return }
            addDirectory(real, shown: shown, to: place)
        case .symlink(let text): addSymlink(name, in: directory, real, shown: shown, text, to: place)
        case .special(.socket) where isAgentState: return
        case .special(let kind): events.append(.special(shown, kind))
        case .unreachable(let obstacle):
            findings.append(Finding(.error, at: shown.printable, obstacle.sentence, advice: obstacle.advice))
        }
    }

    private func isLock(_ name: FilePath.Component, in directory: Directory) -> Bool {
        // If it is unreadable, the walk says so.
        (try? LockDirectory.isLock(name, in: directory) { !Node($0, in: directory).isMissing }) ?? false
    }

    private mutating func add(
        file name: FilePath.Component, in parent: Directory, _ real: FilePath, shown: FilePath, _ facts: FileFacts,
        to target: VolumePath
    ) {
        guard parent.isReadable(name) else {
            return findings.append(
                Finding(
                    .error, at: shown.printable, "may not be read, and was not imported",
                    advice: SystemCallError("open", parent.label.appending(name).printable, .permissionDenied).advice))
        }
        wanted.append(
            (
                target,
                WantedPath(
                    content: .copy(real, facts, mode: secrecy.mode(ofFile: facts.mode & 0o777)),
                    authority: authority, isSecret: secrecy.isSecret, origin: shown.printable)
            ))
    }

    // MARK: symlinks

    private mutating func addSymlink(
        _ name: FilePath.Component, in directory: Directory, _ real: FilePath, shown: FilePath, _ text: FilePath,
        to target: VolumePath
    ) {
        let modified = (try? directory.status(of: name))?.modified  // only for its looks
        if keepsSymlinks { return add(link: text, modified, shown, to: target) }
        switch resolver.resolve(real) {
        case .found(let path, let node):
            addLink(to: path, node, real, shown: shown, text, modified, target)
        case .volume(let place):
            // A link of ours to this very place: what it leads to is there.
            if place == target { served.append(target) } else { add(link: text, modified, shown, to: target) }
        case .missing, .broken: events.append(.symlink(shown, text: text, .broken))
        case .loop: events.append(.symlink(shown, text: text, .loop))
        case .outside where text.isAbsolute && existsHere(text):
            events.append(.symlink(shown, text: text, .preserved))
            add(link: text, modified, shown, to: target)
        case .outside: events.append(.symlink(shown, text: text, .outside))
        case .unreachable(let obstacle):
            findings.append(Finding(.error, at: shown.printable, obstacle.sentence, advice: obstacle.advice))
        }
    }

    /// A link to something in the source: a link on the volume when that is imported too, else its content.
    private mutating func addLink(
        to path: FilePath, _ node: Node, _ real: FilePath, shown: FilePath, _ text: FilePath, _ modified: Int64?,
        _ target: VolumePath
    ) {
        let directory = target.relative.removingLastComponent()
        if !text.isAbsolute {
            let named = real.removingLastComponent().pushing(text).lexicallyNormalized()
            let place = directory.pushing(text).lexicallyNormalized()
            if let mapped = map.target(of: named), mapped.isImported, mapped.target.relative == place,
                excludes.excludingAnyAncestor(of: mapped.target) == nil
            {
                return add(link: text, modified, shown, to: target)
            }
        }
        if let mapped = map.target(of: path) {
            guard mapped.isImported, excludes.excludingAnyAncestor(of: mapped.target) == nil,
                !path.components.contains(where: { filter?($0) ?? false })
            else { return events.append(.symlink(shown, text: text, .leftOut)) }
            let relative = mapped.target.relative.relative(to: directory)
            if relative != text { events.append(.relinked(shown, relative)) }
            return add(link: relative, modified, shown, to: target)
        }
        switch node {
        case .file(let facts): addFile(path, shown: shown, facts, to: target)
        case .directory:
            if isInChain(path) { return events.append(.symlink(shown, text: text, .loop)) }
            addDirectory(path, shown: shown, to: target)
        default: events.append(.symlink(shown, text: text, .broken))
        }
    }

    private func isInChain(_ path: FilePath) -> Bool {
        guard let status = try? source.tree.status(path) else { return false }  // then the walk reports it
        return chain.contains { $0 == (status.device, status.inode) }
    }

    private mutating func add(link text: FilePath, _ modified: Int64?, _ shown: FilePath, to target: VolumePath) {
        wanted.append(
            (
                target,
                WantedPath(
                    content: .link(text, modified: modified), authority: authority, isSecret: false,
                    origin: shown.printable)
            ))
    }

    private mutating func parent(of real: FilePath) -> Directory? {
        do {
            return try source.tree.parent(of: real).directory
        } catch {
            findings.append(Finding(unreadable: error, at: real.printable))
            return nil
        }
    }
}
