import CaiModel
import CaiPlatform
import SystemPackage

/// The steps that concern one file, directory or link.
extension Applier {
    func makeDirectory(_ path: VolumePath, _ mode: UInt16) throws {
        let (parent, name) = try machine.volume.parent(of: path.relative)
        if case .directory = Node(name, in: parent) { return }  // somebody else made it
        _ = try parent.makeDirectory(name, mode: mode)
    }

    func makeFile(_ path: VolumePath, _ content: String, _ mode: UInt16, _ number: Int) throws {
        let (parent, name) = try machine.volume.parent(of: path.relative)
        if content.isEmpty {
            try parent.createFile(name, mode: mode).close()
            return
        }
        try writePart(content, mode, number, in: parent)
        try parent.renameExclusively(temporary(number, .part), to: parent, name)
    }

    func fillEmpty(_ path: VolumePath, _ content: String, _ mode: UInt16, _ number: Int) throws {
        let (parent, name) = try machine.volume.parent(of: path.relative)
        guard let status = try parent.status(of: name), status.kind == .regular, status.size == 0 else {
            throw Refusal(description: "\(machine.layout.text(path)) is no longer an empty file")
        }
        try writePart(content, mode, number, in: parent)
        try swapIn(number, parent, name, loser: .mustBeEmpty)
    }

    func setMode(_ path: VolumePath, _ from: UInt16, _ to: UInt16) throws {
        let (parent, name) = try machine.volume.parent(of: path.relative)
        guard let status = try parent.status(of: name), status.mode == from, status.kind != .symlink else {
            throw Refusal(description: "\(machine.layout.text(path)) no longer has mode \(String(from, radix: 8))")
        }
        guard status.uid == Identity.uid else { return try parent.setMode(of: name, to: to) }
        try parent.keepMode(of: name, to)
        if try parent.status(of: name)?.mode == from { throw UnkeptMode() }
    }

    func putLink(
        _ link: HomePath, _ target: VolumePath, _ replacing: Node, _ isPrivate: Bool, _ number: Int
    ) throws {
        let above = link.relative.removingLastComponent().removingLastComponent()
        _ = try machine.home.makeDirectories(above, mode: 0o755)
        let (parent, name) = try machine.home.makeParent(of: link.relative, mode: isPrivate ? 0o700 : 0o755)
        try expect(replacing, name, in: parent, .home(link))
        let text = machine.layout.linkText(to: target)
        if replacing.isMissing { return try parent.makeLink(name, to: text) }
        try exchangeForLink(text, link, parent, name, number) { swap in
            guard case .symlink = Node(swap, in: parent) else { return false }
            try displaced.take(swap, in: parent, as: Place.home(link).displacedPath)
            return true
        }
    }

    /// Removes a symlink, if it still has this text. Its target is not touched.
    func removeLink(_ link: HomePath, _ text: FilePath) throws {
        let (parent, name) = try machine.home.parent(of: link.relative)
        try expect(.symlink(text: text), name, in: parent, .home(link))
        try parent.unlink(name)
        try parent.sync()
    }

    func linkOnVolume(_ path: VolumePath, _ text: FilePath) throws {
        let (parent, name) = try machine.volume.parent(of: path.relative)
        if case .symlink(text) = Node(name, in: parent) { return }  // another container was faster
        try parent.makeLink(name, to: text)
    }

    func setAside(
        _ link: HomePath, _ target: VolumePath, _ found: Node, _ parts: [DatabaseCompanion], _ number: Int
    ) throws {
        let (parent, name) = try machine.home.parent(of: link.relative)
        try expect(found, name, in: parent, .home(link))
        try exchangeForLink(machine.layout.linkText(to: target), link, parent, name, number) { swap in
            let files = parts.compactMap { part in part.name(of: name).map { DisplacedRun.DatabaseFile($0, part) } }
            if files.isEmpty {
                if try removeIfEmpty(swap, in: parent) { return true }
                try displaced.take(swap, in: parent, as: Place.home(link).displacedPath)
                return true
            }
            for file in files + [DisplacedRun.DatabaseFile(swap, nil)] {
                if try FileUse.user(of: file.name, in: parent) != nil { return false }
            }
            try displaced.take(
                database: files + [DisplacedRun.DatabaseFile(swap, nil)], in: parent,
                as: Place.home(link).displacedPath)
            return true
        }
    }

