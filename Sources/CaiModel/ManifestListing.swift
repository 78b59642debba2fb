import SystemPackage

/// The answer of `cai manifest list`: what holds after all layers are combined, as a table or as JSON.
package struct ManifestListing: Sendable, Encodable {
    package let manifest: Manifest

    package init(_ manifest: Manifest) { self.manifest = manifest }

    /// A table of entries and, below an empty line, a table of agents.
    package var text: String {
        let entries = manifest.entries.map { entry in
            [
                entry.link.map { "~/\($0)" } ?? "-", entry.target.description,
                entry.source.map { "~/\($0)" } ?? "-", entry.flags.text, entry.isDisabled ? "disabled" : "-",
                entry.location.description,
            ]
        }
        let agents = manifest.agents.map { agent in
            [
                agent.name, agent.binary, agent.aliases.isEmpty ? "-" : agent.aliases.joined(separator: " "),
                agent.isOptional ? "optional" : "-", agent.location.description,
            ]
        }
        let tables = [
            columns([["LINK", "TARGET", "SOURCE", "FLAGS", "IMPORT", "DECLARED AT"]] + entries),
            columns([["AGENT", "BINARY", "ALIASES", "PRESENCE", "DECLARED AT"]] + agents),
        ]
        return tables.joined(separator: "\n")
    }

    private func columns(_ rows: [[String]]) -> String {
        let widths = rows.reduce(into: [Int](repeating: 0, count: rows.first?.count ?? 0)) { widths, row in
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    private enum Key: String, CodingKey { case entries, agents }
    private enum EntryKey: String, CodingKey {
        case kind, source, target, link = "container_link", flags, disabled, layer, declaredAt = "declared_at"
    }
    private enum AgentKey: String, CodingKey {
        case name, binary, arguments = "default_args", aliases, optional, layer, declaredAt = "declared_at"
    }

    /// Encodes entries and agents in their order.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        var entries = object.nestedUnkeyedContainer(forKey: .entries)
        for entry in manifest.entries {
            var item = entries.nestedContainer(keyedBy: EntryKey.self)
            try item.encode(entry.kind == .entry ? "entry" : "container_symlink", forKey: .kind)
            try item.encode(entry.source?.relative.string, forKey: .source)
            try item.encode(entry.target.relative.string, forKey: .target)
            try item.encode(entry.link?.relative.string, forKey: .link)
            try item.encode(entry.flags.text, forKey: .flags)
            try item.encode(entry.isDisabled, forKey: .disabled)
            try item.encode(entry.layer.name, forKey: .layer)
            try item.encode(entry.location.description, forKey: .declaredAt)
        }
        var agents = object.nestedUnkeyedContainer(forKey: .agents)
        for agent in manifest.agents {
            var item = agents.nestedContainer(keyedBy: AgentKey.self)
            try item.encode(agent.name, forKey: .name)
            try item.encode(agent.binary, forKey: .binary)
            try item.encode(agent.defaultArguments, forKey: .arguments)
            try item.encode(agent.aliases, forKey: .aliases)
            try item.encode(agent.isOptional, forKey: .optional)
            try item.encode(agent.layer.name, forKey: .layer)
            try item.encode(agent.location.description, forKey: .declaredAt)
        }
    }

    /// The listing as JSON with sorted keys; a source or link that does not exist is null.
    package func json() throws -> String { try sortedJSON(self) }
}

extension ManifestLayer {
    /// The word for this layer in answers: `built-in`, `image` or `user`.
    package var name: String {
        switch self {
        case .builtIn: "built-in"
        case .image: "image"
        case .user: "user"
        }
    }
}
