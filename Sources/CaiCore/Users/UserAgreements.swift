import CaiModel
import CaiPlatform
import Crypto
import FoundationEssentials
import SystemPackage

/// `/var/lib/containai/users.json`: what accounts and records were when they last agreed, as digests. It belongs to the
/// container, as the accounts do: in a new one it is missing, and the records hold.
struct UserAgreements {
    private static let name: FilePath.Component = "users.json"
    private static let path: FilePath = "/var/lib/containai"
    let root: Directory

    /// What was written; nothing when there is no such file, or something else in its place. Throws when it cannot be read.
    func read() throws -> [String: UserSituation.Agreement] {
        guard let bytes = try root.readFileInRoot(Self.path.appending(Self.name), limit: 64 << 20) else { return [:] }
        // What is no document of ours was never written: then the records hold.
        return (try? JSONDecoder().decode([String: UserSituation.Agreement].self, from: Data(bytes))) ?? [:]
    }

    func write(_ agreements: [String: UserSituation.Agreement]) throws {
        let directory = try root.makeDirectories(Self.path, mode: 0o700)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try StateDirectory.replace(
            Self.name, in: directory, with: Array(try encoder.encode(agreements)) + [0x0A], mode: 0o600)
    }

    /// A digest that tells nothing about a text as long as that holds a salted hash.
    static func digest(_ text: String) -> String {
        hexadecimal(SHA256.hash(data: Data(text.utf8)))
    }
}
