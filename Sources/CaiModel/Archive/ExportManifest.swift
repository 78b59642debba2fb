package import SystemPackage

/// What an export says it holds: its first member.
///
/// The document has a line for each thing, so that it can be read and written without holding a tree of all of it. Paths
/// are `FilePath.encoded`. Times are left to the archive: a directory's changes with everything put into it, and two
/// exports of the same content shall have the same list.
package struct ExportManifest: Hashable, Sendable {
    /// The first member of every export.
    package static let name = ".containai-manifest.json"
    /// The last member of an export of files that changed while it was made: what holds in place of the first list.
    package static let amendmentsName = ".containai-amendments.json"
    package static let schema = 1

    /// One thing of the tree.
    package struct Entry: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case file(size: Int64, digest: ContentDigest)
            case directory
            case symlink(text: FilePath)
            case hardLink(to: FilePath)
            /// In amendments only: it is not in the archive after all.
            case omitted
        }

        package let path: FilePath
        package let kind: Kind
        /// Permission bits with setuid, setgid and sticky.
        package let mode: UInt16

        package init(path: FilePath, kind: Kind, mode: UInt16) {
            self.path = path
            self.kind = kind
            self.mode = mode
        }
    }

    package let created: Timestamp
    package let host: String
    package let entries: [Entry]

    package init(created: Timestamp, host: String, entries: [Entry]) {
        self.created = created
        self.host = host
        self.entries = entries
    }
}

extension ExportManifest {
    /// The document.
    package var document: [UInt8] {
        var result = Array("{\"schema\":\(Self.schema),\"created\":".utf8)
        result += quotedJSON(created.description) + Array(",\"host\":".utf8) + quotedJSON(host)
        result += Array(",\"members\":[\n".utf8)
        for (index, entry) in entries.enumerated() {
            result += JSONLiteral.object(entry.members).rendered(.compact, indentation: [])
            result += Array((index == entries.count - 1 ? "\n" : ",\n").utf8)
        }
        return result + Array("]}\n".utf8)
    }

    /// Reads a document; throws the sentence that says what is wrong with it.
    package init(_ bytes: [UInt8]) throws(ManifestProblem) {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)[...]
        let end: [UInt8] = Array("]}".utf8)
        guard let head = lines.popFirst(), lines.popLast()?.isEmpty == true, lines.popLast()?.elementsEqual(end) == true
        else { throw ManifestProblem("is not complete") }
        guard let header = try? JSONDocument(head + end).root, let schema = header["schema"]?.integer else {
            throw ManifestProblem("is not what cai writes")
        }
        guard schema == Self.schema else {
            throw ManifestProblem("has the form \(schema), which this cai does not know")
        }
        guard let created = header["created"]?.string.flatMap({ Timestamp($0) }), let host = header["host"]?.string
        else {
            throw ManifestProblem("is not what cai writes")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(lines.count)
        for (number, line) in lines.enumerated() {
            let text = line.last == UInt8(ascii: ",") ? line.dropLast() : line
            guard let value = try? JSONDocument(Array(text)).root, let entry = Entry(value) else {
                throw ManifestProblem("cannot be read at line \(number + 2)")
            }
            entries.append(entry)
        }
        self.init(created: created, host: host, entries: entries)
    }
}

/// Why a manifest of an export is refused; the end of a sentence that begins with its name.
package struct ManifestProblem: Error, Hashable, Sendable {
    package let sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}

extension ExportManifest.Entry {
    fileprivate var members: [(name: String, value: JSONLiteral)] {
        let head: [(name: String, value: JSONLiteral)] = [("path", .string(path.encoded))]
        let digits = String(mode, radix: 8)
        let mode = (
            name: "mode", value: JSONLiteral.string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
        )
        switch kind {
        case .file(let size, let digest):
            return head + [mode, ("size", .integer(Int(size))), ("sha256", .string(digest.hex))]
        case .directory: return head + [("type", .string("directory")), mode]
        case .symlink(let text): return head + [("type", .string("symlink")), ("target", .string(text.encoded))]
        case .hardLink(let other): return head + [("type", .string("link")), ("target", .string(other.encoded))]
        case .omitted: return head + [("type", .string("omitted"))]
        }
    }

    fileprivate init?(_ value: JSONValue) {
        guard let path = value["path"]?.string.flatMap({ FilePath(encoded: $0) }) else { return nil }
        let mode = value["mode"]?.string.flatMap { UInt16($0, radix: 8) }
        let target = value["target"]?.string.flatMap { FilePath(encoded: $0) }
        switch (value["type"]?.string, mode, target) {
        case (nil, let mode?, _):
            guard let size = value["size"]?.integer, size >= 0, let hex = value["sha256"]?.string, hex.utf8.count == 64
            else { return nil }
            self.init(path: path, kind: .file(size: Int64(size), digest: ContentDigest(hex: hex)), mode: mode)
        case ("directory", let mode?, _): self.init(path: path, kind: .directory, mode: mode)
        case ("symlink", _, let text?): self.init(path: path, kind: .symlink(text: text), mode: 0o777)
        case ("link", _, let other?): self.init(path: path, kind: .hardLink(to: other), mode: 0)
        case ("omitted", _, _): self.init(path: path, kind: .omitted, mode: 0)
        default: return nil
        }
    }
}
