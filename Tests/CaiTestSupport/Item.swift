package import SystemPackage

/// One thing to put into a tree: what it is, and the mode, time and owner it gets.
///
/// A string literal is a file with that content, a dictionary literal a directory:
///
///     ["home/agent/.claude": ["settings.json": "{}", "old": .link("settings.json")]]
package struct Item: Sendable, ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
    /// What stands at a path.
    package enum Kind: Sendable {
        case file([UInt8])
        case directory([(name: FilePath, item: Item)])
        case link(FilePath)
        /// Another name of a file that the same tree made before, by its path in the world.
        case hardLink(FilePath)
        case fifo, socket, device
        /// A file of holes with a little content at its end.
        case sparse(size: Int64, end: [UInt8])
    }

    /// When everything was changed that a test says nothing about: a day in the past, so that a write shows.
    package static let defaultTime: Int64 = 1_700_000_000

    package let kind: Kind
    package private(set) var mode: UInt16
    package private(set) var modified = Item.defaultTime
    package private(set) var owner: UInt32?
    package private(set) var attributes: [String: String] = [:]

    private init(_ kind: Kind, mode: UInt16) {
        self.kind = kind
        self.mode = mode
    }

    package init(stringLiteral content: String) { self = .file(content) }

    package init(dictionaryLiteral children: (FilePath, Item)...) { self = .directory(children.map { ($0, $1) }) }

    package static func file(_ content: String) -> Item { .file(bytes: Array(content.utf8)) }
    package static func file(bytes: [UInt8]) -> Item { Item(.file(bytes), mode: 0o644) }
    package static func directory(_ children: [(FilePath, Item)]) -> Item {
        Item(.directory(children.map { (name: $0.0, item: $0.1) }), mode: 0o755)
    }
    package static func link(_ text: FilePath) -> Item { Item(.link(text), mode: 0o777) }
    package static func hardLink(to path: FilePath) -> Item { Item(.hardLink(path), mode: 0o644) }
    package static func sparse(size: Int64, end: String) -> Item {
        Item(.sparse(size: size, end: Array(end.utf8)), mode: 0o644)
    }
    package static var fifo: Item { Item(.fifo, mode: 0o644) }
    package static var socket: Item { Item(.socket, mode: 0o644) }
    /// The null device; making it needs root.
    package static var device: Item { Item(.device, mode: 0o644) }

    /// The same thing with another mode.
    package func mode(_ mode: UInt16) -> Item { changed { $0.mode = mode } }
    /// The same thing, last changed at a number of seconds since the epoch.
    package func at(_ seconds: Int64) -> Item { changed { $0.modified = seconds } }
    /// The same thing, changed this many seconds after everything else.
    package func later(by seconds: Int64) -> Item { at(Item.defaultTime + seconds) }
    /// The same thing of another owner and group; only root can give things away.
    package func owned(by owner: UInt32) -> Item { changed { $0.owner = owner } }
    /// The same thing with an extended attribute more.
    package func attribute(_ name: String, _ value: String) -> Item { changed { $0.attributes[name] = value } }

    private func changed(_ change: (inout Item) -> Void) -> Item {
        var copy = self
        change(&copy)
        return copy
    }
}

extension FilePath {
    /// A name of bytes that need not be text.
    package init(bytes: [UInt8]) { self.init(platformString: bytes.map { CChar(bitPattern: $0) } + [0]) }

    /// The bytes of the path.
    package var bytes: [UInt8] {
        withPlatformString { start in UnsafeBufferPointer(start: start, count: length).map { UInt8(bitPattern: $0) } }
    }

    /// The path for messages: what is not plain ASCII appears as `\xNN`.
    package var shown: String {
        bytes.map { byte in
            byte >= 0x20 && byte < 0x7F ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16)
        }.joined()
    }
}
