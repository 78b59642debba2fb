import CaiModel
import CaiPlatform
import Crypto
import FoundationEssentials
import SystemPackage

/// `.containai/baseline.json`: what `cai` last wrote, by path on the volume.
struct BaselineStore {
    private static let name: FilePath.Component = "baseline.json"
    private static let largest = 64 << 20

    private struct Document: Codable {
        var schema: Int
        /// The key of the digests of single values, in hexadecimal.
        var key: String
        var files: [String: Baseline.File]
    }

    let volume: Tree

    /// A baseline that holds nothing, with a new random key.
    static func empty() -> (baseline: Baseline, key: String) {
        let key = SymmetricKey(size: .bits128).withUnsafeBytes { hexadecimal($0) }
        return (Baseline(keyDigest: digest(key: key)), key)
    }

    private static func digest(key: String) -> @Sendable ([UInt8]) -> String {
        let key = SymmetricKey(data: Array(key.utf8))
        return { hexadecimal(HMAC<SHA256>.authenticationCode(for: $0, using: key).prefix(8)) }
    }

    /// Reads the baseline. One that is missing is empty; one that is garbage is empty too, with a finding: decisions then
    /// rest on content and times alone, and nothing is lost by it. Throws `UnreadableBaseline` when the machine refuses to
    /// read it: nothing may be decided as if it were not there.
    func load(_ findings: inout [Finding]) throws -> (baseline: Baseline, key: String) {
        do {
            let directory = try volume.directory(StateDirectory.path)
            let file = try directory.openFile(Self.name)
            let bytes = try file.readAll(limit: Self.largest, directory.label.appending(Self.name))
            let document = try JSONDecoder().decode(Document.self, from: Data(bytes))
            guard document.schema == 1 else { throw UnknownSchema() }
            var baseline = Baseline(keyDigest: Self.digest(key: document.key))
            for (text, file) in document.files {
                if let path = FilePath(encoded: text), !path.isEmpty { baseline[VolumePath(unchecked: path)] = file }
            }
            return (baseline, document.key)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return Self.empty()
        } catch let error as SystemCallError where !Self.garbage.contains(error.errno) {
            throw UnreadableBaseline(reason: error.description)
        } catch {
            findings.append(
                Finding(
                    .warning, at: StateDirectory.path.appending(Self.name).string,
                    "cannot be read and was ignored; conflicts are decided by content and time only",
                    advice: "nothing to do: the next run that moves data writes a new one"))
            return Self.empty()
        }
    }

    /// Writes the baseline, atomically.
    func save(_ baseline: Baseline, key: String) throws {
        let files = Dictionary(uniqueKeysWithValues: baseline.files.map { ($0.relative.encoded, $1) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = try encoder.encode(Document(schema: 1, key: key, files: files))
        let directory = try volume.makeDirectories(StateDirectory.path, mode: 0o700)
        try StateDirectory(volume: volume).replace(Self.name, in: directory, with: Array(bytes))
    }

    /// What opening and reading say of something that is no file of ours.
    private static let garbage: [Errno] = [
        .tooManySymbolicLinkLevels, .notSupported, .isDirectory, .notDirectory, .fileTooLarge,
    ]

    private struct UnknownSchema: Error {}
}

/// The baseline is there, but the machine refuses to read it.
struct UnreadableBaseline: Error, CustomStringConvertible {
    let reason: String
    var description: String {
        "cannot read what was last written: \(reason); run again, or remove the file to decide by content and time alone"
    }
}
