/// The ways in which the directory of an agent gets onto the volume.
package enum AgentPlacement: String, Hashable, Sendable, Codable, CaseIterable {
    /// The directory in the home is a symlink to the one on the volume.
    case link
    /// The agent's own environment variable names the directory on the volume; the home has no link.
    case variable
    /// A container engine mounts something at the directory in the home.
    case mount
    /// Single links for the files of the manifests, as releases without agent directories have it.
    case files

    /// The words for a list.
    package static var words: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// The placements that settings ask for: one for all agents, and others for single ones.
package struct AgentPlacements: Hashable, Sendable {
    package let general: AgentPlacement
    package let single: [String: AgentPlacement]

    package init(general: AgentPlacement = .link, single: [String: AgentPlacement] = [:]) {
        self.general = general
        self.single = single
    }

    /// The placement of an agent's directories.
    package subscript(agent: String) -> AgentPlacement { single[agent] ?? general }
}

/// Reads the tables `[agents.NAME]` of the settings file.
enum AgentSettingsReader {
    /// The placements of single agents, and findings for what cannot be used: each costs that line alone.
    static func placements(in table: TOMLTable, file: String) -> (single: [String: AgentPlacement], findings: [Finding])
    {
        guard let member = table.member("agents") else { return ([:], []) }
        var single: [String: AgentPlacement] = [:]
        var findings: [Finding] = []
        func add(_ severity: Severity, _ position: SourcePosition, _ sentence: String, _ advice: String) {
            let place = SourceLocation(file: file, line: position.line, column: position.column).description
            findings.append(Finding(severity, at: place, sentence, advice: advice))
        }
        guard let agents = member.value.table else {
            add(.error, member.keyPosition, "agents must be a table", "write [agents.codex]")
            return ([:], findings)
        }
        for agent in agents.members {
            guard let keys = agent.value.table else {
                add(.error, agent.keyPosition, "agents.\(agent.key) must be a table", "write [agents.\(agent.key)]")
                continue
            }
            for key in keys.members {
                guard key.key == "placement" else {
                    add(.warning, key.keyPosition, "there is no setting of this name for an agent", "use placement")
                    continue
                }
                guard let placement = key.value.string.flatMap({ AgentPlacement(rawValue: $0) }) else {
                    add(
                        .error, key.value.position, "placement is not one of \(AgentPlacement.words)",
                        "correct it; until then the general placement holds")
                    continue
                }
                single[agent.key] = placement
            }
        }
        return (single, findings)
    }
}
