package import SystemPackage

/// What a link is, in the words of the predecessors' table (README, "cai links").
package enum LinkState: Sendable, Equatable {
    case ok
    /// An optional entry of which neither side exists.
    case absent
    /// The right text, but nothing at the target.
    case dangling
    /// The right text, but what is at the target cannot serve.
    case badTarget(reason: String)
    case wrongTarget(text: FilePath)
    /// A real directory that may be adopted.
    case directory
    /// A real directory of an entry without flag `R`.
    case lockedDirectory
    case file
    case missing
    case special(SpecialKind)
    case unreachable(Obstacle)
}

/// One link with its state and the steps that mend it.
package struct LinkStatus: Sendable {
    package let entry: Entry
    package let link: HomePath
    package let state: LinkState
    /// Indices into the plan's steps; empty when there is nothing to do or nothing that can be done.
    package let steps: Range<Int>
    /// Why it cannot be mended.
    package let obstacle: Finding?
    /// True if it cannot be repaired because a process has a file open, which may end at any time.
    package let isInUse: Bool
}

/// The plan for all links, with the state of each.
package struct LinkPlan: Sendable {
    package var plan: Plan
    package let links: [LinkStatus]
    /// Directories that links are put in and that do not exist yet.
    package let missingParents: Set<HomePath>
}

/// Whether a link that the user made is replaced.
package enum LinkPolicy: Sendable {
    /// Boot: a link that leads to something outside the volume is the user's and stays.
    case respectStrangers
    /// An explicit repair: every link gets the declared text; the old one is displaced.
    case replaceAll
}

/// Plans the repair of links: missing ones are put, dangling ones get their placeholder, files and directories that took
/// their place are adopted. Nothing is deleted because a link belongs somewhere. `history` is what somebody who watches
/// the links knows about them.
package func planLinks(
    _ observation: Observation, baseline: Baseline, layout: Layout, policy: LinkPolicy,
    history: [HomePath: LinkHistory] = [:]
) -> LinkPlan {
    var planner = LinkPlanner(
        baseline: baseline, layout: layout, policy: policy, history: history,
        privateDirectories: observation.privateHomeDirectories, declared: observation.declared,
        placeholders: PlaceholderPlanner(
            directories: observation.volumeDirectories, entries: observation.declared, layout: layout))
    for seen in observation.entries {
        if seen.entry.hasLink, let link = seen.entry.link { planner.add(seen, link) }
    }
    return LinkPlan(
        plan: planner.plan, links: planner.links, missingParents: observation.missingHomeDirectories)
}

private struct LinkPlanner {
    let baseline: Baseline
    let layout: Layout
    let policy: LinkPolicy
    let history: [HomePath: LinkHistory]
    let privateDirectories: Set<HomePath>
    /// Every entry of the manifests.
    let declared: [Entry]
    var placeholders: PlaceholderPlanner
    var plan = Plan()
    var links: [LinkStatus] = []

    mutating func add(_ seen: EntryObservation, _ link: HomePath) {
        let state = linkState(seen, layout: layout)
        let first = plan.steps.count
        let obstacle = mend(seen, link, state)
        if let obstacle { plan.findings.append(obstacle) }
        if obstacle != nil { plan.steps.removeSubrange(first...) }
        links.append(
            LinkStatus(
                entry: seen.entry, link: link, state: state, steps: first..<plan.steps.count, obstacle: obstacle,
                isInUse: obstacle != nil && seen.pairs.contains { $0.liveUser != nil || $0.storedUser != nil }))
    }

    /// Appends the steps that mend one link; returns the reason when it cannot be done.
    private mutating func mend(_ seen: EntryObservation, _ link: HomePath, _ state: LinkState) -> Finding? {
        let entry = seen.entry
        switch state {
        case .ok, .absent: return nil
        case .dangling: return addPlaceholder(seen)
        case .badTarget(let reason):
            return Finding(
                .error, at: layout.text(entry.target), reason, advice: "move it away and run cai links repair")
        case .missing: return addPlaceholder(seen) ?? put(link, entry, replacing: .missing)
        case .wrongTarget(let text):
            if policy == .respectStrangers, seen.strangerExists, !isInside(text, layout.volume) {
                return Finding(
                    .note, at: link.inHome, "is a symlink of your own; it was left as it is",
                    advice: "cai links repair replaces it by the link to the volume")
            }
            if policy == .respectStrangers, !isInside(text, layout.volume) {
                plan.findings.append(
                    Finding(
                        .note, at: link.inHome,
                        "was a symlink to \(text.printable), which leads nowhere; the link to the volume replaces it, "
                            + "and it is kept displaced"))
            }
            return addPlaceholder(seen) ?? put(link, entry, replacing: seen.link)
        case .file, .directory: return adopt(seen, link)
        case .lockedDirectory where seen.linkIsMounted: return mounted(seen, link)
        case .lockedDirectory where seen.linkIsEmpty && entry.flags.contains(.file) && !entry.isDirectory:
            // As an engine makes it for a file that is missing on the host: it holds nothing.
            if let obstacle = addPlaceholder(seen) { return obstacle }
            plan.steps.append(.setAside(link, target: entry.target, found: seen.link, parts: []))
            return nil
        case .lockedDirectory:
            return Finding(
                .error, at: link.inHome, "is a directory where a link belongs, and its entry has no flag R",
                advice: seen.isSyncable
                    ? "cai sync moves it into the volume" : "move it away and run cai links repair")
        case .special(let kind):
            return Finding(
                .error, at: link.inHome, "is a \(kind.rawValue) where a link belongs; it cannot be moved",
                advice: "remove it and run cai links repair")
        case .unreachable(let obstacle):
            return Finding(.error, at: link.inHome, obstacle.sentence, advice: obstacle.advice)
        }
    }

