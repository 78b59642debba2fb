/// A second look at the header blocks of one tar member, for what libarchive reads past: it takes a name with a NUL up to the
/// NUL, and only warns of extended headers that it cannot make sense of.
///
/// With this, a warning of libarchive says no more than that a name is not text in this locale, which nobody minds.
struct HeaderGuard {
    private static let block = 512

    /// What is wrong with the blocks, as the end of a sentence that begins with the member; nil when nothing is.
    static func problem(in blocks: ArraySlice<UInt8>) -> String? {
        var rest = blocks
        while rest.count >= block {
            let header = rest.prefix(block)
            rest = rest.dropFirst(block)
            guard let type = header.dropFirst(156).first else { return nil }
            guard [UInt8]("xgXLK".utf8).contains(type) else { return nil }
            guard let size = octal(header.dropFirst(124).prefix(12)), size <= rest.count else {
                return "has an extended header that is not complete"
            }
            let body = rest.prefix(size)
            let isName = type == UInt8(ascii: "L") || type == UInt8(ascii: "K")
            if let problem = isName ? nameProblem(body) : recordsProblem(body) { return problem }
            rest = rest.dropFirst((size + block - 1) / block * block)
        }
        return nil
    }

    /// A long name of GNU tar ends with NULs.
    private static func nameProblem(_ body: ArraySlice<UInt8>) -> String? {
        body.reversed().drop { $0 == 0 }.contains(0) ? withNUL : nil
    }

    /// Records of pax: `LENGTH KEY=VALUE\n`, where LENGTH counts all of it.
    private static func recordsProblem(_ body: ArraySlice<UInt8>) -> String? {
        var rest = body
        while let first = rest.first, first != 0 {
            let digits = rest.prefix { $0 != 0x20 }
            guard digits.count < 8, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 1, length <= rest.count
            else { return malformed }
            let record = rest.prefix(length)
            guard record.last == 0x0A, let equals = record.firstIndex(of: UInt8(ascii: "=")) else { return malformed }
            let key = String(decoding: record[(record.startIndex + digits.count + 1)..<equals], as: UTF8.self)
            let value = record[(equals + 1)...].dropLast()
            if ["path", "linkpath", "GNU.sparse.name"].contains(key), value.contains(0) { return withNUL }
            rest = rest.dropFirst(length)
        }
        return nil
    }

    private static let malformed = "has an extended header that is malformed"
    private static let withNUL = "has a name with a NUL character in it"

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
