import CaiModel
import CaiPlatform
import SystemPackage

/// Above this many files, one sync of the whole file system is cheaper than one fsync for each.
private let fsyncLimit = 8

/// Moving a live file or tree onto the volume:
///
/// 1. *stage*: copy what goes to the volume beside the target, under a `.part` name, and make it durable;
/// 2. *place*: rename it into the target, file by file where the target has content; what loses is displaced;
/// 3. *link*: exchange the live tree for the link;
/// 4. *settle*: look at every file that came out: unchanged since it was copied, it is removed; otherwise it is stored
///    again. What loses against the volume is displaced.
extension Applier {
    func adopt(_ adoption: Adoption, _ number: Int) throws {
        let move = Move(adoption, number)
        let before = baseline
        do {
            try carryOut(move, number)
        } catch {
            // As long as the live tree is not gone, what the volume got from it is no common ground of the two.
            if move.isNoted { baseline = before }
            throw error
        }
    }

    private func carryOut(_ move: Move, _ number: Int) throws {
        let adoption = move.adoption
        let (homeParent, homeName) = try machine.home.parent(of: adoption.live.relative)
        try expectLive(adoption, homeName, in: homeParent)
        let (parent, name) = try machine.volume.parent(of: adoption.target.relative)
        try expectStored(adoption, name, in: parent)
        try expectDatabases(move, homeName, homeParent, name, parent)

        try stage(move, homeName, homeParent, parent, number)
        if move.hasStaged { try place(move, parent, name, number) }
        try makeSameDurable(move)
        let text = machine.layout.linkText(to: adoption.target)
        try exchangeForLink(text, adoption.live, homeParent, homeName, number) { swap in
            guard Node(swap, in: homeParent).isDirectory == adoption.isDirectory,
                try isUntouched(move, swap, homeName, homeParent)
            else { return false }
            if !adoption.isDirectory { try settleParts(move, swap, homeName, homeParent) }
            try settle(move, swap, homeParent)
            return true
        }
        record(move)
    }

    private func expectLive(_ adoption: Adoption, _ name: FilePath.Component, in parent: Directory) throws {
        guard let planned = adoption.items.first?.live else { return }
        let now = Node(name, in: parent)
        // A directory's own times change with its content, which the items are compared for one by one.
        if planned.isDirectory, now.isDirectory, now.facts?.inode == planned.facts?.inode { return }
        // A newer save wins for the same reason as the one that was seen; else a guard would never catch up with an
        // application that saves all the time.
        if guarding != nil, now.isFile, now.facts?.size ?? 0 > 0, let verdict = adoption.items.first?.verdict,
            verdict == .take || verdict == .takeOver, adoption.items.first?.database == nil,
            !FileUse.look(at: name, in: parent, isAsked: false).isDatabase
        {
            return
        }
        try expect(planned, name, in: parent, .home(adoption.live))
    }

    /// Refuses when something stands where the plan saw nothing, or the other way round: the plan decided nothing about it.
    private func expectStored(_ adoption: Adoption, _ name: FilePath.Component, in parent: Directory) throws {
        guard let planned = adoption.items.first?.stored else { return }
        let now = try parent.look(at: name)
        if planned.isMissing != now.isMissing || planned.isDirectory != now.isDirectory {
            throw Refusal(
                description: "\(machine.layout.text(adoption.target)) changed after it was looked at "
                    + "(now \(now.word)); run again")
        }
    }

    /// Makes the files of the volume durable whose live twins go: a program may have written them a moment ago.
    private func makeSameDurable(_ move: Move) throws {
        let same = move.adoption.items.filter { $0.verdict == .same && $0.live.isFile }
        if same.count > fsyncLimit {
            return try machine.volume.root.descriptor.syncFileSystem(machine.volume.root.label)
        }
        for item in same {
            let (parent, name) = try machine.volume.parent(of: move.adoption.target(below: item.path).relative)
            try parent.openFile(name).sync(parent.label.appending(name))
        }
    }

    // MARK: stage

    private func stage(
        _ move: Move, _ name: FilePath.Component, _ from: Directory, _ parent: Directory, _ number: Int
    ) throws {
        guard move.stages(FilePath()) else { return }
        let part = temporary(number, .part)
        var copier = TreeCopier(secrecy: move.adoption.secrecy) { move.choice(for: $0) }
        try copier.copy(name, in: from, to: parent, as: part) { copied in
            if guarding == nil { note(copied, of: move) }
        }
        move.copied = copier.copied
        if !move.adoption.isDirectory { try stageParts(move, name, from, parent) }
        move.hasStaged = true
        reportLost(copier.lostAttributes, move.adoption.live)
    }

