import CaiModel
import CaiPlatform
import SystemPackage

/// Observes the places of generated files.
struct GeneratedFilesJob {
    private static let largest = 4 << 20
    let machine: Machine
    let manifests: Manifest
    /// The variables that name agent directories on the volume.
    var variables: [(name: String, value: String)] = []

    /// Launch wrappers, and the link specification of the user's manifests.
    func files(links: RunReport<LinkPlan>?) -> (files: [GeneratedFile], findings: [Finding]) {
        var findings: [Finding] = []
        var files: [GeneratedFile] = []
        let hasUserManifests = ManifestLoader.hasUserManifests(machine)
        for kind in [LaunchWrappers.File.agents, .userAgents] {
            let wrappers = LaunchWrappers(
                manifests.agents, variables: kind == .agents ? variables : [], file: kind)
            findings += wrappers.findings
            let place = Place.home(kind.path)
            if kind == .agents || hasUserManifests || look(place).0.isFile {
                files.append(generated(place, wrappers.text))
            }
        }
        if hasUserManifests {
            let text = String(decoding: specification(links).text, as: UTF8.self)
            files.append(generated(.volume(VolumePath(unchecked: LinkSources.userSpecification)), text))
        }
        return (files, findings)
    }

    /// The same files with what stands at their places now.
    func lookAgain(_ files: [GeneratedFile]) -> [GeneratedFile] { files.map { generated($0.place, $0.content) } }

    /// The user's links that are, or were just, put right.
    private func specification(_ report: RunReport<LinkPlan>?) -> LinkSpecification {
        let steps = report?.detail.plan.steps ?? []
        let problems = report?.problems.map(\.step) ?? []
        let works = Set(
            (report?.detail.links ?? []).filter { status in
                status.obstacle == nil && !status.steps.contains { problems.contains(steps[$0]) }
            }.map(\.link))
        let links = manifests.entries.filter { $0.layer == .user && $0.hasLink }.compactMap { entry -> SpecifiedLink? in
            guard let link = entry.link, works.contains(link) else { return nil }
            return SpecifiedLink(
                link: link, target: entry.target, removeFirst: entry.flags.contains(.removeFirst))
        }
        return LinkSpecification(home: machine.layout.home, volume: machine.layout.volume, links: links)
    }

    private func generated(_ place: Place, _ content: String) -> GeneratedFile {
        let (node, bytes) = look(place)
        return GeneratedFile(place: place, content: content, mode: 0o644, found: node, foundContent: bytes)
    }

    private func look(_ place: Place) -> (Node, [UInt8]?) {
        let (tree, path) = machine.tree(of: place)
        let node = NodeReader(tree).node(at: path)
        guard node.isFile else { return (node, nil) }
        return (node, (try? tree.readFile(path, limit: Self.largest)) ?? nil)  // unreadable: it differs
    }
}
