import CaiModel
import CaiPlatform
import SystemPackage

/// Judges files that no entry of the manifests declares secret: secrets as a whole, and files with secrets beside other
/// content.
struct SecretJudge: Sendable {
    enum Verdict: Sendable {
        /// Nothing says that the file is secret.
        case plain
        case secret(FoundSecret.Kind)
        /// The content of an inspected file without secrets, and whether it had any.
        case examined([UInt8], hadSecrets: Bool)
        /// The content is not in the format that the name says, or too large to be inspected. `looksSecret` is true if
        /// something in it looks like a secret.
        case unknown(looksSecret: Bool)
    }

    /// Larger files are not inspected.
    private static let largest: Int64 = 4 << 20

    private let plainTargets: Set<VolumePath>
    private let agents: AgentTargets
    private let filter = GitFilter(withoutSecrets: true, workspace: "")

    /// `entries` are those of the manifests, `agents` the agent directories with their patterns.
    init(_ entries: [Entry], agents: AgentTargets) {
        plainTargets = Set(entries.filter { !$0.isSecret && !$0.flags.contains(.glob) }.map(\.target))
        self.agents = agents
    }

    /// Judges a file by the path of the volume that it has, or had. Throws what `head` and `content` throw.
    func judge(
        _ path: VolumePath, size: Int64, head: () throws -> [UInt8], content: () throws -> [UInt8]
    ) rethrows -> Verdict {
        if agents.isSecret(path.relative) { return .secret(.declared) }
        if isSecretByName(path) { return .secret(.name) }
        let isGit = path.relative == "git/gitconfig" || path.relative == ".gitconfig"
        let kind = SecretStripping.Kind(path)
        guard isGit || kind != nil else {
            return try size <= 1 << 20 && isSecretByContent(head()) ? .secret(.privateKey) : .plain
        }
        guard size <= Self.largest else { return .unknown(looksSecret: false) }
        let bytes = try content()
        if isGit {
            guard filter.holdsSecrets(bytes) else { return .examined(bytes, hadSecrets: false) }
            let text = filter.filtered(.init(path: path.relative, bytes: bytes)) { _, _, _ in nil }
            return .examined(text, hadSecrets: true)
        }
        return kind?.strip(bytes).map { .examined($0.bytes, hadSecrets: $0.count > 0) }
            ?? .unknown(looksSecret: SecretStripping.mayHoldSecret(unreadable: bytes))
    }

    /// True if files of this name hold secrets by custom, and no entry declares this one plain.
    func isSecretByName(_ path: VolumePath) -> Bool {
        !plainTargets.contains(path) && CaiModel.isSecretByName(path.relative)
    }
}
