package import SystemPackage

/// The text of an index, or of a part of one, as it is written: records as `PushIndex` describes them.
package struct PushText: Sendable {
    package private(set) var bytes: [UInt8]

    package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    package mutating func add(_ record: PushIndex.Kind) {
        switch record {
        case .directory(let path, let mode): add(directory: path, mode: mode)
        case .same(let path, let digest):
            bytes += "S \(digest.hex) ".utf8
            add(path)
        case .file(let name, let file): name.withBytes { add(file: $0, file) }
        case .link(let name, let text, let target):
            bytes += "L ".utf8
            add(FilePath(root: nil, [name]))
            add(text)
            add(target)
        }
    }

    package mutating func add(_ block: PushBlock) { bytes += block.text }

    package mutating func add(directory path: FilePath, mode: UInt16) {
        bytes += [UInt8(ascii: "D"), 0x20]
        bytes.appendOctalDigits(of: mode)
        bytes.append(0x20)
        add(path)
    }

    /// `name` are the bytes of one.
    package mutating func add(file name: UnsafeRawBufferPointer, _ file: PushIndex.File) {
        bytes.append(UInt8(ascii: "F"))
        bytes.append(0x20)
        bytes.appendOctalDigits(of: file.mode)
        bytes.append(0x20)
        bytes.appendDigits(of: file.size)
        bytes.append(0x20)
        bytes.appendDigits(of: file.modified)
        bytes.append(0x20)
        if let digest = file.digest { bytes += digest.hex.utf8 } else { bytes.append(UInt8(ascii: "-")) }
        bytes.append(0x20)
        bytes.append(contentsOf: name)
        bytes.append(0)
    }

    private mutating func add(_ path: FilePath) {
        path.withPlatformString { start in
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: path.length + 1))
        }
    }
}

extension FilePath.Component {
    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        withPlatformString { start in
            var end = start
            while end.pointee != 0 { end += 1 }
            body(UnsafeRawBufferPointer(start: start, count: end - start))
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendDigits(of number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        appendDigits(of: number.magnitude) { $0.quotientAndRemainder(dividingBy: 10) }
    }

    fileprivate mutating func appendOctalDigits(of number: UInt16) {
        appendDigits(of: UInt64(number)) { ($0 >> 3, $0 & 7) }
    }

    /// Adds the digits of a number, which `divide` makes from the last to the first: with a radix that the compiler knows,
    /// because an index has many of them.
    @inline(__always)
    private mutating func appendDigits(
        of number: UInt64, _ divide: (UInt64) -> (quotient: UInt64, remainder: UInt64)
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: UInt64.bitWidth) { digits in
            var start = digits.count
            var rest = number
            repeat {
                start -= 1
                let (quotient, digit) = divide(rest)
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}
