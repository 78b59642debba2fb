package import SystemPackage

/// One thing that a run displaced, and what stands today where it would go.
package struct KeptItem: Sendable, Equatable {
    /// Below the run's directory: `home/…` or `volume/…`.
    package let path: FilePath
    package let node: Node
    package let place: Place
    package let found: Node
    /// Whether what stands there has the same content.
    package let isSame: Bool

    package init(path: FilePath, node: Node, place: Place, found: Node, isSame: Bool) {
        self.path = path
        self.node = node
        self.place = place
        self.found = found
        self.isSame = isSame
    }
}

/// The plan that brings a run's displaced content back.
package struct UndoPlan: Planned {
    package var plan: Plan
    package let run: RunID
    package let items: [KeptItem]
}

/// What a run changed and what stands there today.
package struct UndoObservation: Sendable {
    package let items: [KeptItem]
    package let additions: [SeenAddition]
    /// Parts of the databases that stand at the places of `items`, and that the versions which come back do not have.
    package let parts: [VolumePath: Node]

    package init(
        items: [KeptItem] = [], additions: [SeenAddition] = [], parts: [VolumePath: Node] = [:]
    ) {
        self.items = items
        self.additions = additions
        self.parts = parts
    }
}

/// Plans to bring back what a run displaced, and to take away what it added. What is already as it was needs no step; what
/// stands there now is displaced in turn, so that an undo can be undone.
package func planUndo(_ seen: UndoObservation, run: RunID, layout: Layout, findings: [Finding]) -> UndoPlan {
    let items = seen.items
    let wanted = items.filter { !$0.isSame }
    let placements = wanted.compactMap { item -> Placement? in
        guard case .volume(let target) = item.place else { return nil }
        return Placement(target, found: item.found, content: .kept(item.path, run: run))
    }
    // What lies on the volume alone comes back all together or not at all.
    let isTogether = placements.count == wanted.count
    let isKnown = !findings.contains { $0.severity == .error }
    guard isTogether else {
        // Only runs that change the volume alone note what they add.
        let steps = wanted.map { Step.restore($0.path, run: run, to: $0.place, found: $0.found) }
        return UndoPlan(plan: Plan(steps: steps, findings: findings), run: run, items: items)
    }
    let removals = seen.parts.sorted { $0.key < $1.key }.map { Placement($0.key, found: $0.value, content: .nothing) }
    let returning = items.compactMap { if case .volume(let target) = $0.place { target } else { nil } }
    let taken = planTakingBack(seen.additions, replaced: Set(returning), layout: layout)
    // Half an undo is none.
    let isSeen = isKnown && !taken.findings.contains { $0.severity == .error }
    let steps = isSeen ? (removals + placements + taken.placements).map { Step.place($0) } : []
    return UndoPlan(plan: Plan(steps: steps, findings: findings + taken.findings), run: run, items: items)
}

/// Where something displaced from the home goes back to.
///
/// A path that is, or lies in, a link to the volume goes to the link's target, where it takes effect; `isTaken` tells
/// whether the run also displaced a version from there, which then has the right to the place.
package func undoPlace(
    of path: HomePath, _ node: Node, entries: [Entry], isTaken: (VolumePath) -> Bool
) -> Place? {
    for entry in entries where entry.hasLink {
        guard let link = entry.link, path.isInside(link) else { continue }
        let isExact = path == link
        if isExact, node.isDirectory != entry.isDirectory || !(node.isFile || node.isDirectory) { return .home(path) }
        guard isExact || entry.isDirectory else { continue }
        var below = path.relative
        _ = below.removePrefix(link.relative)
        let target = isExact ? entry.target : entry.target.appending(below)
        if !isTaken(target) { return .volume(target) }
        return isExact ? .home(path) : nil
    }
    return .home(path)
}
