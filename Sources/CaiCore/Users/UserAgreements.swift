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
        SHA256.hash(data: Data(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension Directory {
    /// Opens a directory that the operator named below this one, making those that are missing: the last with `mode`, the
    /// others with 0755.
    func makeDirectories(_ path: FilePath, mode: UInt16) throws -> Directory {
        do {
            return try openInRoot(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            guard let name = path.lastComponent else { throw error }
            return try makeDirectories(path.removingLastComponent(), mode: 0o755).makeOrOpenDirectory(name, mode: mode)
        }
    }
}
