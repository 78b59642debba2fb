import CaiModel
import CaiPlatform
import SystemPackage

/// Conversations and the rest of the state of agents, which an import with `--sessions` brings too.
extension ImportObserver {
    /// The agent directories whose state is imported as a whole; none without `--sessions`.
    var sessionDirectories: [AgentDirectory] {
        guard request.withSessions else { return [] }
        return directories.map(\.declaration).filter { $0.sessions != nil }
    }

    /// Maps the directories, so that links to what is in them stay links.
    func addSessionsToMap() {
        for directory in sessionDirectories {
            guard case .found(let real, .directory) = place(of: directory.path.relative) else { continue }
            map.add(real, directory.target, isImported: true)
            for path in (directory.caches + directory.locals).compactMap(\.path) {
                map.add(real.appending(path.components), directory.target(of: path), isImported: false)
            }
        }
    }

    /// Adds the state of the directories, except what `imported` and other entries name: that follows their own rules.
    func addSessions(besides imported: [Entry]) {
        let declared = entries.filter {
            $0.kind == .entry && $0.source != nil && !$0.flags.contains(.glob) && !$0.isAdditional
        }
        let targets = Set((declared + imported).map(\.target))
        for directory in sessionDirectories { addSessions(directory, besides: targets) }
    }

    private func addSessions(_ directory: AgentDirectory, besides targets: Set<VolumePath>) {
        let source = directory.path.relative
        if let (pattern, _) = excludes.excludingAnyAncestor(of: directory.target) {
            return seen.events.append(.excluded(source, directory.target, pattern: pattern))
        }
        switch place(of: source) {
        case .found(let real, .directory):
            var walk = makeWalk()
            walk.leavesOut = leavesOut(directory, targets)
            walk.isAgentState = true
            walk.addDirectory(real, shown: source, to: directory.target)
            take(walk)
            // The directory itself belongs to the volume, with its mode.
            wanted[directory.target] = nil
            hideSecrets(directory)
            seen.sessions.append(
                ImportedSessions(
                    agent: directory.agent, source: source, target: directory.target, others: targets))
        case .found(_, let node):
            if node.isFile { seen.events.append(.wrongType(source, expectsDirectory: true)) }
        case .volume: return
        case .missing: seen.events.append(.absent(source, isOptional: true))
        case .broken(let text): seen.events.append(.symlink(source, text: text, .broken))
        case .loop(let text): seen.events.append(.symlink(source, text: text, .loop))
        case .outside(let text): seen.events.append(.symlink(source, text: text, .outside))
        case .unreachable(let obstacle):
            seen.findings.append(Finding(.error, at: source.printable, obstacle.sentence, advice: obstacle.advice))
        }
    }

    /// Counts the files that are wanted of the directories, when all of them are known.
    func countSessions() {
        for index in seen.sessions.indices {
            wanted.forEach(in: seen.sessions[index].target) { target, path in
                seen.sessions[index].count(wanted: target, path.content)
            }
        }
    }

    /// Returns the condition for paths of the volume to stay out: caches, local parts, second names, the targets of entries, and
    /// without secrets those that are declared.
    private func leavesOut(_ directory: AgentDirectory, _ targets: Set<VolumePath>) -> (VolumePath) -> Bool {
        let depth = directory.target.relative.components.count
        let aliases = Set(directory.aliases.map(\.from.relative))
        let secrets = request.withoutSecrets ? SecretPlaces(entries, directories: directories) : nil
        return { path in
            if targets.contains(path) { return true }
            let below = FilePath(root: nil, path.relative.components.dropFirst(depth))
            return directory.part(of: below) != .state || aliases.contains(below)
                || secrets?.isDeclared(path) ?? false
        }
    }

    /// Gives the modes of secrets to what a secret pattern of the directory matches.
    private func hideSecrets(_ directory: AgentDirectory) {
        let depth = directory.target.relative.components.count
        var secrets: [VolumePath] = []
        wanted.forEach(in: directory.target) { path, _ in
            let below = FilePath(root: nil, path.relative.components.dropFirst(depth))
            if directory.isSecret(below) { secrets.append(path) }
        }
        for path in secrets { wanted.makeSecret(path) }
    }
}
