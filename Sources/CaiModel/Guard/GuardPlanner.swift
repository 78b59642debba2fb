/// Plans the repairs of a guard: links, as at every boot, and modes of secrets. A place in `unsteady`, whose mode is changed
/// back after each correction, gets a finding instead.
package func planGuard(
    _ observation: Observation, baseline: Baseline, layout: Layout, history: [HomePath: LinkHistory],
    unsteady: Set<VolumePath> = []
) -> LinkPlan {
    let links = planLinks(
        observation, baseline: baseline, layout: layout, policy: .respectStrangers, history: history)
    let mended = Set(links.links.filter { !$0.steps.isEmpty }.map(\.entry.target))
    var plan = links.plan
    var known = mended
    for seen in observation.entries where known.insert(seen.entry.target).inserted {
        let step: Step? =
            switch seen.target {
            case .file(let facts): seen.entry.privacyStep(facts, limit: 0o600)
            case .directory(let facts): seen.entry.privacyStep(facts, limit: 0o700)
            default: nil
            }
        guard let step else { continue }
        if unsteady.contains(seen.entry.target) {
            plan.findings.append(.unsteadyMode(at: layout.text(seen.entry.target)))
        } else {
            plan.steps.append(step)
        }
    }
    return LinkPlan(plan: plan, links: links.links, missingParents: links.missingParents)
}

extension Finding {
    /// The finding about a secret whose mode something changes after each correction.
    fileprivate static func unsteadyMode(at place: String) -> Finding {
        Finding(
            .warning, at: place,
            "can be read by others, and its mode changes back after each correction; it is left as it is for an hour",
            advice: "keep the volume on a file system that keeps modes, and stop what changes it")
    }

    /// The finding about a place on the volume that something gives to another user after each correction.
    package static func unsteadyOwner(at place: String, uid: UInt32, other: UInt32) -> Finding {
        Finding(
            .warning, at: place,
            "belongs to uid \(other) after each time that it was given to uid \(uid): another container uses this volume with "
                + "another user id; it is left as it is for an hour",
            advice: "give the agents of both containers the same user id, or each container a volume of its own")
    }
}

/// What was written to a file, through a descriptor from before, after it was adopted and its name became a link.
package struct OpenSave: Sendable, Equatable {
    package let live: HomePath
    package let target: VolumePath
    package let stored: Node
    /// `take`, `takeOver` or `keep`.
    package let verdict: Verdict
    package let secrecy: Secrecy
    /// Which of the open files it is.
    package let file: OpenFileID

    package init(
        live: HomePath, target: VolumePath, stored: Node, verdict: Verdict, secrecy: Secrecy, file: OpenFileID
    ) {
        self.live = live
        self.target = target
        self.stored = stored
        self.verdict = verdict
        self.secrecy = secrecy
        self.file = file
    }
}

/// Names a file that somebody keeps open; its name in the home means another one by now.
package struct OpenFileID: Hashable, Sendable {
    package let number: Int
    package init(_ number: Int) { self.number = number }
}

/// Plans what becomes of an open file that was written to after it was adopted; an empty plan when the volume has the same
/// content. The newer of the two wins where somebody else wrote to the volume's file meanwhile.
package func planOpenSave(
    _ pair: ObservedPair, of live: HomePath, at target: VolumePath, secrecy: Secrecy, file: OpenFileID,
    baseline: Baseline, history: LinkHistory?
) -> Plan {
    if pair.live.facts?.size == 0 { return Plan() }  // as a file that is emptied before it is written anew
    var verdict = decide(pair, target: target, baseline: baseline, history: history)
    switch verdict {
    case .same, .remove, .enter: return Plan()
    case .merge: verdict = newer(pair)
    case .take, .takeOver, .keep: break
    }
    let save = OpenSave(
        live: live, target: target, stored: pair.stored, verdict: verdict, secrecy: secrecy, file: file)
    return Plan(steps: [.storeOpen(save)])
}

private func newer(_ pair: ObservedPair) -> Verdict {
    (pair.live.facts?.modified ?? 0) >= (pair.stored.facts?.modified ?? 0) ? .takeOver : .keep
}