    /// Removes a directory without entries, which holds nothing that could be lost. Returns false for anything else.
    private func removeIfEmpty(_ name: FilePath.Component, in parent: Directory) throws -> Bool {
        guard Node(name, in: parent).isDirectory else { return false }
        do {
            try parent.removeDirectory(name)
            return true
        } catch {
            guard error.errno == .directoryNotEmpty else { throw error }
            return false
        }
    }

    func write(
        _ place: Place, _ content: String, _ mode: UInt16, _ replacing: Node, _ isOurs: Bool, _ number: Int
    ) throws {
        let (tree, path) = machine.tree(of: place)
        let (parent, name) = try tree.makeParent(of: path, mode: 0o755)
        try expect(replacing, name, in: parent, place)
        try parent.writeFile(temporary(number, .part), Array(content.utf8), mode: mode, isDurable: true)
        try swapIn(number, parent, name, loser: isOurs ? .ours(replacing, place) : .displace(place))
    }

    func move(_ from: VolumePath, _ to: VolumePath, _ mode: UInt16, _ number: Int) throws {
        let (parent, name) = try machine.volume.parent(of: from.relative)
        guard case .file = Node(name, in: parent) else {
            throw Refusal(description: "\(machine.layout.text(from)) is no longer a file")
        }
        let (newParent, newName) = try machine.volume.makeParent(of: to.relative, mode: 0o755)
        if NodeReader(machine.volume).isSameFile(from.relative, to.relative) {
            try displaced.take(name, in: parent, as: Place.volume(from).displacedPath)
            return
        }
        if case .file(let facts) = Node(newName, in: newParent), facts.size > 0 {
            throw Refusal(description: "\(machine.layout.text(to)) is no longer empty")
        }
        _ = try parent.copyFile(name, to: newParent, temporary(number, .part), mode: { _ in mode }, durable: true)
        try swapIn(number, newParent, newName, loser: .mustBeEmpty)
        try displaced.take(name, in: parent, as: Place.volume(from).displacedPath)
    }

    func restore(_ kept: FilePath, of source: RunID, to place: Place, _ found: Node, _ number: Int) throws {
        let store = try DisplacedStore(machine.volume).open(source)
        let (from, name) = try store.parent(of: kept)
        let (tree, path) = machine.tree(of: place)
        let (parent, newName) = try tree.makeParent(of: path, mode: 0o755)
        try expect(found, newName, in: parent, place)
        var copier = TreeCopier()
        try copier.copy(name, in: from, to: parent, as: temporary(number, .part))
        try swapIn(number, parent, newName, loser: .displace(place))
        if case .volume(let path) = place { baseline[path] = nil }
    }
}

/// What is done with content that had to make room.
enum Loser {
    /// It is kept, unless it holds no byte.
    case displace(Place)
    /// It is dropped when it still is the generated file that the plan saw; else it is kept.
    case ours(Node, Place)
    /// Nothing may make room but an empty file; anything else is put back and the step refused.
    case mustBeEmpty
}

extension Applier {
    /// Refuses when a name no longer holds what the plan saw there.
    func expect(_ node: Node, _ name: FilePath.Component, in parent: Directory, _ place: Place) throws {
        let now = Node(name, in: parent)
        if now != node {
            throw Refusal(
                description: "\(machine.layout.text(place)) changed after it was looked at (now \(now.word)); run again"
            )
        }
    }