    private func reportLost(_ attributes: Set<String>, _ live: HomePath) {
        for name in attributes.sorted() {
            findings.append(
                Finding(.warning, at: live.inHome, "the volume's file system cannot hold the attribute \(name)"))
        }
    }

    // MARK: place

    private func place(_ move: Move, _ parent: Directory, _ name: FilePath.Component, _ number: Int) throws {
        let target = try parent.look(at: name)
        guard move.adoption.isDirectory, target.isDirectory else {
            if !move.adoption.isDirectory { try placeParts(move, name, parent) }
            return try swapIn(number, parent, name, loser: move.loser(FilePath(), .volume(move.adoption.target)))
        }
        let part = temporary(number, .part)
        let swap = temporary(number, .swap)
        try parent.renameExclusively(part, to: parent, swap)
        let staged = try parent.openDirectory(swap)
        try merge(move, staged, into: parent.openDirectory(name), FilePath(), number)
        try TreeEmptier { path, name, directory, _ in
            try self.displaced.take(name, in: directory, as: self.displacedPath(move.adoption.target, path))
        }.empty(swap, in: parent)
        if move.adoption.fileCount > fsyncLimit {
            try parent.descriptor.syncFileSystem(parent.label)
        } else {
            try parent.sync()
        }
    }

    /// Puts the staged children of one directory into the directory that the volume already has.
    private func merge(
        _ move: Move, _ staged: Directory, into target: Directory, _ path: FilePath, _ number: Int
    ) throws {
        staged.unlock(try staged.status().mode)
        try noteMode(target.status().mode, of: move.adoption.target(below: path))
        try target.whileUnlocked {
            try displaceDatabases(move, path, target)
            for child in move.partsFirst(try staged.names(), in: path) {
                let below = path.appending(child)
                if try staged.look(at: child).isDirectory, try target.look(at: child).isDirectory {
                    let inside = try staged.openDirectory(child)
                    try merge(move, inside, into: target.openDirectory(child), below, number)
                    try staged.removeDirectory(child)
                    continue
                }
                try mergeOne(move, child, staged, target, below)
            }
        }
        // A tree of many files is made durable as a whole.
        if move.adoption.fileCount <= fsyncLimit { try target.sync() }
    }

    private func mergeOne(
        _ move: Move, _ child: FilePath.Component, _ staged: Directory, _ target: Directory, _ below: FilePath
    ) throws {
        let path = move.adoption.target(below: below)
        if case .directory(let facts) = try staged.look(at: child) { try noteMode(facts.mode, of: path) }
        do {
            return try staged.moveExclusively(child, to: target, child)
        } catch {
            if error.errno == .improperLink { return try mergeAcross(move, child, staged, target, below) }
            guard error.errno == .fileExists else { throw error }
        }
        let place = Place.volume(path)
        do {
            try staged.rename(child, to: target, child, .exchange)
        } catch {
            guard error.isUnsupportedRename else { throw error }
            try displaced.take(child, in: target, as: place.displacedPath)
            return try staged.renameExclusively(child, to: target, child)
        }
        let node = try staged.look(at: child)
        if node.isFile, node.facts?.size == 0 {
            try staged.unlink(child)
        } else if case .take = move.verdicts[below], move.wasPlaceholder(below, node) {
            try staged.unlink(child)
        } else {
            try displaced.take(child, in: staged, as: place.displacedPath)
        }
    }

    /// The same for a directory of the volume that lies on a mount of its own, into which nothing can be renamed.
    private func mergeAcross(
        _ move: Move, _ child: FilePath.Component, _ staged: Directory, _ target: Directory, _ below: FilePath
    ) throws {
        let part = temporary(move.number, .part)
        do {
            try TreeEmptier.remove(part, in: target)
            var copier = TreeCopier()
            try copier.copy(child, in: staged, to: target, as: part)
            try makeRoom(for: child, in: target, move, below)
            try target.renameExclusively(part, to: target, child)
        } catch {
            // The staged file is still there. What cannot be removed is a copy under a name that says so.
            try? TreeEmptier.remove(part, in: target)
            throw error
        }
        try target.sync()
        try TreeEmptier.remove(child, in: staged)  // our own copy
    }

