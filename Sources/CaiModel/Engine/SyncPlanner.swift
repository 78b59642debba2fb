package import SystemPackage

/// What a sync does with one entry, in the words of the predecessor's lines.
package enum SyncState: Sendable, Equatable {
    /// Nothing at the source.
    case absent
    /// A link into the volume already.
    case linked
    /// A link of the user's own.
    case stranger(text: FilePath)
    case moves
    case refused
}

/// One entry of a sync with its state and its steps.
package struct SyncStatus: Sendable {
    package let entry: Entry
    package let source: HomePath
    package let state: SyncState
    /// Indices into the plan's steps.
    package let steps: Range<Int>
    package let obstacle: Finding?
}

/// The plan of a sync, with what happens to each entry it considered.
package struct SyncPlan: Sendable {
    package var plan: Plan
    package let entries: [SyncStatus]
}

/// Plans to move every live source into the volume and to put the links (predecessors 1.14): enabled entries with source
/// and link, no globs. A link of the user's own is respected; different types on both sides are refused.
package func planSync(_ observation: Observation, baseline: Baseline, layout: Layout) -> SyncPlan {
    var planner = SyncPlanner(
        baseline: baseline, layout: layout, privateDirectories: observation.privateHomeDirectories,
        declared: observation.declared,
        placeholders: PlaceholderPlanner(
            directories: observation.volumeDirectories, entries: observation.declared, layout: layout))
    for seen in observation.entries {
        let entry = seen.entry
        guard entry.kind != .containerSymlink, !entry.isDisabled, entry.hasLink, let source = entry.source else {
            continue
        }
        planner.add(seen, source)
    }
    return SyncPlan(plan: planner.plan, entries: planner.entries)
}

extension EntryObservation {
    /// Whether a sync moves the directory that stands at the link.
    var isSyncable: Bool {
        entry.kind == .entry && !entry.isDisabled && entry.isDirectory && entry.source == entry.link
            && target.canTake(link)
    }
}

private struct SyncPlanner {
    let baseline: Baseline
    let layout: Layout
    let privateDirectories: Set<HomePath>
    /// Every entry of the manifests.
    let declared: [Entry]
    var placeholders: PlaceholderPlanner
    var plan = Plan()
    var entries: [SyncStatus] = []

    mutating func add(_ seen: EntryObservation, _ source: HomePath) {
        let first = plan.steps.count
        var obstacle: Finding?
        var state = state(of: seen)
        if state == .moves {
            obstacle = move(seen, source)
            if obstacle != nil {
                plan.steps.removeSubrange(first...)
                state = .refused
            }
        } else if case .unreachable(let reason) = seen.source {
            obstacle = Finding(.error, at: source.inHome, reason.sentence, advice: reason.advice)
            state = .refused
        } else if case .special(let kind) = seen.source {
            obstacle = Finding(
                .error, at: source.inHome, "is a \(kind.rawValue); it cannot be moved", advice: "remove it")
            state = .refused
        }
        if case .stranger(let text) = state {
            plan.findings.append(
                Finding(
                    .note, at: source.inHome, "is a symlink of your own to \(text.printable); it was left as it is",
                    advice: "to store its content on the volume, replace it by the file itself and run cai sync"))
        }
        if let obstacle { plan.findings.append(obstacle) }
        entries.append(
            SyncStatus(
                entry: seen.entry, source: source, state: state, steps: first..<plan.steps.count, obstacle: obstacle))
    }

    private func state(of seen: EntryObservation) -> SyncState {
        switch seen.source {
        case .missing: .absent
        case .symlink(let text) where isInside(text, layout.volume): .linked
        case .symlink(let text): seen.strangerExists ? .stranger(text: text) : .absent
        case .file, .directory: .moves
        case .special, .unreachable: .refused
        }
    }

    private mutating func move(_ seen: EntryObservation, _ source: HomePath) -> Finding? {
        let entry = seen.entry
        if case .unreachable(let obstacle) = seen.target {
            return Finding(.error, at: layout.text(entry.target), obstacle.sentence, advice: obstacle.advice)
        }
        if !seen.target.canTake(seen.source) {
            return Finding(
                .error, at: layout.text(entry.target), "exists on volume but differs in type",
                advice: "move one of the two away and run cai sync again")
        }
        if entry.isDirectory != seen.source.isDirectory {
            return Finding(
                .error, at: source.inHome,
                "is \(seen.source.word), but \(entry.location) declares \(entry.isDirectory ? "a directory" : "a file")",
                advice: "move it away, or correct the manifest")
        }
        var moving = Plan()
        if let obstacle = moving.appendAdoption(of: seen, live: source, baseline: baseline, declared: declared) {
            return obstacle
        }
        if let link = entry.link, link != source, let obstacle = putOtherLink(seen, link, &moving) { return obstacle }
        // Last, so that a directory that another entry relies on is not planned here and then given up.
        if let obstacle = plan.append(&placeholders, { $0.addParents(of: entry) }) { return obstacle }
        plan.append(moving)
        return nil
    }

    /// An entry whose link has another name than its source gets both links.
    private func putOtherLink(_ seen: EntryObservation, _ link: HomePath, _ plan: inout Plan) -> Finding? {
        switch seen.link {
        case .symlink(let text) where text == layout.linkText(to: seen.entry.target): return nil
        case .missing, .symlink:
            plan.steps.append(
                .putLink(
                    link, target: seen.entry.target, replacing: seen.link,
                    privateParent: link.parent.map { privateDirectories.contains($0) } ?? false))
            return nil
        default:
            return Finding(
                .error, at: link.inHome, "is \(seen.link.word) where the link belongs",
                advice: "cai links repair adopts it")
        }
    }
}
