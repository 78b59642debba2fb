/// The part of a document that a merge looks at: objects with their keys, and everything else as one piece.
struct MergeTree: Sendable {
    struct Member: Sendable {
        let name: String
        let node: Int
    }

    enum Content: Sendable {
        case object([Member])
        /// What the value says, however it is laid out.
        case leaf([UInt8])
    }

    struct Node: Sendable {
        let content: Content
        /// The number of this value in the document that it comes from.
        let origin: Int
    }

    /// Every object and leaf; the first is the root, which is an object.
    private(set) var nodes: [Node] = []

    /// Reads a document; nil when it does not parse, is no object, or holds a key twice.
    init?(_ bytes: [UInt8], kind: MergeKind) {
        switch kind {
        case .json:
            guard let document = JSONDocument(anyDialect: bytes) else { return nil }
            self.init(document)
        case .toml:
            guard let table = try? TOMLReader.table(from: bytes) else { return nil }
            self.init(table)
        }
    }

    /// The tree of a JSON document; nil when its root is no object, or a key stands twice in one object, or a key cannot
    /// be held by a string.
    init?(_ document: JSONDocument) {
        guard document.root.kind == .object else { return nil }
        for object in document.nodes where object.kind == .object {
            let names = object.children.map(document.name)
            guard names.allSatisfy(\.isExact), Set(names.map(\.text)).count == names.count else { return nil }
        }
        self.init(root: 0) { index in
            guard document.nodes[index].kind == .object else { return .leaf(document.canonicalText(of: index)) }
            return .object(document.nodes[index].children.map { (document.name(of: $0).text, $0) })
        }
    }

    /// What a builder is told about one value of a document.
    enum Described {
        case object([(name: String, origin: Int)])
        case leaf([UInt8])
    }

    /// Builds the tree from the root down, without recursion.
    init(root: Int, describe: (Int) -> Described) {
        var origins = [root]
        while nodes.count < origins.count {
            let origin = origins[nodes.count]
            switch describe(origin) {
            case .leaf(let text): nodes.append(Node(content: .leaf(text), origin: origin))
            case .object(let members):
                let numbered = members.enumerated().map { Member(name: $1.name, node: origins.count + $0) }
                nodes.append(Node(content: .object(numbered), origin: origin))
                origins += members.map(\.origin)
            }
        }
    }

    /// The members of an object; nil for a leaf.
    func members(of node: Int) -> [Member]? {
        guard case .object(let members) = nodes[node].content else { return nil }
        return members
    }

    /// The text of every leaf at and below a node, by its path; an empty object counts as a leaf.
    func leaves(below node: Int, at pointer: JSONPointer) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        var pending = [(node, pointer)]
        while let (node, pointer) = pending.popLast() {
            switch nodes[node].content {
            case .leaf(let text): result[pointer.text] = text
            case .object(let members) where members.isEmpty: result[pointer.text] = Self.emptyObject
            case .object(let members): pending += members.map { ($0.node, pointer.appending($0.name)) }
            }
        }
        return result
    }

    /// The leaf that stands for an object without members.
    static let emptyObject = Array("{}".utf8)
}
