/// A search for many patterns at once, in time linear in the text whatever the patterns are (Aho and Corasick, 1975).
///
/// The patterns are a tree of bytes. Each node knows the node of the longest suffix of its own bytes that begins a pattern,
/// at which the search goes on after a mismatch. A node takes 21 bytes.
struct PatternMatcher: Sendable {
    private static let root: Int32 = 0

    private var bytes: [UInt8] = [0]
    private var firstChild: [Int32] = [-1]
    private var nextSibling: [Int32] = [-1]
    /// Where the search goes on if no child has the next byte.
    private var failure: [Int32] = [0]
    /// The length of the longest pattern that ends at a node; 0 for none.
    private var longest: [Int32] = [0]
    private var depth: [Int32] = [0]
    /// The children of the root, by their byte.
    private var beginnings = [Int32](repeating: -1, count: 256)

    /// Learns the patterns; an empty one is never found.
    init(_ patterns: some Sequence<ArraySlice<UInt8>>) {
        for pattern in patterns { add(pattern) }
        connect()
    }

    /// The stretches that patterns cover, in order and apart from each other, and the number of bytes at the end that begin a
    /// pattern.
    func matches(in text: [UInt8]) -> (stretches: [Range<Int>], open: Int) {
        var stretches: [Range<Int>] = []
        var node = Self.root
        for (index, byte) in text.enumerated() {
            node = step(from: node, byte)
            let length = Int(longest[Int(node)])
            if length == 0 { continue }
            var start = index + 1 - length
            while let last = stretches.last, start < last.upperBound {
                start = min(start, last.lowerBound)
                stretches.removeLast()
            }
            stretches.append(start..<index + 1)
        }
        return (stretches, Int(depth[Int(node)]))
    }

    private mutating func add(_ pattern: ArraySlice<UInt8>) {
        var node = Self.root
        for byte in pattern {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            let new = Int32(bytes.count)
            bytes.append(byte)
            firstChild.append(-1)
            failure.append(0)
            longest.append(0)
            depth.append(depth[Int(node)] + 1)
            nextSibling.append(firstChild[Int(node)])
            firstChild[Int(node)] = new
            if node == Self.root { beginnings[Int(byte)] = new }
            node = new
        }
        longest[Int(node)] = max(longest[Int(node)], depth[Int(node)])
    }

    /// Connects every node with that of its longest suffix, level by level.
    private mutating func connect() {
        var level: [Int32] = [Self.root]
        while !level.isEmpty {
            var next: [Int32] = []
            for parent in level {
                var node = firstChild[Int(parent)]
                while node >= 0 {
                    if parent != Self.root {
                        failure[Int(node)] = step(from: failure[Int(parent)], bytes[Int(node)])
                        longest[Int(node)] = max(longest[Int(node)], longest[Int(failure[Int(node)])])
                    }
                    next.append(node)
                    node = nextSibling[Int(node)]
                }
            }
            level = next
        }
    }

    private func step(from start: Int32, _ byte: UInt8) -> Int32 {
        var node = start
        while true {
            if let next = child(of: node, byte) { return next }
            if node == Self.root { return Self.root }
            node = failure[Int(node)]
        }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32? {
        if node == Self.root { return beginnings[Int(byte)] < 0 ? nil : beginnings[Int(byte)] }
        var next = firstChild[Int(node)]
        while next >= 0, bytes[Int(next)] != byte { next = nextSibling[Int(next)] }
        return next < 0 ? nil : next
    }
}
