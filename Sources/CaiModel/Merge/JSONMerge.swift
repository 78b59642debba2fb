/// Merges two JSON texts; see `mergeText`.
func mergeJSON(newer: [UInt8], older: [UInt8], base: BaselineIndex?) -> [UInt8]? {
    guard let newerDocument = JSONDocument(anyDialect: newer), let newerTree = MergeTree(newerDocument),
        let olderDocument = JSONDocument(anyDialect: older), let olderTree = MergeTree(olderDocument),
        let decision = MergeDecision(newer: newerTree, older: olderTree, base: base)
    else { return nil }
    let merge = JSONMerge(
        newer: newerDocument, newerTree: newerTree, older: olderDocument, olderTree: olderTree, steps: decision.steps)
    guard let changed = merge.changed(), let result = merge.completed(changed) else { return nil }
    guard (try? JSONDocument(result, dialect: newerDocument.dialect)) != nil else { return nil }
    return says(decision.expected, result, kind: .json) ? result : nil
}

/// Carries out the steps of a merge on the newer text.
private struct JSONMerge {
    let newer: JSONDocument
    let newerTree: MergeTree
    let older: JSONDocument
    let olderTree: MergeTree
    let steps: [MergeDecision.Step]

    /// The newer text with the older values that win, and without the members that go.
    func changed() -> [UInt8]? {
        var edits: [TextEdit] = []
        var removed: [Int: Set<Int>] = [:]
        for step in steps {
            switch step {
            case .replace(let mine, let theirs, _):
                edits.append(TextEdit(newer.nodes[newerTree.nodes[mine].origin].range, value(theirs)))
            case .remove(let mine, let object, _):
                removed[newerTree.nodes[object].origin, default: []].insert(newerTree.nodes[mine].origin)
            case .insert: continue
            }
        }
        for (object, members) in removed { edits += newer.removal(of: members, from: object) }
        return edits.isEmpty ? newer.bytes : edited(newer.bytes, edits)
    }

    /// The changed text with the members that only the older document has.
    func completed(_ changed: [UInt8]) -> [UInt8]? {
        var missing: [[String]: [(name: [UInt8], value: [UInt8])]] = [:]
        for case .insert(let theirs, let name, let path) in steps {
            missing[path, default: []].append((quotedJSON(name), value(theirs)))
        }
        if missing.isEmpty { return changed }
        guard let document = try? JSONDocument(changed, dialect: newer.dialect) else { return nil }
        let layout = JSONLayout(of: newer)
        let objects = objects(of: document)
        var edits: [TextEdit] = []
        for (path, members) in missing {
            guard let object = objects[path] else { return nil }
            edits += JSONInsertion(into: object, of: document, layout: layout).edits(members)
        }
        return edited(changed, edits)
    }

    /// The objects that are reached through objects alone, by their path; looking each up on its own would take too long
    /// in a document with thousands of members.
    private func objects(of document: JSONDocument) -> [[String]: Int] {
        var result: [[String]: Int] = [:]
        var pending = [([String](), 0)]
        while let (path, index) = pending.popLast() {
            guard document.nodes[index].kind == .object else { continue }
            result[path] = index
            pending += document.nodes[index].children.map { (path + [document.name(of: $0).text], $0) }
        }
        return result
    }

    /// The text of a value of the older document; rewritten where it may hold comments and the newer one must not.
    private func value(_ node: Int) -> [UInt8] {
        let index = olderTree.nodes[node].origin
        if newer.dialect == .strict, older.dialect == .lenient {
            return older.canonicalText(of: index, sortingMembers: false)
        }
        return Array(older.bytes[older.nodes[index].range])
    }
}