    /// Displaces what stands at a name of the volume, unless it holds nothing.
    private func makeRoom(
        for child: FilePath.Component, in target: Directory, _ move: Move, _ below: FilePath
    ) throws {
        let old = try target.look(at: child)
        if old.isMissing { return }
        let isEmpty = old.isFile && old.facts?.size == 0
        if case .take = move.verdicts[below], move.wasPlaceholder(below, old) { return try target.unlink(child) }
        if isEmpty { return try target.unlink(child) }
        try displaced.take(child, in: target, as: Place.volume(move.adoption.target(below: below)).displacedPath)
    }

    private func displacedPath(_ target: VolumePath, _ below: FilePath) -> FilePath {
        Place.volume(below.isEmpty ? target : target.appending(below)).displacedPath
    }

    /// Notes in the baseline what the volume now holds.
    private func record(_ move: Move) {
        if !move.isNoted { note(move.copied, of: move) }
        forgetParts(move)
    }

    /// Notes the files of a move in the baseline but for those that were stored again.
    private func note(_ copied: [FilePath: CopiedEntry], of move: Move) {
        move.isNoted = true
        for (below, entry) in copied {
            guard let digest = entry.digest, !move.storedAgain.contains(below) else { continue }
            let target = move.adoption.target(below: below)
            note(
                target, digest, entry.source, secrecy: move.adoption.secrecy.at(below), withKeys: below.isEmpty)
        }
    }

    /// Notes one file in the baseline; for a document that is an entry of its own with a digest for each key, so that a
    /// later conflict can be merged three ways.
    func note(
        _ target: VolumePath, _ digest: ContentDigest, _ source: FileStatus, secrecy: Secrecy, withKeys: Bool
    ) {
        var keys: BaselineKeys?
        if withKeys, let name = target.relative.lastComponent, let kind = MergeKind(fileName: name.string),
            let parent = try? machine.volume.parent(of: target.relative).directory,  // without it only keys are missing
            let document = try? contentSample(name, in: parent),  // likewise
            document.digest == digest
        {
            keys = document.document.flatMap { BaselineKeys.keys(of: $0, kind: kind, digest: baseline.keyDigest) }
        }
        guarding?.stored(target, digest)
        baseline[target] = Baseline.File(
            digest: digest, size: source.size, mode: secrecy.mode(ofFile: source.mode), keys: keys?.digests)
    }

    // MARK: settle

    private func settle(_ move: Move, _ name: FilePath.Component, _ directory: Directory) throws {
        if move.adoption.isDirectory, guarding == nil {
            try removeUnchanged(move, below: try directory.openDirectory(name))
        }
        try TreeEmptier { path, name, directory, status in
            try self.settleOne(move, path, name, directory, status)
        }.empty(name, in: directory)
    }

    /// Removes the files that are unchanged since they were copied, by several threads if there are many. What else there
    /// is, and what cannot be removed, is left to the pass behind this one, which says why.
    private func removeUnchanged(_ move: Move, below tree: Directory) throws {
        var files: [FilePath: [(name: FilePath.Component, copy: CopiedEntry)]] = [:]
        for (path, copy) in move.copied where copy.source.kind == .regular {
            guard move.verdicts[path] == .take || move.verdicts[path] == .takeOver, move.item(path)?.database == nil,
                let name = path.lastComponent
            else { continue }
            files[path.removingLastComponent(), default: []].append((name, copy))
        }
        let mount = Mounts.id(of: tree.descriptor)
        _ = try Workers.map(Array(files), threads: files.count < 2 ? 1 : Workers.count) { folder, files in
            let directory = try tree.descendant(folder)
            // A directory that was mounted meanwhile is the host's: the next pass refuses it.
            if Mounts.id(of: directory.descriptor) != mount { return }
            directory.unlock(try directory.status().mode)
            for (name, copy) in files {
                guard let status = try? directory.status(of: name),  // left to the next pass
                    (try? copy.isUnchanged(isTop: false, status, name, directory)) ?? false  // likewise
                else { continue }
                try? directory.unlink(name)  // likewise
            }
        }
    }

