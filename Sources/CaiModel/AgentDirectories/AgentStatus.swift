/// The amount of one kind of content.
package struct ContentAmount: Hashable, Sendable, Encodable {
    package private(set) var files = 0
    package private(set) var bytes: Int64 = 0

    package init() {}

    /// Counts one file.
    package mutating func add(_ size: Int64) {
        files += 1
        bytes += size
    }

    private enum CodingKeys: String, CodingKey { case files, bytes = "size_bytes" }
}

/// The state of one agent directory, for `cai status` and `cai health`.
package struct AgentDirectoryStatus: Sendable {
    package let agent: String
    /// The place in which the agent looks for it, for people.
    package let place: String
    /// The directory that holds the state.
    package let target: String
    /// True if the state outlives the container.
    package let isKept: Bool
    /// How the agent reaches it, in words.
    package let reach: String
    /// True if anything is in it.
    package let hasContent: Bool
    /// A sentence about state that is not kept, or a peculiarity of the place.
    package let finding: Finding?
    /// Amounts by part; nil where they were not counted.
    package let amounts: [AgentPart: ContentAmount]?
    /// Entries in the home that would be lost with the container.
    package let lost: [String]

    package init(
        agent: String, place: String, target: String, isKept: Bool, reach: String, hasContent: Bool,
        finding: Finding?, amounts: [AgentPart: ContentAmount]? = nil, lost: [String] = []
    ) {
        self.agent = agent
        self.place = place
        self.target = target
        self.isKept = isKept
        self.reach = reach
        self.hasContent = hasContent
        self.finding = finding
        self.amounts = amounts
        self.lost = lost
    }
}

extension HealthCheck {
    /// The check of the agents' state: degraded if the state of one would be lost with the container, or if a setting of an
    /// agent does not go with linked directories. Nil for no agents.
    package init?(agents states: [AgentDirectoryStatus], hints: [Finding] = []) {
        guard !states.isEmpty else { return nil }
        func names(_ states: [AgentDirectoryStatus]) -> [String] {
            states.map(\.agent).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        let lost = states.filter { !$0.isKept }
        let used = names(states.filter { $0.isKept && $0.hasContent })
        let others = names(states).filter { !used.contains($0) && !names(lost).contains($0) }
        var parts: [String] = []
        if !used.isEmpty { parts.append("the state of \(used.joined(separator: ", ")) is kept") }
        if !others.isEmpty {
            parts.append(
                used.isEmpty
                    ? "the state of \(others.count) agents will be kept"
                    : "and that of \(others.count) more will be")
        }
        var sentence = parts.joined(separator: ", ")
        for state in lost {
            let reason = state.finding.map { " (\($0.sentence))" } ?? ""
            sentence += "\(sentence.isEmpty ? "" : "; ")\(state.agent): \(state.place) is not kept\(reason)"
        }
        for hint in hints { sentence += "; \(hint.place) \(hint.sentence)" }
        let advice = (lost.compactMap(\.finding) + hints).lazy.compactMap(\.advice).first
        let isFine = lost.isEmpty && hints.isEmpty
        self.init(
            .agents, isFine ? .ok : .degraded, sentence, advice: isFine ? nil : advice ?? "cai status shows details")
    }
}

/// The answer of `cai status`.
package struct AgentStatusReport: Sendable, Encodable {
    package static let schema = 1
    package let states: [AgentDirectoryStatus]
    /// Settings of agents that do not go with linked directories.
    package let hints: [Finding]

    package init(_ states: [AgentDirectoryStatus], hints: [Finding] = []) {
        self.states = states
        self.hints = hints
    }

    private enum Key: String, CodingKey { case schema, directories = "agent_directories", hints }
    private enum StateKey: String, CodingKey {
        case agent, path, target, kept, reach, amounts, finding, lost
    }
    private enum AmountKey: String, CodingKey { case state, cache, local }

    /// Writes the document.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(Self.schema, forKey: .schema)
        try object.encode(hints, forKey: .hints)
        var list = object.nestedUnkeyedContainer(forKey: .directories)
        for state in states {
            var item = list.nestedContainer(keyedBy: StateKey.self)
            try item.encode(state.agent, forKey: .agent)
            try item.encode(state.place, forKey: .path)
            try item.encode(state.target, forKey: .target)
            try item.encode(state.isKept, forKey: .kept)
            try item.encode(state.reach, forKey: .reach)
            try item.encodeIfPresent(state.finding, forKey: .finding)
            try item.encode(state.lost, forKey: .lost)
            var amounts = item.nestedContainer(keyedBy: AmountKey.self, forKey: .amounts)
            try amounts.encodeIfPresent(state.amounts?[.state], forKey: .state)
            try amounts.encodeIfPresent(state.amounts?[.cache], forKey: .cache)
            try amounts.encodeIfPresent(state.amounts?[.local], forKey: .local)
        }
    }

    /// The document, keys sorted.
    package func json() throws -> String { try sortedJSON(self) }

    /// A table with one row for each directory, then a line for each finding and for state that would be lost.
    package var text: String {
        let rows = states.map { state in
            [
                state.agent, state.place, state.isKept ? "kept" : "NOT KEPT", state.reach,
                words(state, .state), words(state, .cache), words(state, .local),
            ]
        }
        let table = columns([["AGENT", "DIRECTORY", "STATE IS", "REACHED BY", "STATE", "CACHE", "LOCAL"]] + rows)
        let findings = (states.compactMap(\.finding) + hints).map(\.told)
        let lost = states.flatMap { state in state.lost.map { "\($0) would be lost with the container" } }
        return table + (findings + lost).map { $0 + "\n" }.joined()
    }

    private func words(_ state: AgentDirectoryStatus, _ part: AgentPart) -> String {
        guard let amount = state.amounts?[part], amount.files > 0 else { return "-" }
        return "\(amount.files) \(amount.files == 1 ? "file" : "files"), \(sizeWords(amount.bytes))"
    }
}

/// A size in the largest unit of which there is at least one.
package func sizeWords(_ bytes: Int64) -> String {
    let units: [(name: String, size: Int64)] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)]
    guard let unit = units.first(where: { bytes >= $0.size }) else { return "\(bytes) B" }
    let tenths = bytes * 10 / unit.size
    return tenths >= 100 ? "\(tenths / 10) \(unit.name)" : "\(tenths / 10).\(tenths % 10) \(unit.name)"
}
