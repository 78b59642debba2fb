/// Merges two versions of a document key by key; nil when they clash or there is any doubt, so that the caller lets the
/// newer one win and keeps the other.
///
/// Objects (tables) are merged, everything else is one piece. A key on one side only is kept; a key with the same value on both
/// sides is fine; with different values it is a clash. Where a baseline is given, it decides more: a side that still holds
/// what the baseline says did not change that key, so the other side's value is taken, and a key that one side deleted and
/// the other did not change stays deleted. (A key that one side deleted and the other changed is kept.)
///
/// The result is the text of the newer document with edits: order, comments, layout and the spelling of numbers stay,
/// missing members are added behind the last one. Before it is returned it is read again and held against the decision. A
/// document without any text (a file that was created and never written) has no say: the other one is the result. Nil
/// also when a text does not parse, is no object, or holds a key twice. `digest` must be the one that the baseline was made
/// with; it is not called without a baseline.
package func mergeText(
    kind: MergeKind, newer: [UInt8], older: [UInt8], base: BaselineKeys?, digest: @escaping ([UInt8]) -> String
) -> [UInt8]? {
    if isEmptyText(older) { return MergeTree(newer, kind: kind) == nil ? nil : newer }
    if isEmptyText(newer) { return MergeTree(older, kind: kind) == nil ? nil : older }
    let index = base.map { BaselineIndex($0, digest: digest) }
    switch kind {
    case .json: return mergeJSON(newer: newer, older: older, base: index)
    case .toml: return mergeTOML(newer: newer, older: older, base: index)
    }
}

private func isEmptyText(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { isBlank($0) || $0 == 0x0A || $0 == 0x0D }
}

/// Whether a text says exactly the given leaves.
func says(_ expected: [String: [UInt8]], _ bytes: [UInt8], kind: MergeKind) -> Bool {
    MergeTree(bytes, kind: kind)?.leaves(below: 0, at: JSONPointer()) == expected
}
