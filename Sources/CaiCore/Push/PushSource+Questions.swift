import CaiModel
import CaiPlatform

/// What a service is asked about a source.
extension PushSource {
    /// The whole index; directories that a service may remember are told by their digests, but for the one that was
    /// changed last, of which it most likely does not know yet.
    package func question() -> PushQuestion {
        let known = blocks.indices.filter { blocks[$0].digest != nil }
        let recent = known.max { places[$0].newest < places[$1].newest }
        var question = PushQuestion()
        for (number, block) in blocks.enumerated() {
            if number != recent || block.text.count > Self.largeBlock, let digest = block.digest {
                question.add(.same(block.path, digest), number, 0)
            } else {
                question.add(block, number)
            }
        }
        return question
    }

    /// A directory with more text is told by its digest first, whatever its age.
    private static let largeBlock = 32 << 10

    /// Whole directories.
    package func question(about numbers: [Int]) -> PushQuestion {
        var question = PushQuestion()
        for number in numbers { question.add(blocks[number], number) }
        return question
    }

    /// Some records only, and the directories they are in; files with their digests where these are asked for.
    package func question(about chosen: [PushRecord], withDigests: Bool = false) -> PushQuestion {
        var question = PushQuestion()
        for (number, chosen) in Dictionary(grouping: chosen, by: \.block).sorted(by: { $0.key < $1.key }) {
            let items = items(of: number)
            for record in Set([0] + chosen.map(\.number)).sorted() {
                let kind = withDigests && record > 0 ? digested(items[record]) : items[record].kind
                if let kind { question.add(kind, number, record) }
            }
        }
        return question
    }

    /// The record of a file with the digest of what travels of it; nil for what is no file, is gone or unreadable.
    private func digested(_ item: Item) -> PushIndex.Kind? {
        guard case .file(let name, let file) = item.kind else { return nil }
        func record(_ size: Int64, _ digest: ContentDigest) -> PushIndex.Kind {
            .file(name, PushIndex.File(mode: file.mode, size: size, modified: file.modified, digest: digest))
        }
        if case .part(let bytes) = disclosure(item, file) { return record(Int64(bytes.count), digest(of: bytes)) }
        guard let (directory, last) = try? source.tree.parent(of: item.real) else { return nil }
        return (try? contentSample(last, in: directory).digest).map { record(file.size, $0) }
    }
}
