import SystemPackage

/// All manifests of a machine combined into one `Manifest`.
///
/// Layers follow each other built-in, image, user; inside a layer files follow the byte order of their names. A later
/// declaration replaces an earlier one that claims the same thing; two that claim it in one layer are a mistake, and
/// the first holds. `disabled` only keeps an entry from being imported: its link and placeholder stay.
package struct ManifestSet: Sendable {
    package let manifest: Manifest
    /// Every finding of every file, in the order of the files, then what the combination found.
    package let findings: [Finding]

    /// Reads and combines files, given in any order.
    package init(_ files: [ManifestFile]) { self.init(combining: Self.ordered(files).map(ManifestReader.read)) }

    /// Files in the order in which they are combined.
    package static func ordered(_ files: [ManifestFile]) -> [ManifestFile] {
        files.sorted {
            $0.layer != $1.layer ? $0.layer < $1.layer : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    /// Combines what was read, in the order given.
    package init(combining contents: [ManifestContents]) {
        var entries = EntryCombination()
        var agents = AgentCombination()
        var directories = DirectoryCombination()
        for file in contents {
            file.entries.forEach { entries.add($0) }
            file.agents.forEach { agents.add($0) }
            file.directories.forEach { directories.add($0) }
        }
        entries.move(into: directories.all)
        entries.removeNestedLinks()
        entries.noteNestedTargets()
        manifest = Manifest(entries: entries.all, agents: agents.all, directories: directories.all)
        findings = contents.flatMap(\.findings) + entries.findings + agents.findings + directories.findings
    }
}

extension Entry {
    /// The link that exists in the home directory; glob entries declare one that is never made.
    fileprivate var madeLink: HomePath? { hasLink ? link : nil }

    /// How sentences name the entry.
    fileprivate var claim: String { madeLink.map { "link ~/\($0)" } ?? "target \(target)" }
}

extension Finding {
    fileprivate static func about(
        _ entry: Entry, _ severity: Severity, _ sentence: String, advice: String? = nil
    ) -> Finding {
        Finding(severity, at: entry.location.description, sentence, advice: advice)
    }
}

/// Entries in the order of their declaration, with those that were replaced or dropped taken out.
private struct EntryCombination {
    private var slots: [Entry?] = []
    private var byLink: [HomePath: Int] = [:]
    private var byTarget: [VolumePath: [Int]] = [:]
    /// The one entry of a target that has no link.
    private var unlinked: [VolumePath: Int] = [:]
    private(set) var findings: [Finding] = []

    var all: [Entry] { slots.compactMap(\.self) }

    /// Two entries claim the same thing when their links are equal, or when their targets are and one has no link.
    mutating func add(_ entry: Entry) {
        let claimants = claimants(of: entry)
        if let same = claimants.compactMap({ slots[$0] }).first(where: { $0.layer == entry.layer }) {
            findings.append(
                .about(
                    entry, .error, "\(entry.claim) is already declared at \(same.location), so this entry is dropped",
                    advice: "remove one of the two"))
            return
        }
        for index in claimants {
            guard let replaced = slots[index] else { continue }
            remove(index)
            noteReplacement(of: replaced, by: entry)
        }
        insert(entry)
    }

    private func claimants(of entry: Entry) -> [Int] {
        guard let link = entry.madeLink else { return byTarget[entry.target] ?? [] }
        return [byLink[link], unlinked[entry.target]].compactMap(\.self).sorted()
    }

    private mutating func noteReplacement(of replaced: Entry, by entry: Entry) {
        let losesSecrecy = replaced.isSecret && !entry.isSecret
        findings.append(
            .about(
                entry, losesSecrecy ? .warning : .note,
                "replaces the entry for \(replaced.claim) declared at \(replaced.location)"
                    + (losesSecrecy ? ", which is secret" : ""),
                advice: losesSecrecy ? "add the flag s" : nil))
    }

    private mutating func insert(_ entry: Entry) {
        let index = slots.count
        slots.append(entry)
        byTarget[entry.target, default: []].append(index)
        if let link = entry.madeLink { byLink[link] = index } else { unlinked[entry.target] = index }
    }

    private mutating func remove(_ index: Int) {
        guard let entry = slots[index] else { return }
        slots[index] = nil
        byTarget[entry.target]?.removeAll { $0 == index }
        if let link = entry.madeLink { byLink[link] = nil } else { unlinked[entry.target] = nil }
    }

    /// A link below another link would be made inside the volume, so the outer one holds. An outer link of a later
    /// layer replaces the inner one like any other later declaration.
    mutating func removeNestedLinks() {
        var known: [HomePath: Int?] = [:]
        for index in slots.indices {
            guard let inner = slots[index], let link = inner.madeLink else { continue }
            guard let directory = link.parent else { continue }
            let around = known[directory] ?? outermost(of: directory)
            known[directory] = .some(around)
            guard let outer = around.flatMap({ slots[$0] }) else { continue }
            if outer.layer > inner.layer {
                noteReplacement(of: inner, by: outer)
            } else {
                findings.append(
                    .about(
                        inner, .error,
                        "\(inner.claim) lies inside \(outer.claim) declared at \(outer.location), so this entry is dropped",
                        advice: "remove one of the two"))
            }
            slots[index] = nil
        }
    }

    /// The outermost link among a directory and those around it.
    private func outermost(of directory: HomePath) -> Int? {
        var found: Int?
        var path: HomePath? = directory
        while let current = path {
            if let index = byLink[current] { found = index }
            path = current.parent
        }
        return found
    }

    /// Gives each entry with a link inside an agent directory the place on the volume at which the agent finds it: the
    /// directory is on the volume as a whole, so that a link to another place would be lost in it.
    mutating func move(into directories: [AgentDirectory]) {
        let paths = PathsAround(directories.map(\.path))
        for index in slots.indices {
            guard let entry = slots[index], let link = entry.madeLink, let around = paths.firstIndex(around: link)
            else { continue }
            let directory = directories[around]
            if link == directory.path {
                slots[index] = nil
                findings.append(
                    .about(
                        entry, .note, "is served by the agent directory declared at \(directory.location)",
                        advice: "remove the entry"))
                continue
            }
            var below = link.relative
            _ = below.removePrefix(directory.path.relative)
            let target = directory.target(of: below)
            guard target != entry.target else { continue }
            let moved = Entry(
                kind: entry.kind, source: entry.source, target: target, link: link, flags: entry.flags,
                isDisabled: entry.isDisabled, layer: entry.layer, location: entry.location)
            byTarget[entry.target]?.removeAll { $0 == index }
            slots[index] = moved
            byTarget[target, default: []].append(index)
            findings.append(
                .about(
                    entry, .note,
                    "target \(entry.target) is not below the agent directory \(directory.target); \(target) is used",
                    advice: "write target = \"\(target)\""))
        }
    }

    /// Content that belongs to two entries is legitimate when one of them has no link of its own, as in the built-in
    /// manifests, which say nothing about themselves here. One finding per entry is enough.
    mutating func noteNestedTargets() {
        var unowned: Set<VolumePath> = []
        for index in slots.indices {
            guard let inner = slots[index], !inner.flags.contains(.glob) else { continue }
            guard let outer = owner(of: inner, at: index, &unowned) else { continue }
            if inner.layer == .builtIn, outer.layer == .builtIn { continue }
            let bothLinked = inner.hasLink && outer.hasLink
            let relation = inner.target == outer.target ? "is also" : "lies inside \(outer.target),"
            findings.append(
                .about(
                    inner, bothLinked ? .warning : .note,
                    "target \(inner.target) \(relation) the target of the entry declared at \(outer.location)",
                    advice: bothLinked ? "give each link a target of its own" : nil))
        }
    }

    /// The nearest entry whose target holds this entry's target, one with a link before one without; of two with an
    /// equal target only the earlier. `unowned` remembers directories that no target is or holds.
    private func owner(of entry: Entry, at index: Int, _ unowned: inout Set<VolumePath>) -> Entry? {
        var found = (byTarget[entry.target]?.first { $0 < index && slots[$0]?.flags.contains(.glob) == false }).flatMap
        { slots[$0] }
        let directory = entry.target.parent
        if let directory, unowned.contains(directory) { return found }
        var path = directory
        while let current = path, found.map({ !$0.hasLink && entry.hasLink }) ?? true {
            let owners = (byTarget[current] ?? []).lazy.compactMap { slots[$0] }.filter { !$0.flags.contains(.glob) }
            if let linked = owners.first(where: \.hasLink) { return linked }
            found = found ?? owners.first
            path = current.parent
        }
        if found == nil, let directory { unowned.insert(directory) }
        return found
    }
}

/// Agent directories by their place in the home; a later layer replaces an earlier one.
private struct DirectoryCombination {
    private(set) var all: [AgentDirectory] = []
    private(set) var findings: [Finding] = []

    mutating func add(_ directory: AgentDirectory) {
        let place = directory.location.description
        if let index = all.firstIndex(where: { $0.path == directory.path }) {
            let known = all[index]
            guard known.layer != directory.layer else {
                findings.append(
                    Finding(
                        .error, at: place,
                        "~/\(directory.path) is already declared at \(known.location), so this directory is dropped",
                        advice: "remove one of the two"))
                return
            }
            findings.append(Finding(.note, at: place, "replaces the directory declared at \(known.location)"))
            all[index] = directory
            return
        }
        if let other = all.first(where: { overlaps($0, directory) }) {
            findings.append(
                Finding(
                    .error, at: place,
                    "~/\(directory.path) overlaps ~/\(other.path) declared at \(other.location), so this directory is dropped",
                    advice: "declare the outer directory alone"))
            return
        }
        all.append(directory)
    }

    private func overlaps(_ first: AgentDirectory, _ second: AgentDirectory) -> Bool {
        first.path.isInside(second.path) || second.path.isInside(first.path)
            || first.target.isInside(second.target) || second.target.isInside(first.target)
    }
}

/// Agents by name; the last declaration of a name holds.
private struct AgentCombination {
    private(set) var all: [AgentDeclaration] = []
    private(set) var findings: [Finding] = []

    mutating func add(_ agent: AgentDeclaration) {
        let place = agent.location.description
        if let index = all.firstIndex(where: { $0.name == agent.name }) {
            let replaced = all.remove(at: index)
            findings.append(
                Finding(
                    replaced.layer == agent.layer ? .warning : .note, at: place,
                    "replaces the agent \(quoted(agent.name)) declared at \(replaced.location)"))
        }
        for other in all {
            for word in agent.words where other.words.contains(word) {
                findings.append(
                    Finding(
                        .warning, at: place,
                        "\(quoted(word)) already starts the agent \(quoted(other.name)) declared at \(other.location)",
                        advice: "the later declaration holds"))
            }
        }
        all.append(agent)
    }
}

extension AgentDeclaration {
    /// Every word that starts this agent: its name, its binary and its aliases, each once.
    package var words: [String] {
        ([name, binary] + aliases).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension ManifestSet {
    /// The same manifests with findings of whoever read the files, first.
    package func adding(_ earlier: [Finding]) -> ManifestSet {
        ManifestSet(manifest: manifest, findings: earlier + findings)
    }

    /// A set that was combined before.
    package init(manifest: Manifest, findings: [Finding]) {
        self.manifest = manifest
        self.findings = findings
    }
}
