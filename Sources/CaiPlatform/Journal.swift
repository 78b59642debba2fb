import CPlatform
import Glibc
import SystemPackage

/// One entry for the journal, in its own format: fields `NAME=value`, each with a line break behind it, and those whose value
/// has line breaks with a length before the value (systemd.io/JOURNAL_NATIVE_PROTOCOL).
package struct JournalEntry: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Adds a field. The journal drops fields whose names it does not know how to keep; see `fieldName`.
    package mutating func add(_ name: String, _ value: String) { add(name, Array(value.utf8)) }

    /// The same with a value of any bytes.
    package mutating func add(_ name: String, _ value: [UInt8]) {
        bytes += Array(name.utf8)
        if value.contains(0x0A) {
            bytes.append(0x0A)
            bytes += withUnsafeBytes(of: UInt64(value.count).littleEndian) { Array($0) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value + [0x0A]
    }

    /// A name that the journal keeps: capitals, digits and `_`, neither of the latter two in front, at most 64.
    package static func fieldName(_ text: String, prefix: String) -> String {
        let letters = text.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return String((prefix + String(letters)).prefix(64))
    }
}

/// The socket of the journal.
package struct JournalSocket: Sendable {
    private let path: [UInt8]

    /// The machine's journal; nil where there is none.
    package init?() { self.init(path: "/run/systemd/journal/socket") }

    /// A journal that listens at a path; nil where nobody does.
    package init?(path: String) {
        guard access(path, W_OK) == 0 else { return nil }
        self.path = Array(path.utf8)
    }

    /// Whether standard error is the stream to the journal that `JOURNAL_STREAM` names: `device:inode`, as systemd sets it.
    /// What inherits the variable but writes elsewhere is not meant.
    package static func isStandardError(_ stream: String?) -> Bool {
        guard let parts = stream?.split(separator: ":").map({ UInt64($0) }), parts.count == 2 else { return false }
        var status = stat()
        return fstat(2, &status) == 0 && parts[0] == UInt64(status.st_dev) && parts[1] == UInt64(status.st_ino)
    }

    /// Sends an entry of any size; one that is too large for a datagram goes as a sealed file in memory. Returns whether it
    /// was taken.
    package func send(_ entry: JournalEntry) -> Bool {
        guard let socket = DatagramSocket() else { return false }
        let problem = socket.send(entry.bytes, to: path, patience: .seconds(1))
        guard problem == EMSGSIZE || problem == ENOBUFS else { return problem == 0 }
        let file = Descriptor(owning: cai_make_sealable_file("cai-journal-entry"))
        guard file.raw >= 0, (try? file.write(entry.bytes, "journal entry")) != nil, cai_seal_file(file.raw) == 0 else {
            return false  // no memory left for it
        }
        return socket.send([], descriptors: [file.raw], to: path, patience: .seconds(1)) == 0
    }
}
