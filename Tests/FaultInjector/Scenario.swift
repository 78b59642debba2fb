import Glibc
import SystemPackage

/// One command on one kind of ground.
struct Scenario: Sendable {
    var name: String
    var command: [String]
    /// A program that starts the command, and stays the same process.
    var wrapper: [String] = []
    let ground: Ground
    let home: [Node]
    let volume: [Node]
    /// Commands that run, uninterrupted, before the contents are taken that every case starts from.
    var settling: [[String]] = []
    /// What applications do after that.
    var drift: @Sendable (World) throws -> Void = { _ in }
    /// False if the content of the volume is not durable when the command starts: a loss of power may take it, and only the
    /// home must be kept.
    var volumeIsDurable = true
    /// Whether `cai links check` has nothing to complain about when the command has done its work.
    var linksAreRight = false
    /// The placement of agent directories: most scenarios are about single links, for which the files of agents serve as well
    /// as any others.
    var placement = "files"
    /// Targets of links that the command replaces by better ones, so that they are no content to keep.
    var replacedLinks: Set<FilePath> = []
    /// Whether the volume is the old or the new one, and nothing between, once any command has run after a disturbance.
    var isAtomic = false
    /// Returns what is wrong beside lost contents, after a disturbed run and, with true, after the work is done.
    var check: @Sendable (World, Bool) throws -> [String] = { _, _ in [] }

    var title: String { "\(name)/\(ground.rawValue)" }

    /// The contents that each case starts from.
    func prepare(_ world: World) throws -> World.Contents {
        try world.setPlacement(placement)
        try world.reset(World.Contents(home: home, volume: volume))
        for arguments in settling {
            let finished = try world.cai(arguments)
            guard finished.code == 0 else {
                throw HarnessError("\(title): cai \(arguments.joined(separator: " ")): \(finished.output)")
            }
        }
        try drift(world)
        return world.contents()
    }
}

/// A list of nodes, written as a tree is read.
struct TreeLiteral {
    private(set) var nodes: [Node] = []
    private var known: Set<FilePath> = []

    /// Seconds since the epoch of everything that is not said to be older or newer.
    static let time: Int64 = 1_600_000_000

    /// Adds the directories above a path that are not there yet.
    private mutating func addParents(_ path: FilePath) {
        let parent = path.removingLastComponent()
        if parent.isEmpty || known.contains(parent) { return }
        directory(parent)
    }

    private mutating func add(_ node: Node, age: Int64) {
        addParents(node.path)
        guard known.insert(node.path).inserted else { return }
        var node = node
        node.modified = (Self.time - age) * 1_000_000_000 + 123_456_789
        nodes.append(node)
    }

    mutating func directory(_ path: FilePath, mode: UInt32 = 0o755) {
        add(Node(path: path, content: .directory, mode: mode), age: 0)
    }

    mutating func file(_ path: FilePath, _ text: String, mode: UInt32 = 0o644, age: Int64 = 0, attribute: String = "") {
        bytes(path, Array(text.utf8), mode: mode, age: age, attribute: attribute)
    }

    mutating func bytes(
        _ path: FilePath, _ bytes: [UInt8], mode: UInt32 = 0o644, age: Int64 = 0, attribute: String = ""
    ) {
        var node = Node(path: path, content: .file(bytes), mode: mode)
        node.attribute = Array(attribute.utf8)
        add(node, age: age)
    }

    /// Adds another name of a file that was added before.
    mutating func hardLink(_ path: FilePath, to twin: FilePath) {
        addParents(path)
        guard var node = nodes.first(where: { $0.path == twin }), known.insert(path).inserted else { return }
        node.path = path
        node.twin = twin
        nodes.append(node)
    }

    mutating func link(_ path: FilePath, to text: FilePath) {
        add(Node(path: path, content: .symlink(text), mode: 0o777), age: 0)
    }

    mutating func fifo(_ path: FilePath) { add(Node(path: path, content: .fifo), age: 0) }

    /// Adds names that programs stumble over.
    mutating func oddNames(in path: FilePath, _ tag: String) {
        for name in ["new\nline", "-rf", " ", "*", "quote'\"", String(repeating: "n", count: 255)] {
            file(path.appending(name), "odd \(tag) \(name.prefix(8))\n")
        }
        let invalid: [CChar] = [0x62, -1, -2, 0x61, 0x64, 0]  // "b\xFF\xFEad"
        if let name = invalid.withUnsafeBufferPointer({
            $0.baseAddress.flatMap { FilePath.Component(platformString: $0) }
        }) {
            file(path.appending(name), "odd \(tag) invalid\n")
        }
    }
}
