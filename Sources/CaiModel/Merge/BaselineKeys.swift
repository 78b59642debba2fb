/// What each key of a document held when `cai` last wrote it, as digests, so that a later merge can tell which side
/// changed a key.
///
/// Keys are JSON pointers (RFC 6901). Every value that is not an object has one, and so has every empty object. A digest
/// may be as short as chance allows; since documents hold secrets, it should be one that cannot be guessed from (keyed, or
/// long values only), which is why the caller brings it.
package struct BaselineKeys: Hashable, Sendable {
    package let digests: [String: String]

    package init(digests: [String: String]) { self.digests = digests }

    /// The keys of a document; nil when it cannot be merged anyway: it does not parse, is no object, or holds a key twice.
    ///
    /// The closure is given a text that says what the value says, however it is laid out; it is called once per key.
    package static func keys(
        of document: [UInt8], kind: MergeKind, digest: ([UInt8]) -> String
    ) -> BaselineKeys? {
        guard let tree = MergeTree(document, kind: kind) else { return nil }
        return BaselineKeys(digests: tree.leaves(below: 0, at: JSONPointer()).mapValues(digest))
    }
}

/// Which formats are merged key by key.
package enum MergeKind: Hashable, Sendable {
    case json, toml

    /// The format that a file name stands for; nil for every other file.
    package init?(fileName: String) {
        switch fileName.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last {
        case "json", "jsonc": self = .json
        case "toml": self = .toml
        default: return nil
        }
    }
}

/// A path of keys as text: each key behind a slash, `~` and `/` in it written `~0` and `~1`.
struct JSONPointer: Hashable, Sendable {
    private(set) var text = ""

    func appending(_ key: String) -> JSONPointer {
        var escaped = ""
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return JSONPointer(text: text + "/" + escaped)
    }
}

/// A baseline with the number of keys at and below every path, so that "nothing below here changed" is one question.
struct BaselineIndex {
    private let digests: [String: String]
    private var counts: [Substring: Int] = [:]
    private let digest: ([UInt8]) -> String

    init(_ keys: BaselineKeys, digest: @escaping ([UInt8]) -> String) {
        digests = keys.digests
        self.digest = digest
        for pointer in keys.digests.keys {
            counts[pointer[...], default: 0] += 1
            // Bytes, not characters: a key may begin with a scalar that joins the slash before it.
            for slash in pointer.utf8.indices where pointer.utf8[slash] == UInt8(ascii: "/") {
                counts[pointer[..<slash], default: 0] += 1
            }
        }
    }

    /// Whether the baseline holds anything at or below a path.
    func knows(_ pointer: JSONPointer) -> Bool { counts[pointer.text[...]] != nil }

    /// Whether the value at a path says what the baseline says, below it too.
    func holds(_ tree: MergeTree, _ node: Int, at pointer: JSONPointer) -> Bool {
        let leaves = tree.leaves(below: node, at: pointer)
        return leaves.count == counts[pointer.text[...]] && leaves.allSatisfy { digests[$0] == digest($1) }
    }
}
