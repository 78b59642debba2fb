import SystemPackage

/// Plans what the volume lacks: directories and placeholder files with their manifest modes, and modes that a secret
/// must not keep. Optional entries get nothing here. An entry whose target cannot be used is a finding.
package func planPlaceholders(_ observation: Observation, layout: Layout) -> Plan {
    var planner = PlaceholderPlanner(
        directories: observation.volumeDirectories, entries: observation.declared, layout: layout)
    for seen in observation.entries where !seen.entry.isOptional { planner.add(seen) }
    return planner.plan
}

/// Collects the placeholder steps of several entries; a directory that two of them need is made once.
struct PlaceholderPlanner {
    private(set) var plan = Plan()
    private let directories: [VolumePath: Node]
    private let layout: Layout
    private let privateDirectories: Set<VolumePath>
    private var made: Set<VolumePath> = []

    /// `entries` are all entries of the manifest: a directory that holds a secret of any of them is made private.
    init(directories: [VolumePath: Node], entries: [Entry], layout: Layout) {
        self.directories = directories
        self.layout = layout
        privateDirectories = entries.privateVolumeDirectories
    }

    /// Plans what one entry's target needs. Returns whether it is, or will be, there and of the right type.
    @discardableResult
    mutating func add(_ seen: EntryObservation) -> Bool {
        let entry = seen.entry
        guard !entry.flags.contains(.glob), !entry.isCovered, entry.isDirectory || entry.hasLink else { return true }
        guard addParents(of: entry) else { return false }
        switch seen.target {
        case .missing: return makeTarget(of: entry)
        case .directory(let facts) where entry.isDirectory:
            if let step = entry.privacyStep(facts, limit: 0o700) { plan.steps.append(step) }
            return true
        case .file where entry.flags.contains(.file) && seen.targetIsMounted:
            return true  // mounted: neither its content nor its mode is ours
        case .file(let facts) where entry.flags.contains(.file):
            if let step = entry.privacyStep(facts, limit: 0o600) { plan.steps.append(step) }
            if seen.targetIsEmpty, !entry.placeholder.isEmpty {
                plan.steps.append(
                    .fillEmpty(entry.target, content: entry.placeholder, mode: entry.isSecret ? 0o600 : facts.mode))
            }
            return true
        case .file, .directory:
            // Link specifications say nothing about the type: what is there is right.
            if entry.flags.isDisjoint(with: [.file, .directory]) { return true }
            plan.findings.append(wrongType(seen))
            return false
        default:
            plan.findings.append(wrongType(seen))
            return false
        }
    }

    private func wrongType(_ seen: EntryObservation) -> Finding {
        let expected = seen.entry.isDirectory ? "directory" : "file"
        let sentence: String
        switch seen.target {
        case .unreachable(let obstacle): sentence = obstacle.sentence
        case .symlink: sentence = "Symlink detected where regular \(expected) expected; cai does not follow it"
        default: sentence = "Expected \(expected) but found \(seen.target.word.dropFirst(2))"
        }
        return Finding(
            .warning, at: layout.text(seen.entry.target), sentence,
            advice: "move it away (mv \(shellQuoted(layout.text(seen.entry.target))) somewhere) and run cai init again")
    }

    /// Plans the missing ancestors of an entry's target. Returns whether they can be used.
    mutating func addParents(of entry: Entry) -> Bool {
        var missing: [VolumePath] = []
        var next = entry.target.parent
        while let path = next {
            switch directories[path] ?? .missing {
            case .directory: next = nil
            case .missing:
                missing.append(path)
                next = path.parent
            case let node:
                plan.findings.append(
                    Finding(
                        .warning, at: layout.text(path), "is \(node.word) where a directory is expected",
                        advice: "move it away and run cai init again"))
                return false
            }
        }
        for path in missing.reversed() where made.insert(path).inserted {
            plan.steps.append(.makeDirectory(path, mode: privateDirectories.contains(path) ? 0o700 : 0o755))
        }
        return true
    }

    private mutating func makeTarget(of entry: Entry) -> Bool {
        guard entry.isDirectory || entry.flags.contains(.file) else {
            plan.findings.append(
                Finding(
                    .warning, at: layout.text(entry.target),
                    "is missing, and nothing says whether it is a file or directory",
                    advice: "declare it in a manifest with flag f or d"))
            return false
        }
        guard made.insert(entry.target).inserted else { return true }
        if entry.isDirectory {
            let isPrivate =
                entry.isSecret || entry.kind == .agentDirectory || privateDirectories.contains(entry.target)
            plan.steps.append(.makeDirectory(entry.target, mode: isPrivate ? 0o700 : 0o755))
        } else {
            plan.steps.append(
                .makeFile(entry.target, content: entry.placeholder, mode: entry.isSecret ? 0o600 : 0o644))
        }
        return true
    }
}

extension [Entry] {
    /// The directories of the volume that hold a secret file of one of these entries.
    package var privateVolumeDirectories: Set<VolumePath> {
        Set(lazy.filter { $0.isSecret && !$0.isDirectory }.compactMap(\.target.parent))
    }
}

extension Entry {
    /// A secret that somebody else can read loses those bits; a stricter mode stays.
    func privacyStep(_ facts: FileFacts, limit: UInt16) -> Step? {
        guard isSecret, facts.mode & ~limit != 0 else { return nil }
        return .setMode(target, from: facts.mode, to: facts.mode & limit | limit & 0o600)
    }
}

extension Obstacle {
    /// The obstacle as a sentence that follows the path.
    package var sentence: String {
        switch self {
        case .symlink(let ancestor): "lies behind the symlink \(ancestor.printable), which cai does not follow"
        case .notDirectory(let ancestor): "lies below \(ancestor.printable), which is not a directory"
        case .mountPoint: "is a mount, and what is mounted is not moved"
        case .foreign(let uid, _): "belongs to uid \(uid), so that its entries cannot be moved"
        case .failed(let reason, _): "cannot be looked at: \(reason)"
        }
    }
}

/// Text as one word of a POSIX shell.
package func shellQuoted(_ text: String) -> String {
    let plain = text.utf8.allSatisfy {
        ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x40 && $0 <= 0x5A)
            || "-_./".utf8.contains($0)
    }
    if plain, !text.isEmpty { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

extension Plan {
    /// Appends the steps that `add` plans for one entry. Returns the reason when its target cannot be used.
    mutating func append(
        _ placeholders: inout PlaceholderPlanner, _ add: (inout PlaceholderPlanner) -> Bool
    ) -> Finding? {
        let before = placeholders.plan.steps.count
        let works = add(&placeholders)
        steps.append(contentsOf: placeholders.plan.steps[before...])
        guard !works, let reason = placeholders.plan.findings.last else { return nil }
        return Finding(.error, at: reason.place, reason.sentence, advice: reason.advice)
    }
}
