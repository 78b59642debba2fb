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
    let isOlderEmpty = isEmptyText(older) || kind == .json && JSONDocument.holdsNothing(older)
    if isOlderEmpty { return MergeTree(newer, kind: kind) == nil ? nil : newer }
    if isEmptyText(newer) { return MergeTree(older, kind: kind) == nil ? nil : older }
    let index = base.map { BaselineIndex($0, digest: digest) }
    switch kind {
    case .json: return mergeJSON(newer: newer, older: older, base: index)
    case .toml: return mergeTOML(newer: newer, older: older, base: index)
    }
}

/// True for a text of blanks and line breaks, with or without a byte order mark.
func isEmptyText(_ bytes: [UInt8]) -> Bool {
    bytes[byteOrderMark(of: bytes)...].allSatisfy { isBlank($0) || $0 == 0x0A || $0 == 0x0D }
}

/// The length of the byte order mark of UTF-8 at the front; 0 for a text without one.
func byteOrderMark(of bytes: [UInt8]) -> Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

/// True if a text says exactly the given leaves.
func says(_ expected: [String: [UInt8]], _ bytes: [UInt8], kind: MergeKind) -> Bool {
    MergeTree(bytes, kind: kind)?.leaves(below: 0, at: JSONPointer()) == expected
}
