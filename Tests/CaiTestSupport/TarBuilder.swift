/// Makes tar archives by hand, byte by byte: what no honest program would write.
package struct TarBuilder: Sendable {
    package enum Kind: Sendable, Hashable {
        case file, hardLink, symlink, characterDevice, blockDevice, directory, fifo
        var flag: UInt8 {
            switch self {
            case .file: UInt8(ascii: "0")
            case .hardLink: UInt8(ascii: "1")
            case .symlink: UInt8(ascii: "2")
            case .characterDevice: UInt8(ascii: "3")
            case .blockDevice: UInt8(ascii: "4")
            case .directory: UInt8(ascii: "5")
            case .fifo: UInt8(ascii: "6")
            }
        }
    }

    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// The archive with its end mark.
    package var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// Adds a member; `size` is what the header says where that is not the content's.
    package mutating func add(
        _ name: [UInt8], _ kind: Kind = .file, _ content: [UInt8] = [], link: [UInt8] = [], mode: UInt16 = 0o644,
        size: Int? = nil
    ) {
        header(name, kind.flag, size ?? content.count, link, mode)
        body(content)
    }

    package mutating func add(
        _ name: String, _ kind: Kind = .file, _ content: String = "", link: String = "", mode: UInt16 = 0o644
    ) {
        add(Array(name.utf8), kind, Array(content.utf8), link: Array(link.utf8), mode: mode)
    }

    /// Adds any bytes.
    package mutating func addRaw(_ more: [UInt8]) { bytes += more }

    /// Adds an extended header of pax for the next member.
    package mutating func addRecords(_ records: [(key: String, value: [UInt8])]) {
        let text = records.flatMap { Self.record($0.key, $0.value) }
        addRecords(raw: text)
    }

    /// The same with any bytes in place of records.
    package mutating func addRecords(raw text: [UInt8]) {
        header(Array("PaxHeaders/x".utf8), UInt8(ascii: "x"), text.count, [], 0o644)
        body(text)
    }

    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [0x20] + Array(key.utf8) + [0x3D] + value + [0x0A]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }

    private mutating func body(_ content: [UInt8]) {
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private mutating func header(_ name: [UInt8], _ type: UInt8, _ size: Int, _ link: [UInt8], _ mode: UInt16) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ start: Int, _ room: Int) {
            for (index, byte) in text.prefix(room).enumerated() { block[start + index] = byte }
        }
        func number(_ value: Int, _ start: Int, _ digits: Int) {
            let text = String(value, radix: 8)
            put(Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8), start, digits)
        }
        put(name, 0, 100)
        number(Int(mode), 100, 7)
        number(1000, 108, 7)
        number(1000, 116, 7)
        number(size, 124, 11)
        number(1_700_000_000, 136, 11)
        put([UInt8](repeating: 0x20, count: 8), 148, 8)
        block[156] = type
        put(link, 157, 100)
        put(Array("ustar\u{0}00".utf8), 257, 8)
        number(block.reduce(0) { $0 + Int($1) }, 148, 6)
        block[154] = 0
        bytes += block
    }
}
