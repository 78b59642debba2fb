import CaiModel
import CaiPlatform
import SystemPackage

/// What travels of a source.
extension PushSource {
    /// One thing that is pushed.
    struct Item {
        /// What it is called.
        let path: FilePath
        /// Where it is, free of symlinks.
        let real: FilePath
        let kind: PushIndex.Kind
    }

    /// What has to travel for these records: themselves, the directories above them, and what the links among them lead to.
    /// With `isTelling` the index goes before them, so that what the source does not have is known.
    package func write(
        _ needed: [PushRecord], isTelling: Bool, to send: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (files: Int, bytes: Int64) {
        let sink = PlainSink(send)
        let tar = PushTar(source: source, sink: sink)
        if isTelling { try tar.add(PushIndex.head + blocks.flatMap(\.text), as: PushScope.index) }
        var written: Set<FilePath> = []
        for (number, records) in Dictionary(grouping: withLinked(needed), by: \.block).sorted(by: { $0.key < $1.key }) {
            let items = items(of: number)
            for record in records.map(\.number).sorted() { try write(items[record], number, tar, &written) }
        }
        try tar.finish()
        return (tar.files, sink.written)
    }

    /// What the records of a directory are about.
    func items(of number: Int) -> [Item] {
        let (block, place) = (blocks[number], places[number])
        return records(block).map { kind in
            switch kind {
            case .directory, .same: Item(path: block.path, real: place.real, kind: kind)
            case .file(let name, _): Item(path: block.path.appending(name), real: place.path(name), kind: kind)
            case .link(let name, _, _):
                Item(path: block.path.appending(name), real: place.real.appending(name), kind: kind)
            }
        }
    }

    private func write(_ item: Item, _ number: Int, _ tar: PushTar, _ written: inout Set<FilePath>) throws {
        let path = item.path
        // A directory of which only names were looked at comes with them.
        if case .directory = item.kind, places[number].status == nil { return }
        try addDirectories(path.removingLastComponent(), tar, &written)
        guard !path.isEmpty, written.insert(path).inserted else { return }
        switch item.kind {
        case .directory: if let status = places[number].status { try tar.add(directory: path, status) }
        case .same: return
        case .file(_, let file):
            switch disclosure(item, file) {
            case .whole: try tar.add(file: item.real, as: path)
            case .part(let bytes):
                // Gone meanwhile: the next push has it.
                if let status = try? source.tree.status(item.real) { try tar.add(bytes, as: path, status) }
            case .nothing: return
            }
        case .link(_, let text, _):
            if let status = try? source.tree.status(item.real) { try tar.add(link: path, text, status) }
        }
    }

    /// Adds a directory and those above it, without what is in them.
    private func addDirectories(_ path: FilePath, _ tar: PushTar, _ written: inout Set<FilePath>) throws {
        guard !path.isEmpty, !written.contains(path) else { return }
        try addDirectories(path.removingLastComponent(), tar, &written)
        written.insert(path)
        guard case .found(let real, .directory) = resolver.resolve(path),
            let status = try? source.tree.directory(real).status()
        else { return }  // gone meanwhile: it is made with the mode of one that nobody named
        try tar.add(directory: path, status)
    }
}
