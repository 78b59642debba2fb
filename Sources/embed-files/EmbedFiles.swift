import SystemPackage

import func Glibc.exit

/// `embed-files OUTPUT FOLDER NAME…` writes a Swift source with the texts of files of a folder, by their names in it.
///
/// An empty file, and an empty list, fail the build.
@main
struct EmbedFiles {
    static func main() {
        do {
            try embed()
        } catch {
            print("embed-files: error: \(error)")
            exit(1)
        }
    }

    private static func embed() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count > 2 else { throw EmbeddingFailure("usage: embed-files OUTPUT FOLDER NAME…") }
        let folder = FilePath(arguments[arguments.startIndex + 1])
        let members = try arguments.dropFirst(2).map { name in
            let bytes = try read(folder.appending(FilePath(name).components))
            if bytes.isEmpty { throw EmbeddingFailure("\(name) is empty") }
            return "    (\"\(name)\", \(bytes)),\n"
        }
        let text = "let unitTexts: [(name: String, bytes: [UInt8])] = [\n" + members.joined() + "]\n"
        try write(text, to: FilePath(arguments[arguments.startIndex]))
    }

    private static func read(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
            defer { chunk.deallocate() }
            while case let count = try file.read(into: chunk), count > 0 { bytes += chunk[..<count] }
            return bytes
        }
    }

    private static func write(_ text: String, to path: FilePath) throws {
        let permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
        let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: permissions)
        _ = try file.closeAfter { try file.writeAll(text.utf8) }
    }
}

/// Why nothing was embedded.
struct EmbeddingFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
