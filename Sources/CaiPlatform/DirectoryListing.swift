import CPlatform
import Glibc
package import SystemPackage

/// What is in a directory with facts about each entry, in the order of the bytes of their names: for many thousands of
/// entries, without an object for each.
package struct DirectoryListing: Sendable {
    /// One entry. Times are nanoseconds since the epoch.
    package struct Entry: Sendable {
        package let kind: FileKind
        /// Permission bits with setuid, setgid and sticky: `0o7777`.
        package let mode: UInt16
        package let size: Int64
        package let modified: Int64
        fileprivate let start: Int
        fileprivate let length: Int
    }

    package private(set) var entries: [Entry] = []
    /// Each ended by a NUL.
    private var names: [UInt8] = []

    /// Looks at a directory; what vanishes meanwhile is left out. Throws when the directory cannot be read, or an entry not
    /// be looked at.
    package init(_ directory: Directory) throws(SystemCallError) {
        var failure: SystemCallError?
        try directory.forEachName { text in
            let length = strlen(text)
            let isDots = text[0] == 0x2E && (length == 1 || length == 2 && text[1] == 0x2E)
            if isDots { return }
            var raw = stat()
            if fstatat(directory.descriptor.raw, text, &raw, AT_SYMLINK_NOFOLLOW) == 0 {
                let status = FileStatus(raw)
                entries.append(
                    Entry(
                        kind: status.kind, mode: status.mode, size: status.size, modified: status.modified,
                        start: names.count, length: length))
                names.append(contentsOf: UnsafeRawBufferPointer(start: text, count: length + 1))
            } else if currentErrno != ENOENT {
                let subject = directory.label.appending(String(cString: text)).printed
                failure = failure ?? SystemCallError("stat", subject, Errno(rawValue: currentErrno))
            }
        }
        if let failure { throw failure }
        sort()
    }

    private mutating func sort() {
        names.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            // A name is a prefix of no other with its NUL.
            entries.sort { memcmp(base + $0.start, base + $1.start, min($0.length, $1.length) + 1) < 0 }
        }
    }

    /// The bytes of the name of an entry, which are there only as long as `body` runs.
    package func withName<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        names.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[entry.start..<entry.start + entry.length])) }
    }

    package func name(of entry: Entry) -> FilePath.Component? {
        names.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap {
                FilePath.Component(platformString: ($0 + entry.start).assumingMemoryBound(to: CChar.self))
            }
        }
    }
}
