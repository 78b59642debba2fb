import SystemPackage

extension Plan {
    mutating func append(_ other: Plan) {
        steps += other.steps
        findings += other.findings
    }

    /// Appends the adoption of the observed live tree, with a finding for each side that loses. Returns the reason if
    /// something in the tree cannot be moved, or not now.
    mutating func appendAdoption(
        of seen: EntryObservation, live: HomePath, baseline: Baseline, history: LinkHistory? = nil,
        declared: [Entry] = []
    ) -> Finding? {
        if let finding = seen.inUse(live) { return finding }
        if seen.targetIsMounted, !seen.pairs.contains(where: { $0.path.isEmpty && $0.hasSameContent }) {
            return Finding(
                .error, at: live.inHome,
                "is not moved to the volume: a file is mounted at its place there, which nothing can replace",
                advice: "remove one of the two, or start the container without that mount")
        }
        let databases = seen.databaseVerdicts(baseline)
        let engineMade = seen.directoriesOfEngine(declared)
        var items: [MovingItem] = []
        var lost: [FilePath] = []
        for pair in seen.pairs {
            if engineMade.contains(pair.path) {
                items.append(MovingItem(path: pair.path, live: pair.live, stored: pair.stored, verdict: .same))
                continue
            }
            if case .special(.device) = pair.live {
                return Finding(
                    .error, at: live.appending(pair.path).inHome, "is a device; its directory cannot be moved")
            }
            if case .unreachable(let obstacle) = pair.live {
                return Finding(
                    .error, at: live.appending(pair.path).inHome, obstacle.sentence, advice: obstacle.advice)
            }
            if case .unreachable(let obstacle) = pair.stored {
                return Finding(
                    .error, at: live.appending(pair.path).inHome, "its place on the volume \(obstacle.sentence)")
            }
            if lost.contains(where: { pair.path.starts(with: $0) }) {
                items.append(
                    MovingItem(
                        path: pair.path, live: pair.live, stored: pair.stored, verdict: .keep,
                        database: pair.database))
                continue
            }
            if let database = pair.database {
                guard let verdict = databases[pair.path] else { continue }
                if [.takeOver, .remove].contains(verdict), let user = pair.storedUser {
                    return .inUse(pair, in: live, seen.entry, isStored: true, user: user)
                }
                items.append(
                    MovingItem(
                        path: pair.path, live: pair.live, stored: pair.stored, verdict: verdict, database: database))
                let isAlone = !pair.live.isMissing && databases[database] == nil
                if pair.path == database || isAlone,
                    let finding = conflictFinding(pair, verdict, live: live, isTree: seen.isTree)
                {
                    findings.append(finding)
                }
                continue
            }
            let verdict = decide(
                pair, target: seen.entry.target, baseline: baseline, history: history,
                isAgentDirectory: seen.entry.kind == .agentDirectory)
            items.append(MovingItem(path: pair.path, live: pair.live, stored: pair.stored, verdict: verdict))
            if verdict == .keep, pair.live.isDirectory { lost.append(pair.path) }
            if let finding = conflictFinding(pair, verdict, live: live, isTree: true) { findings.append(finding) }
        }
        steps.append(
            .adopt(
                Adoption(
                    live: live, target: seen.entry.target, items: items,
                    secrecy: TreeSecrecy(
                        Secrecy(isSecret: seen.entry.isSecret, isDirectory: seen.isTree),
                        parts: seen.entry.secretParts),
                    isExclusive: seen.entry.kind == .agentDirectory)))
        return nil
    }
}

extension EntryObservation {
    /// True if a directory is to move.
    fileprivate var isTree: Bool { pairs.first?.live.isDirectory ?? false }

    /// The paths of empty directories of an agent directory at which a manifest declares a file. An engine makes them for files
    /// that are missing on the host; they hold nothing, and the agent cannot save its file there.
    fileprivate func directoriesOfEngine(_ declared: [Entry]) -> Set<FilePath> {
        guard entry.kind == .agentDirectory, !declared.isEmpty else { return [] }
        let directories = pairs.filter { $0.live.isDirectory && !$0.path.isEmpty }.map(\.path)
        if directories.isEmpty { return [] }
        let files = Set(declared.lazy.filter { $0.flags.contains(.file) && !$0.isDirectory }.map(\.target))
        return Set(
            directories.filter { path in
                files.contains(entry.target.appending(path))
                    && !pairs.contains { $0.path != path && $0.path.starts(with: path) }
            })
    }

    /// The finding about the first live file that must not move because a process has it open.
    func inUse(_ live: HomePath) -> Finding? {
        for pair in pairs {
            if let user = pair.liveUser { return .inUse(pair, in: live, entry, isStored: false, user: user) }
        }
        return nil
    }

    /// The verdicts for the files of all databases, by their paths.
    fileprivate func databaseVerdicts(_ baseline: Baseline) -> [FilePath: Verdict] {
        var verdicts: [FilePath: Verdict] = [:]
        for (path, files) in Dictionary(grouping: pairs.filter { $0.database != nil }, by: { $0.database ?? $0.path }) {
            let decided = decideDatabase(
                files, at: path, baseline: baseline, target: { entry.target.below($0, isTree: isTree) },
                isAgentDirectory: entry.kind == .agentDirectory)
            for (file, verdict) in zip(files, decided) { verdicts[file.path] = verdict }
        }
        return verdicts
    }
}

extension ObservedPair {
    /// True if both sides are files with the same content.
    fileprivate var hasSameContent: Bool { liveContent != nil && liveContent?.digest == storedContent?.digest }
}

extension Finding {
    /// A file that a process has open, so that the entry it belongs to stays where it is.
    fileprivate static func inUse(
        _ pair: ObservedPair, in live: HomePath, _ entry: Entry, isStored: Bool, user: String
    ) -> Finding {
        let place = live.below(pair.path, isTree: pair.database.map { !$0.isEmpty } ?? true)
        let file = pair.database == nil ? "" : "belongs to a database and "
        let whole = pair.path.isEmpty ? "it" : live.inHome
        return Finding(
            .warning, at: place.inHome,
            isStored
                ? "differs from the database on the volume, which \(user) has open, so that \(whole) is not moved there now"
                : "\(file)is in use by \(user), so that \(whole) is not moved to the volume now",
            advice: "end that program and run cai links repair; a running guard tries again by itself")
    }
}

private func conflictFinding(
    _ pair: ObservedPair, _ verdict: Verdict, live: HomePath, isTree: Bool
) -> Finding? {
    let place = live.below(pair.path, isTree: isTree).inHome
    switch verdict {
    case .take, .same, .remove, .enter: return nil
    case .merge:
        return Finding(.note, at: place, "changed on both sides; the keys are merged, both versions are kept displaced")
    case .takeOver:
        // An empty file on the volume is a placeholder, which nobody wants back.
        if case .file(let facts) = pair.stored, facts.size == 0 { return nil }
        return Finding(.note, at: place, "differs from the volume's copy, which is kept displaced")
    case .keep:
        if case .file(let facts) = pair.live, facts.size == 0 { return nil }
        if pair.storedIsMounted {
            return Finding(
                .warning, at: place,
                "a file is mounted at its place on the volume, which stays; this one is kept displaced",
                advice: "start the container without that mount, if the other one is wanted")
        }
        if pair.live.word == pair.stored.word {
            return Finding(.note, at: place, "is older than the volume's copy; it is kept displaced")
        }
        return Finding(
            .warning, at: place,
            "is \(pair.live.word), but \(pair.stored.word) on the volume, which stays; this one is kept displaced")
    }
}
