import CaiModel
import CaiPlatform
import Crypto
import SystemPackage

/// A digest that is fed while a file is copied or read.
struct RunningDigest {
    private var hasher = SHA256()
    mutating func restart() { hasher = SHA256() }
    mutating func add(_ bytes: UnsafeRawBufferPointer) { hasher.update(bufferPointer: bytes) }
    var digest: ContentDigest { ContentDigest(hex: hexadecimal(hasher.finalize())) }
}

func digest(of bytes: [UInt8]) -> ContentDigest { ContentDigest(hex: hexadecimal(SHA256.hash(data: bytes))) }

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    return String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
        for (index, byte) in bytes.enumerated() {
            text[2 * index] = digit(byte >> 4)
            text[2 * index + 1] = digit(byte & 15)
        }
        return 2 * bytes.count
    }

    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

/// Documents larger than this are compared as a whole and never merged.
private let largestDocument: Int64 = 4 << 20

/// Reads a regular file as far as a decision between two versions needs it.
func contentSample(_ name: FilePath.Component, in directory: Directory) throws(SystemCallError) -> ContentSample {
    let path = directory.label.appending(name)
    let file = try directory.openFile(name)
    let size = try file.status(path).size
    let isDocument = ["json", "jsonc", "toml"].contains(name.extension) && size <= largestDocument
    return try contentSample(of: file, path, isDocument: isDocument)
}

/// The same of an open file, from where it stands.
func contentSample(
    of file: borrowing Descriptor, _ path: FilePath, isDocument: Bool = false
) throws(SystemCallError) -> ContentSample {
    var running = RunningDigest()
    var document: [UInt8] = []
    var head: [UInt8] = []
    try file.readChunks(path) { (chunk) throws(SystemCallError) in
        running.add(chunk)
        if isDocument { document.append(contentsOf: chunk) }
        if head.count < 16 { head.append(contentsOf: chunk.prefix(16)) }
    }
    let isPlaceholder = isPlaceholder(head)
    return ContentSample(
        digest: running.digest, document: isDocument ? document : nil, isPlaceholder: isPlaceholder)
}

/// Whether content is nothing, or the `{}` that a placeholder holds.
func isPlaceholder(_ content: [UInt8]) -> Bool {
    let text = content.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return content.count < 16 && (text.isEmpty || text == Array("{}".utf8))
}
