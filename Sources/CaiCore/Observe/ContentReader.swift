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
    try WorkBudget.check(path, size: size)
    let isDocument = ["json", "jsonc", "toml"].contains(name.extension) && size <= largestDocument
    return try sample(of: file, path, isDocument: isDocument).whole
}

/// A name in an open directory.
typealias NamePlace = (name: FilePath.Component, directory: Directory)

/// Reads the two versions of a file. For append-only files the longer one is read as far as the shorter one goes, too.
func contentSamples(
    live: NamePlace, stored: NamePlace
) throws(SystemCallError) -> (live: ContentSample, stored: ContentSample, continuation: Continuation?) {
    guard live.name.extension == "jsonl" else {
        return (
            try contentSample(live.name, in: live.directory), try contentSample(stored.name, in: stored.directory), nil
        )
    }
    let livePath = live.directory.label.appending(live.name)
    let storedPath = stored.directory.label.appending(stored.name)
    let liveFile = try live.directory.openFile(live.name)
    let storedFile = try stored.directory.openFile(stored.name)
    let (liveSize, storedSize) = (try liveFile.status(livePath).size, try storedFile.status(storedPath).size)
    try WorkBudget.check(livePath, size: max(liveSize, storedSize))
    let liveSample = try sample(of: liveFile, livePath, length: storedSize)
    let storedSample = try sample(of: storedFile, storedPath, length: liveSize)
    var continuation: Continuation?
    if liveSample.start == storedSample.whole.digest { continuation = .live }
    if storedSample.start == liveSample.whole.digest { continuation = .stored }
    return (liveSample.whole, storedSample.whole, continuation)
}

/// Reads an open file as far as a decision between two versions needs it, from its current position.
func contentSample(of file: borrowing Descriptor, _ path: FilePath) throws(SystemCallError) -> ContentSample {
    try sample(of: file, path).whole
}

/// Reads an open file from its current position. `start` is the digest of its first `length` bytes; nil if it is not longer
/// than that.
private func sample(
    of file: borrowing Descriptor, _ path: FilePath, isDocument: Bool = false, length: Int64 = .max
) throws(SystemCallError) -> (whole: ContentSample, start: ContentDigest?) {
    var running = RunningDigest()
    var document: [UInt8] = []
    var head: [UInt8] = []
    var start: ContentDigest?
    var rest = length
    try file.readChunks(path) { (chunk) throws(SystemCallError) in
        if isDocument { document.append(contentsOf: chunk) }
        if head.count < 16 { head.append(contentsOf: chunk.prefix(16)) }
        if start == nil, rest < chunk.count {
            let cut = Int(rest)
            running.add(UnsafeRawBufferPointer(rebasing: chunk[..<cut]))
            start = running.digest
            running.add(UnsafeRawBufferPointer(rebasing: chunk[cut...]))
        } else {
            rest -= Int64(chunk.count)
            running.add(chunk)
        }
    }
    let whole = ContentSample(
        digest: running.digest, document: isDocument ? document : nil, isPlaceholder: isPlaceholder(head),
        isDatabase: isDatabase(head))
    return (whole, start)
}

/// True for no content, and for the `{}` that a placeholder holds.
func isPlaceholder(_ content: [UInt8]) -> Bool {
    let start = content.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let text = content[start...].filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return content.count < 16 && (text.isEmpty || Array(text) == Array("{}".utf8))
}