    /// Puts the finished `.part` of a step at `name` and does with what stood there as `loser` says.
    func swapIn(_ number: Int, _ parent: Directory, _ name: FilePath.Component, loser: Loser) throws {
        let part = temporary(number, .part)
        if try parent.status(of: name) == nil {
            do {
                try parent.renameExclusively(part, to: parent, name)
                return try parent.sync()
            } catch {
                guard error.errno == .fileExists else { throw error }
            }
        }
        let swap = temporary(number, .swap)
        try parent.renameExclusively(part, to: parent, swap)
        let own = try parent.status(of: swap)
        do {
            try parent.rename(swap, to: parent, name, .exchange)
        } catch {
            if error.isUnsupportedRename { return try swapInByTwo(number, parent, name, loser) }
            // Our own copy is not to be found by the recovery and kept. A network file system can report an error after it
            // exchanged the two: then the name has the other content, which is left to the recovery.
            if let own, let now = try? parent.status(of: swap), now.isSameFile(as: own) {  // unknown: likewise
                try? TreeEmptier.remove(swap, in: parent)  // likewise
            }
            throw error
        }
        try settled(parent) { try drop(swap, in: parent, loser, at: name) }
    }

    /// Without an exchange: the old one steps aside first. A kill in between leaves the new one to be found by recovery.
    private func swapInByTwo(
        _ number: Int, _ parent: Directory, _ name: FilePath.Component, _ loser: Loser
    ) throws {
        let aside = temporary(number, .aside)
        let swap = temporary(number, .swap)
        try parent.renameExclusively(name, to: parent, aside)
        do {
            try parent.renameExclusively(swap, to: parent, name)
        } catch {
            try parent.renameExclusively(aside, to: parent, name)
            throw error
        }
        try settled(parent) { try drop(aside, in: parent, loser, at: name) }
    }

    /// Runs `body` and makes the names of a directory durable, also if `body` throws: the journal is removed with the last
    /// step, and a name that came back after a loss of power would then be known to no run.
    func settled(_ parent: Directory, _ body: () throws -> Void) throws {
        let result = Result { try body() }
        try parent.sync()
        try result.get()
    }

    /// Does away with what came out of an exchange.
    private func drop(
        _ swap: FilePath.Component, in parent: Directory, _ loser: Loser, at name: FilePath.Component
    ) throws {
        let node = Node(swap, in: parent)
        let isEmptyFile = node.isFile && node.facts?.size == 0
        switch loser {
        case .displace where isEmptyFile, .mustBeEmpty where isEmptyFile: try parent.unlink(swap)
        case .displace(let place): try displaced.take(swap, in: parent, as: place.displacedPath)
        case .ours(let expected, _) where node == expected: try parent.unlink(swap)
        case .ours(_, let place): try displaced.take(swap, in: parent, as: place.displacedPath)
        case .mustBeEmpty:
            try parent.takeBack(swap, at: name)
            throw Refusal(description: "\(parent.label.appending(name).printable) is no longer empty")
        }
    }

    /// Puts a link at `name` by exchange and hands what came out to `settle`. When `settle` returns false, the exchange is
    /// taken back and the step is refused.
    func exchangeForLink(
        _ text: FilePath, _ link: HomePath, _ parent: Directory, _ name: FilePath.Component, _ number: Int,
        settle: (FilePath.Component) throws -> Bool
    ) throws {
        let swap = temporary(number, .swap)
        try parent.makeLink(swap, to: text)
        do {
            try parent.rename(swap, to: parent, name, .exchange)
        } catch {
            try parent.unlink(swap)  // our own link
            guard error.isUnsupportedRename || error.errno == .improperLink else { throw error }
            return try stepAsideForLink(text, link, parent, name, number, settle: settle)
        }
        try settled(parent) {
            if try settle(swap) { return }
            try parent.rename(swap, to: parent, name, .exchange)
            try parent.unlink(swap)
            throw Refusal(
                description: "\(parent.label.appending(name).printable) changed after it was looked at; run again")
        }
    }
}