    private func settleOne(
        _ move: Move, _ path: FilePath, _ name: FilePath.Component, _ directory: Directory, _ status: FileStatus
    ) throws {
        let live = move.adoption.live(below: path)
        let asDisplaced = Place.home(live).displacedPath
        if status.kind != .regular, status.kind != .symlink { return try directory.unlink(name) }  // holds no bytes
        if status.kind == .regular { guarding?.taken(live, move.adoption.target(below: path), name, directory) }
        if move.item(path)?.database != nil { return try settleDatabaseFile(move, path, name, directory, status) }
        switch move.verdicts[path] {
        case .take, .takeOver:
            if try move.isUnchanged(path, status, name, directory) { return try directory.unlink(name) }
        case .same:
            if move.matchesPlan(path, Node(name, in: directory)) { return try directory.unlink(name) }
        case .merge:
            if move.matchesPlan(path, Node(name, in: directory)) {
                try displaced.take(name, in: directory, as: asDisplaced)
                return
            }
        case .keep:
            if status.kind == .regular, status.size == 0 { return try directory.unlink(name) }
            try displaced.take(name, in: directory, as: asDisplaced)
            return
        case .remove, .enter, nil: break
        }
        try storeAgain(name, directory, move, path)
    }

    /// Stores a file that was written, or appeared, after the copy was made: the newest content wins, also against what
    /// somebody wrote through the link meanwhile. Against our own copy it always wins, whatever the times say: of two
    /// programs the last to rename may have been the first to write.
    private func storeAgain(
        _ name: FilePath.Component, _ directory: Directory, _ move: Move, _ path: FilePath
    ) throws {
        let target = move.adoption.target(below: path)
        // Temporary names stand beside the whole target, where recovery looks for them.
        let (beside, _) = try machine.volume.makeParent(of: move.adoption.target.relative, mode: 0o755)
        let mode = move.adoption.secrecy.at(path.removingLastComponent()).mode(ofDirectory: 0o755)
        let (parent, newName) = try machine.volume.makeParent(of: target.relative, mode: mode)
        if try isStored(name, directory, newName, parent) {
            if Node(newName, in: parent).isFile {
                try parent.openFile(newName).sync(parent.label.appending(newName))
            }
            return try directory.unlink(name)
        }
        let ownCopy = try ownCopy(newName, parent, move, path)
        if ownCopy == nil, let stored = try parent.status(of: newName), stored.kind == .regular, stored.size > 0,
            let live = try directory.status(of: name), stored.modified > live.modified
        {
            let asDisplaced = Place.home(move.adoption.live(below: path))
            try displaced.take(name, in: directory, as: asDisplaced.displacedPath)
            return
        }
        let isTop = path.isEmpty
        let part = TemporaryName.make(run, isTop ? move.number : TemporaryName.restored, .part)
        var copier = TreeCopier(secrecy: move.adoption.secrecy.below(path))
        try copier.copy(name, in: directory, to: beside, as: part)
        if isTop {
            // An application replaced what was copied: for a guard, which sees every save, that is over.
            var loser = Loser.displace(.volume(target))
            if guarding != nil, let ownCopy { loser = .ours(ownCopy, .volume(target)) }
            try swapIn(move.number, parent, newName, loser: loser)
        } else {
            try insert(part, beside, newName, parent, target)
        }
        move.storedAgain.insert(path)
        if let entry = copier.copied[FilePath()], let digest = entry.digest {
            note(
                target, digest, entry.source, secrecy: move.adoption.secrecy.at(path), withKeys: path.isEmpty)
        }
        try directory.unlink(name)
    }

    private func insert(
        _ part: FilePath.Component, _ beside: Directory, _ newName: FilePath.Component, _ parent: Directory,
        _ target: VolumePath
    ) throws {
        do {
            try beside.renameExclusively(part, to: parent, newName)
        } catch {
            guard error.errno == .fileExists else { throw error }
            try displaced.take(newName, in: parent, as: Place.volume(target).displacedPath)
            try beside.renameExclusively(part, to: parent, newName)
        }
        try parent.sync()
    }

    /// What stands on the volume when that is what this move has put there.
    private func ownCopy(
        _ name: FilePath.Component, _ parent: Directory, _ move: Move, _ path: FilePath
    ) throws -> Node? {
        let node = Node(name, in: parent)
        guard node.isFile, let digest = move.copied[path]?.digest else { return nil }
        return try contentSample(name, in: parent).digest == digest ? node : nil
    }

    /// Whether the volume has the same content already: a file that an overlay copied up has another inode than before.
    private func isStored(
        _ name: FilePath.Component, _ directory: Directory, _ other: FilePath.Component, _ parent: Directory
    ) throws -> Bool {
        switch (Node(name, in: directory), Node(other, in: parent)) {
        case (.file(let here), .file(let there)):
            guard here.size == there.size else { return false }
            return try contentSample(name, in: directory).digest == contentSample(other, in: parent).digest
        case (.symlink(let here), .symlink(let there)): return here == there
        default: return false
        }
    }
}
