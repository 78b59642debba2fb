package import SystemPackage

/// What the mounted directory of a mount says about who made it, read from its path on its own file system.
///
/// A bind mount carries the path of the directory behind it in the mount table, and engines put volumes at paths that
/// give them away.
package enum MountRoot: Hashable, Sendable {
    /// `…/volumes/NAME/_data`, with the directory inside the volume when only a part of it is mounted.
    case engineVolume(name: String, below: FilePath)
    /// `…/pods/UID/volumes/PLUGIN/NAME`.
    case kubernetesVolume(plugin: String, name: String)
    /// `…/pods/UID/volume-subpaths/NAME/…`: a part of a volume of a pod.
    case kubernetesSubpath(name: String)
    /// A directory that a provisioner named after its claim: `pvc-UUID…`.
    case provisionedVolume(name: String)
    /// The whole file system.
    case whole
    /// Any other directory.
    case directory

    /// Reads a mount's root field. Of several volume paths inside each other, as nested engines make them, the
    /// innermost counts.
    package init(_ root: FilePath) {
        let names = root.components.map(\.string)
        if names.isEmpty {
            self = .whole
        } else if let at = names.indices.last(where: { Self.isEngineVolume(names, at: $0) }) {
            self = .engineVolume(name: names[at + 1], below: FilePath(root: nil, root.components.dropFirst(at + 3)))
        } else if let found = Self.kubernetes(names) {
            self = found
        } else if let claim = names.last(where: Self.isClaimName) {
            self = .provisionedVolume(name: claim)
        } else {
            self = .directory
        }
    }

    private static func isEngineVolume(_ names: [String], at index: Int) -> Bool {
        names[index] == "volumes" && index + 2 < names.count && names[index + 2] == "_data"
    }

    private static func kubernetes(_ names: [String]) -> MountRoot? {
        guard let pods = names.lastIndex(of: "pods"), pods + 4 < names.count else { return nil }
        switch names[pods + 2] {
        case "volumes": return .kubernetesVolume(plugin: names[pods + 3], name: names[pods + 4])
        case "volume-subpaths": return .kubernetesSubpath(name: names[pods + 3])
        default: return nil
        }
    }

    /// `pvc-` and a UUID, possibly with more behind it.
    static func isClaimName(_ name: String) -> Bool {
        guard name.hasPrefix("pvc-") else { return false }
        let parts = name.dropFirst(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 5, zip(parts, [8, 4, 4, 4]).allSatisfy({ $0.utf8.count == $1 && isHexadecimal($0) }) else {
            return false
        }
        return parts[4].utf8.count >= 12 && isHexadecimal(parts[4].prefix(12))
    }

    /// Whether a volume has the 64-digit name that Docker and Podman give a volume without one.
    package static func isAnonymous(_ name: String) -> Bool {
        name.utf8.count == 64 && isHexadecimal(name[...])
    }
}

private func isHexadecimal(_ text: Substring) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}
