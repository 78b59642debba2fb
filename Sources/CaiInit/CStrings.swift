import Glibc

/// A NULL-terminated array of C strings that lives as long as the value.
struct CStrings: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let text: UnsafeMutablePointer<CChar>

    init(_ strings: [[UInt8]]) {
        text = .allocate(capacity: strings.reduce(1) { $0 + $1.count + 1 })
        pointers = .allocate(capacity: strings.count + 1)
        var position = text
        for (index, string) in strings.enumerated() {
            pointers[index] = position
            for byte in string + [0] {
                position.pointee = CChar(bitPattern: byte)
                position += 1
            }
        }
        pointers[strings.count] = nil
    }

    deinit {
        text.deallocate()
        pointers.deallocate()
    }
}

/// The bytes of a C string.
func bytes(_ string: UnsafePointer<CChar>) -> [UInt8] {
    UnsafeBufferPointer(start: string, count: strlen(string)).map { UInt8(bitPattern: $0) }
}

/// Text for a line of output: what is no text, and what would make another line of it, becomes a question mark.
func printable(_ bytes: [UInt8]) -> String {
    String(String(decoding: bytes, as: UTF8.self).map { $0.isNewline || ($0.asciiValue ?? 0x20) < 0x20 ? "?" : $0 })
}
