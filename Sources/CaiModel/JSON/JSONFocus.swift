/// Which values of a text are kept one by one. The others are checked just as strictly, and only their extent is kept,
/// which makes reading a large text for the sake of a few values many times cheaper.
package indirect enum JSONFocus: Sendable {
    case everything
    /// The extent of a value, nothing in it.
    case extent
    /// An object's members, and in them what is asked for; of others the extent. Anything but an object: the extent.
    case members([(name: String, focus: JSONFocus)])

    /// The values at paths of member names, with everything in them, and the members of every object on the way.
    package init(paths: [[String]]) {
        if paths.contains(where: \.isEmpty) {
            self = .everything
            return
        }
        var names: [String] = []
        for path in paths where !names.contains(path[0]) { names.append(path[0]) }
        self = .members(
            names.map { name in
                (name, JSONFocus(paths: paths.filter { $0[0] == name }.map { Array($0.dropFirst()) }))
            })
    }

    /// What is kept of an element, or of the member whose quoted name is given.
    func inside(_ quoted: ArraySlice<UInt8>?) -> JSONFocus {
        switch self {
        case .everything: return .everything
        case .extent: return .extent
        case .members(let wanted):
            guard let quoted else { return .extent }
            let hasEscape = quoted.contains(UInt8(ascii: "\\"))
            let decoded = hasEscape ? Array(decodedJSON(quoted).text.utf8)[...] : quoted.dropFirst().dropLast()
            return wanted.first { decoded.elementsEqual($0.name.utf8) }?.focus ?? .extent
        }
    }
}

/// Where the object or array that begins at an offset ends; nil when it is not valid, or nested deeper than `levels`.
///
/// It accepts exactly what `JSONParser` accepts and keeps nothing.
func endOfJSONContainer(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, levels: Int, isLenient: Bool
) -> Int? {
    enum Expecting { case value, valueOrEnd, name, nameOrEnd, commaOrEnd }
    var ends: [UInt8] = []
    var expecting = Expecting.value
    var position = start
    while true {
        guard let next = endOfBlanks(text, from: position, isLenient: isLenient), next < text.count else { return nil }
        position = next
        let byte = text[position]
        switch expecting {
        case .commaOrEnd where byte == UInt8(ascii: ","):
            position += 1
            let isObject = ends.last == UInt8(ascii: "}")
            expecting = isObject ? (isLenient ? .nameOrEnd : .name) : (isLenient ? .valueOrEnd : .value)
        case .commaOrEnd where byte == ends.last, .nameOrEnd where byte == UInt8(ascii: "}"),
            .valueOrEnd where byte == UInt8(ascii: "]"):
            position += 1
            ends.removeLast()
            if ends.isEmpty { return position }
            expecting = .commaOrEnd
        case .commaOrEnd: return nil
        case .name, .nameOrEnd:
            guard byte == UInt8(ascii: "\""), let end = endOfString(text, from: position),
                let colon = endOfBlanks(text, from: end, isLenient: isLenient), colon < text.count,
                text[colon] == UInt8(ascii: ":")
            else { return nil }
            position = colon + 1
            expecting = .value
        case .value, .valueOrEnd:
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard ends.count < levels else { return nil }
                ends.append(byte + 2)
                position += 1
                expecting = byte == UInt8(ascii: "{") ? .nameOrEnd : .valueOrEnd
            default:
                guard let end = endOfScalar(text, from: position) else { return nil }
                position = end
                expecting = .commaOrEnd
            }
        }
    }
}

private func endOfScalar(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    switch text[start] {
    case UInt8(ascii: "\""): endOfString(text, from: start)
    case UInt8(ascii: "t"): endOfWord(text, "true", from: start)
    case UInt8(ascii: "f"): endOfWord(text, "false", from: start)
    case UInt8(ascii: "n"): endOfWord(text, "null", from: start)
    default: endOfNumber(text, from: start)
    }
}

private func endOfWord(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString, from start: Int) -> Int? {
    let end = start + word.utf8CodeUnitCount
    guard end <= text.count else { return nil }
    for offset in 0..<word.utf8CodeUnitCount where text[start + offset] != word.utf8Start[offset] { return nil }
    return end
}

private func endOfNumber(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    var position = start
    func at(_ byte: UInt8) -> Bool { position < text.count && text[position] == byte }
    func skipDigits() -> Bool {
        let first = position
        while position < text.count, text[position] &- 0x30 < 10 { position += 1 }
        return position > first
    }
    if at(UInt8(ascii: "-")) { position += 1 }
    if at(UInt8(ascii: "0")) { position += 1 } else if !skipDigits() { return nil }
    if at(UInt8(ascii: ".")) {
        position += 1
        if !skipDigits() { return nil }
    }
    if at(UInt8(ascii: "e")) || at(UInt8(ascii: "E")) {
        position += 1
        if at(UInt8(ascii: "+")) || at(UInt8(ascii: "-")) { position += 1 }
        if !skipDigits() { return nil }
    }
    return position
}

private func endOfString(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    var position = start + 1
    while position < text.count {
        let byte = text[position]
        if byte == UInt8(ascii: "\"") { return position + 1 }
        if byte < 0x20 { return nil }
        position += 1
        guard byte == UInt8(ascii: "\\") else { continue }
        guard position < text.count else { return nil }
        let escape = text[position]
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            continue
        case UInt8(ascii: "u"):
            guard position + 4 <= text.count, text[position..<position + 4].allSatisfy(isHexDigit) else { return nil }
            position += 4
        default: return nil
        }
    }
    return nil
}

/// Behind the white space and, leniently, the comments at an offset; nil for a comment that is not complete.
private func endOfBlanks(_ text: UnsafeBufferPointer<UInt8>, from start: Int, isLenient: Bool) -> Int? {
    var position = start
    while position < text.count {
        switch text[position] {
        case 0x20, 0x09, 0x0A, 0x0D: position += 1
        case UInt8(ascii: "/") where isLenient:
            guard let end = endOfComment(text, from: position) else { return nil }
            position = end
        default: return position
        }
    }
    return position
}

private func endOfComment(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard start + 1 < text.count else { return nil }
    var position = start + 2
    switch text[start + 1] {
    case UInt8(ascii: "/"):
        while position < text.count, text[position] != 0x0A, text[position] != 0x0D { position += 1 }
        return position
    case UInt8(ascii: "*"):
        while position + 1 < text.count {
            if text[position] == UInt8(ascii: "*"), text[position + 1] == UInt8(ascii: "/") { return position + 2 }
            position += 1
        }
        return nil
    default: return nil
    }
}
