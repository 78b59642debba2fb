/// Decides the condition of an `includeIf` for the workspace of a container (git-config(1), "Conditional includes").
package struct GitCondition: Sendable {
    /// The git directories that stand for the workspace: where it is here, and where it is on the host.
    let gitDirectories: [String]
    /// What `~/` in a pattern stands for.
    let homes: [String]
    /// The branch that is checked out; nil where none is known.
    let branch: String?
    /// The URLs of the remotes.
    let remotes: [String]

    package init(gitDirectories: [String], homes: [String], branch: String?, remotes: [String]) {
        self.gitDirectories = gitDirectories
        self.homes = homes
        self.branch = branch
        self.remotes = remotes
    }

    /// Whether a condition holds. `directory` is that of the file it stands in, for patterns that begin with `./`. An
    /// unknown condition never holds.
    package func holds(_ condition: String, in directory: String) -> Bool {
        guard let colon = condition.firstIndex(of: ":") else { return false }
        let pattern = String(condition[condition.index(after: colon)...])
        switch condition[..<colon].lowercased() {
        case "gitdir": return matches(pattern, directory, ignoresCase: false)
        case "gitdir/i": return matches(pattern, directory, ignoresCase: true)
        case "onbranch":
            let whole = pattern.hasSuffix("/") ? pattern + "**" : pattern
            return branch.map { path($0, matches: whole) } ?? false
        case "hasconfig":
            guard let second = pattern.firstRange(of: ".url:"), pattern.lowercased().hasPrefix("remote.*") else {
                return false
            }
            return remotes.contains { path($0, matches: String(pattern[second.upperBound...])) }
        default: return false
        }
    }

    private func matches(_ pattern: String, _ directory: String, ignoresCase: Bool) -> Bool {
        let ended = pattern.hasSuffix("/") ? pattern + "**" : pattern
        var patterns: [String]
        if ended.hasPrefix("~/") {
            patterns = homes.map { $0 + "/" + ended.dropFirst(2) }
        } else if ended.hasPrefix("./") {
            patterns = [directory + "/" + ended.dropFirst(2)]
        } else if ended.hasPrefix("/") {
            patterns = [ended]
        } else {
            patterns = ["**/" + ended]
        }
        if ignoresCase { patterns = patterns.map { $0.lowercased() } }
        return gitDirectories.contains { candidate in
            let place = ignoresCase ? candidate.lowercased() : candidate
            return patterns.contains { path(place, matches: $0) }
        }
    }

    /// Matches names one by one; `**` stands for any number of them.
    private func path(_ path: String, matches pattern: String) -> Bool {
        let names = path.split(separator: "/").map { Array($0.utf8) }
        var taken: Set<Int> = [0]
        let parts = pattern.split(separator: "/")
        for (index, part) in parts.enumerated() {
            if taken.isEmpty { return false }
            if part == "**" {
                let least = taken.min() ?? 0
                taken = index == parts.count - 1 ? [names.count] : Set(least...names.count)
            } else {
                let glob = Glob(part)
                taken = Set(taken.filter { $0 < names.count && glob.matches(names[$0]) }.map { $0 + 1 })
            }
        }
        return taken.contains(names.count)
    }
}
