package import SystemPackage

extension FilePath {
    /// The path as text that any JSON file can hold and that `init(encoded:)` reads back to the same bytes: `%`, control
    /// characters and bytes that are not UTF-8 appear as `%NN`.
    package var encoded: String {
        let bytes = withPlatformString { UnsafeBufferPointer(start: $0, count: length).map { UInt8(bitPattern: $0) } }
        if String(validating: bytes, as: UTF8.self) != nil {
            return String(decoding: bytes.flatMap { $0 == 0x25 || $0 < 0x20 ? percent($0) : [$0] }, as: UTF8.self)
        }
        return String(
            decoding: bytes.flatMap { $0 == 0x25 || $0 < 0x20 || $0 > 0x7E ? percent($0) : [$0] }, as: UTF8.self)
    }

    /// Reads what `encoded` wrote; nil for text it never writes.
    package init?(encoded text: String) {
        var bytes: [CChar] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte != 0 else { return nil }
            guard byte == 0x25 else {
                bytes.append(CChar(bitPattern: byte))
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), value != 0 else { return nil }
            bytes.append(CChar(bitPattern: value))
            rest = rest.dropFirst(2)
        }
        bytes.append(0)
        self = bytes.withUnsafeBufferPointer { $0.baseAddress.map { FilePath(platformString: $0) } ?? FilePath() }
    }
}

private func percent(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
}
