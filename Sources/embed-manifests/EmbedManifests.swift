import CaiModel
import SystemPackage

import func Glibc.exit

/// `embed-manifests OUTPUT MANIFEST…` checks the built-in manifests, alone and together, with the reader that `cai`
/// uses, and writes a Swift source with their texts and with what they say, so that a start need not read them.
///
/// Anything but a note fails the build with `file:line:column` messages, and so does an empty list.
@main
struct EmbedManifests {
    static func main() {
        do {
            try embed()
        } catch {
            print("embed-manifests: error: \(error)")
            exit(1)
        }
    }

    private static func embed() throws {
        let arguments = CommandLine.arguments.dropFirst().map { FilePath($0) }
        guard let output = arguments.first, arguments.count > 1 else {
            throw EmbeddingFailure("usage: embed-manifests OUTPUT MANIFEST…")
        }
        let files = try arguments.dropFirst().map { path in
            ManifestFile(name: path.string, layer: .builtIn, bytes: try read(path))
        }
        let embedded = files.map { file in
            let name = FilePath(file.name).lastComponent?.string ?? file.name
            return ManifestFile(name: "built-in/\(name)", layer: .builtIn, bytes: file.bytes)
        }
        let report = LintReport(ManifestSet(files).findings)
        print(report.text, terminator: "")
        guard report.exitCode == 0 else { throw EmbeddingFailure("the built-in manifests have \(report.summary)") }
        try write(GeneratedSource.text(for: embedded), to: output)
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
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: permissions)
        _ = try file.closeAfter { try file.writeAll(text.utf8) }
    }
}

/// Why nothing was embedded.
struct EmbeddingFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