    /// The reason that a mount at the place of a link stays there.
    private func mounted(_ seen: EntryObservation, _ link: HomePath) -> Finding {
        let isWrong = seen.link.isDirectory && seen.entry.flags.contains(.file) && !seen.entry.isDirectory
        let kind = isWrong ? "is a mount of a directory where a file belongs" : "is a mount, which is used as it is"
        return Finding(
            .error, at: link.inHome, "\(kind); it stays, and \(layout.text(seen.entry.target)) is not linked there",
            advice: isWrong
                ? "start the container without it, or make \(link.relative.lastComponent?.printable ?? "it") a file on the host"
                : Obstacle.mountPoint.advice)
    }

    private mutating func put(_ link: HomePath, _ entry: Entry, replacing: Node) -> Finding? {
        plan.steps.append(
            .putLink(
                link, target: entry.target, replacing: replacing,
                privateParent: link.parent.map { privateDirectories.contains($0) } ?? false))
        return nil
    }

    private mutating func addPlaceholder(_ seen: EntryObservation) -> Finding? {
        plan.append(&placeholders) { $0.add(seen) }
    }

    private mutating func adopt(_ seen: EntryObservation, _ link: HomePath) -> Finding? {
        let entry = seen.entry
        let wantsDirectory = entry.isDirectory || (!entry.flags.contains(.file) && seen.target.isDirectory)
        if let finding = seen.inUse(link) { return finding }
        if seen.linkIsMounted { return mounted(seen, link) }
        let kindIsKnown = entry.isDirectory || entry.flags.contains(.file) || !seen.target.isMissing
        if kindIsKnown, seen.link.isDirectory != wantsDirectory {
            if let obstacle = addPlaceholder(seen) { return obstacle }
            if let pair = seen.pairs.first(where: { $0.live == .unreachable(.mountPoint) }) {
                return Finding(
                    .error, at: link.appending(pair.path).inHome,
                    "is a mount, so that the directory around it cannot make room for the link",
                    advice: Obstacle.mountPoint.advice)
            }
            let parts = seen.link.isFile ? seen.pairs.dropFirst().filter { $0.live.isFile } : []
            plan.steps.append(
                .setAside(
                    link, target: entry.target, found: seen.link,
                    parts: parts.compactMap { DatabaseCompanion(rawValue: $0.path.string) }))
            return nil
        }
        if case .unreachable(let obstacle) = seen.target {
            return Finding(.error, at: layout.text(entry.target), obstacle.sentence, advice: obstacle.advice)
        }
        if !seen.target.canTake(seen.link) {
            return Finding(
                .error, at: layout.text(entry.target), "is \(seen.target.word); \(link.inHome) cannot be moved there",
                advice: "move it away and run cai links repair again")
        }
        var adoption = Plan()
        if let obstacle = adoption.appendAdoption(
            of: seen, live: link, baseline: baseline, history: history[link], declared: declared)
        {
            return obstacle
        }
        // An optional entry has had no placeholder, so its folder may be missing on the volume.
        if let obstacle = plan.append(&placeholders, { $0.addParents(of: entry) }) { return obstacle }
        plan.append(adoption)
        return nil
    }
}

/// The state of an entry's link (predecessors 1.11, first match wins).
package func linkState(_ seen: EntryObservation, layout: Layout) -> LinkState {
    let entry = seen.entry
    switch seen.link {
    case .symlink(let text):
        guard text == layout.linkText(to: entry.target) else { return .wrongTarget(text: text) }
        if seen.target.isMissing { return .dangling }
        return seen.targetProblem.map { .badTarget(reason: $0) } ?? .ok
    case .directory: return entry.flags.contains(.removeFirst) ? .directory : .lockedDirectory
    case .file: return .file
    case .missing: return entry.isOptional && seen.target.isMissing ? .absent : .missing
    case .special(let kind): return .special(kind)
    case .unreachable(let obstacle):
        return entry.isOptional && seen.target.isMissing ? .absent : .unreachable(obstacle)
    }
}

extension EntryObservation {
    /// Why the target cannot be what its entry declares; nil when it can, or is missing.
    fileprivate var targetProblem: String? {
        switch target {
        case .missing: nil
        case .file: entry.isDirectory ? "is a file where a directory belongs" : nil
        case .directory:
            entry.flags.contains(.file) && !entry.isDirectory ? "is a directory where a file belongs" : nil
        case .symlink: targetDangles ? "is a symlink that leads nowhere" : nil
        case .special(let kind): "is a \(kind.rawValue) where a file or directory belongs"
        case .unreachable(let obstacle): obstacle.sentence
        }
    }
}

extension Node {
    /// Whether a live node may move to where this one stands: nothing, or the same type.
    func canTake(_ live: Node) -> Bool {
        isMissing || (isFile && live.isFile) || (isDirectory && live.isDirectory)
    }
}

/// Whether a path is a mount point or lies below it, by components.
func isInside(_ path: FilePath, _ mount: FilePath) -> Bool { path.lexicallyNormalized().starts(with: mount) }
