/// The text of a quoted JSON string that was checked before.
///
/// Half of a surrogate pair, which JSON can write and no string can hold, becomes U+FFFD; `isExact` says whether that
/// did not happen.
func decodedJSON(_ quoted: ArraySlice<UInt8>) -> (text: String, isExact: Bool) {
    let inner = quoted.dropFirst().dropLast()
    guard inner.contains(UInt8(ascii: "\\")) else { return (String(decoding: inner, as: UTF8.self), true) }
    var units: [UInt16] = []
    var text = ""
    var isExact = true
    func flush() {
        guard !units.isEmpty else { return }
        let decoded = String(decoding: units, as: UTF16.self)
        isExact = isExact && decoded.utf16.elementsEqual(units)
        text += decoded
        units = []
    }
    var position = inner.startIndex
    while position < inner.endIndex {
        let plain = inner[position...].prefix { $0 != UInt8(ascii: "\\") }
        if !plain.isEmpty {
            flush()
            text += String(decoding: plain, as: UTF8.self)
        }
        position = plain.endIndex
        guard position + 1 < inner.endIndex else { break }
        let escape = inner[position + 1]
        position += 2
        if escape == UInt8(ascii: "u") {
            units.append(UInt16(inner[position...].prefix(4).reduce(0) { $0 << 4 | (hexValue($1) ?? 0) }))
            position = min(position + 4, inner.endIndex)
        } else {
            flush()
            text.unicodeScalars.append(Unicode.Scalar(simpleEscapes[escape] ?? escape))
        }
    }
    flush()
    return (text, isExact)
}

/// The text as a JSON string: quotes, backslashes and control characters escaped, everything else as it is.
func quotedJSON(_ text: String) -> [UInt8] {
    var result: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
        if let letter = escapeLetters[byte] {
            result += [UInt8(ascii: "\\"), letter]
        } else if byte < 0x20 {
            result +=
                Array("\\u00".utf8) + [UInt8(ascii: "0") + byte >> 4, Array("0123456789abcdef".utf8)[Int(byte & 15)]]
        } else {
            result.append(byte)
        }
    }
    result.append(UInt8(ascii: "\""))
    return result
}

private let simpleEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D,
    UInt8(ascii: "t"): 0x09,
]

private let escapeLetters: [UInt8: UInt8] = [
    UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"), 0x08: UInt8(ascii: "b"),
    0x0C: UInt8(ascii: "f"), 0x0A: UInt8(ascii: "n"), 0x0D: UInt8(ascii: "r"), 0x09: UInt8(ascii: "t"),
]
