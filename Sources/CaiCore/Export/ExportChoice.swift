package import CaiModel
import SystemPackage

/// What is left out of an export, beside what `cai` keeps for itself.
package struct ExportChoice: Sendable {
    package let excludes: Excludes
    /// Paths of the volume that hold secrets, left out with everything below them; none when secrets are exported.
    private let secrets: Set<PathKey>
    /// Judges what no manifest declares; nil when secrets are exported.
    let judge: SecretJudge?

    /// `entries`: those of the manifests, where an export is to be without secrets.
    package init(excludes: Excludes, withoutSecretsOf entries: [Entry]? = nil) {
        self.excludes = excludes
        judge = entries.map { SecretJudge($0) }
        secrets = Set((entries ?? []).filter(\.isSecret).map(\.target.key) + (entries == nil ? [] : [PathKey(".env")]))
    }

    func leavesOut(_ path: FilePath) -> Bool {
        let path = VolumePath(unchecked: path)
        return path.isReserved || secrets.contains(path.key) || excludes.excluding(path) != nil
    }
}
