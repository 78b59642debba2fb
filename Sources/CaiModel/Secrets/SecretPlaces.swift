package import SystemPackage

/// The places whose content is secret: those that manifests declare, those that match a pattern of an agent directory, `.env`,
/// and files that hold secrets by custom of their name.
package struct SecretPlaces: Sendable {
    private let secretTargets: Set<VolumePath>
    private let plainTargets: Set<VolumePath>
    private let agents: AgentTargets
    private let targets: HomeTargets

    /// `entries` are those of the manifests, `directories` the agent directories in their places.
    package init(_ entries: [Entry], directories: [PlacedDirectory]) {
        let exact = entries.filter { !$0.flags.contains(.glob) && $0.kind != .agentDirectory }
        secretTargets = Set(exact.filter(\.isSecret).map(\.target))
        plainTargets = Set(exact.filter { !$0.isSecret }.map(\.target))
        agents = AgentTargets(directories)
        targets = HomeTargets(entries, directories: directories)
    }

    /// True if a manifest declares the place, or something above it, secret.
    package func isDeclared(_ path: VolumePath) -> Bool {
        path.isAtOrBelow(secretTargets) || agents.isSecret(path.relative)
    }

    /// True if files of this name hold secrets by custom, and no entry declares this one plain.
    package func isSecretByName(_ path: VolumePath) -> Bool {
        !plainTargets.contains(path) && CaiModel.isSecretByName(path.relative)
    }

    /// True if the content of a place is secret by declaration or name. Content is not inspected.
    package func isSecret(_ path: VolumePath) -> Bool {
        isDeclared(path) || path.relative == ".env" || isSecretByName(path)
    }

    /// The place on the volume of displaced content, which lies at `home/…` or `volume/…` below the directory of its run (with
    /// a number after the first name for a place that was displaced again).
    package func original(ofDisplaced path: FilePath) -> VolumePath {
        let inside = FilePath(root: nil, path.components.dropFirst())
        let side = path.components.first?.string.split(separator: ".").first ?? ""
        guard side == "home" else { return VolumePath(unchecked: inside) }
        return targets.target(of: HomePath(unchecked: inside)) ?? VolumePath(unchecked: inside)
    }
}
