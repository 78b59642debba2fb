import CaiModel
import CaiPlatform
import SystemPackage

/// Judges files that no manifest declares secret: whether they are secret as a whole, or hold secrets beside other things.
struct SecretJudge: Sendable {
    enum Verdict: Sendable {
        /// Nothing says that it is secret.
        case plain
        case secret(FoundSecret.Kind)
        /// It was looked into: its content without secrets, and whether there were any.
        case examined([UInt8], hadSecrets: Bool)
        /// It is not what its name says, or too large, so that nobody knows what it holds.
        case unknown
    }

    /// Larger files are not looked into.
    private static let largest: Int64 = 4 << 20

    private let plainTargets: Set<VolumePath>
    private let filter = GitFilter(withoutSecrets: true, workspace: "")

    /// `entries`: what the manifests declare.
    init(_ entries: [Entry]) {
        plainTargets = Set(entries.filter { !$0.isSecret && !$0.flags.contains(.glob) }.map(\.target))
    }

    /// Judges a file by the path of the volume that it has, or had. Throws what `head` and `content` throw.
    func judge(
        _ path: VolumePath, size: Int64, head: () throws -> [UInt8], content: () throws -> [UInt8]
    ) rethrows -> Verdict {
        if isSecretByName(path) { return .secret(.name) }
        let isGit = path.relative == "git/gitconfig" || path.relative == ".gitconfig"
        let kind = SecretStripping.Kind(path)
        guard isGit || kind != nil else {
            return try size <= 1 << 20 && isSecretByContent(head()) ? .secret(.privateKey) : .plain
        }
        guard size <= Self.largest else { return .unknown }
        let bytes = try content()
        if isGit {
            guard filter.holdsSecrets(bytes) else { return .examined(bytes, hadSecrets: false) }
            let text = filter.filtered(.init(path: path.relative, bytes: bytes)) { _, _, _ in nil }
            return .examined(text, hadSecrets: true)
        }
        return kind?.strip(bytes).map { .examined($0.bytes, hadSecrets: $0.count > 0) } ?? .unknown
    }

    /// Whether files of this name hold secrets by custom, and nobody declared this one to be plain.
    func isSecretByName(_ path: VolumePath) -> Bool {
        !plainTargets.contains(path) && CaiModel.isSecretByName(path.relative)
    }
}
