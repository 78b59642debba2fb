/// What a merge of two trees does to the newer one, and what the result must say.
struct MergeDecision {
    /// One change of the newer document.
    enum Step {
        /// The value of the member at a path becomes the older document's value.
        case replace(newer: Int, older: Int, at: [String])
        /// The member at a path goes.
        case remove(newer: Int, from: Int, at: [String])
        /// A member of the older document is added to the object at a path.
        case insert(older: Int, name: String, into: [String])
    }

    private(set) var steps: [Step] = []
    /// Every leaf of the result by its path, to hold the edited text against.
    private(set) var expected: [String: [UInt8]] = [:]

    private let newer: MergeTree
    private let older: MergeTree
    private let base: BaselineIndex?

    /// Two objects at the same path that are merged member by member.
    private struct Pair {
        let newer: Int
        let older: Int
        let path: [String]
        let pointer: JSONPointer
    }

    private enum Verdict { case keepNewer, takeOlder, drop, merge, clash }

    /// Decides every key; nil when a key clashes or there is any doubt.
    init?(newer: MergeTree, older: MergeTree, base: BaselineIndex?) {
        self.newer = newer
        self.older = older
        self.base = base
        var pending = [Pair(newer: 0, older: 0, path: [], pointer: JSONPointer())]
        while let pair = pending.popLast() {
            guard let inner = decide(pair) else { return nil }
            pending += inner
        }
    }

    /// Decides the members of two objects; returns the pairs of objects among them, nil on a clash.
    private mutating func decide(_ pair: Pair) -> [Pair]? {
        let newerMembers = newer.members(of: pair.newer) ?? []
        let olderMembers = older.members(of: pair.older) ?? []
        let olderByName = Dictionary(olderMembers.map { ($0.name, $0) }) { first, _ in first }
        let newerNames = Set(newerMembers.map(\.name))
        var inner: [Pair] = []
        var kept = 0
        for member in newerMembers {
            let pointer = pair.pointer.appending(member.name)
            let other = olderByName[member.name]
            // Swift calls names equal that differ in their bytes (é in one scalar or in two); this is not decided here.
            if let other, !other.name.utf8.elementsEqual(member.name.utf8) { return nil }
            switch verdict(member, other, pointer) {
            case .clash: return nil
            case .drop:
                steps.append(.remove(newer: member.node, from: pair.newer, at: pair.path + [member.name]))
                continue
            case .keepNewer: expect(newer, member.node, pointer)
            case .takeOlder:
                guard let other else { return nil }
                steps.append(.replace(newer: member.node, older: other.node, at: pair.path + [member.name]))
                expect(older, other.node, pointer)
            case .merge:
                guard let other else { return nil }
                inner.append(
                    Pair(newer: member.node, older: other.node, path: pair.path + [member.name], pointer: pointer))
            }
            kept += 1
        }
        for member in olderMembers where !newerNames.contains(member.name) {
            let pointer = pair.pointer.appending(member.name)
            if let base, base.holds(older, member.node, at: pointer) { continue }
            steps.append(.insert(older: member.node, name: member.name, into: pair.path))
            expect(older, member.node, pointer)
            kept += 1
        }
        if kept == 0 { expected[pair.pointer.text] = MergeTree.emptyObject }
        return inner
    }

    /// What becomes of a key of the newer document.
    private func verdict(_ member: MergeTree.Member, _ other: MergeTree.Member?, _ pointer: JSONPointer) -> Verdict {
        guard let other else {
            return base?.holds(newer, member.node, at: pointer) == true ? .drop : .keepNewer
        }
        switch (newer.nodes[member.node].content, older.nodes[other.node].content) {
        case (.object, .object): return .merge
        case (.leaf(let mine), .leaf(let theirs)) where mine == theirs: return .keepNewer
        default: break
        }
        guard let base else { return .clash }
        if base.holds(older, other.node, at: pointer) { return .keepNewer }
        return base.holds(newer, member.node, at: pointer) ? .takeOlder : .clash
    }

    private mutating func expect(_ tree: MergeTree, _ node: Int, _ pointer: JSONPointer) {
        expected.merge(tree.leaves(below: node, at: pointer)) { _, new in new }
    }
}
