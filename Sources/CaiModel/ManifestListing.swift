import SystemPackage

/// The answer of `cai manifest list`: what holds after all layers are combined, as a table or as JSON.
package struct ManifestListing: Sendable, Encodable {
    package let manifest: Manifest

    package init(_ manifest: Manifest) { self.manifest = manifest }

    /// Tables of entries, of agents, and of agent directories, with an empty line between them.
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
        let directories = manifest.directories.map { directory in
            [
                directory.agent, "~/\(directory.path)", directory.target.description, directory.variable ?? "-",
                directory.caches.words, directory.locals.words, directory.location.description,
            ]
        }
        let tables = [
            columns([["LINK", "TARGET", "SOURCE", "FLAGS", "IMPORT", "DECLARED AT"]] + entries),
            columns([["AGENT", "BINARY", "ALIASES", "PRESENCE", "DECLARED AT"]] + agents),
            columns(
                [["AGENT", "DIRECTORY", "TARGET", "VARIABLE", "CACHE", "LOCAL", "DECLARED AT"]] + directories),
        ]
        return tables.joined(separator: "\n")
    }

    private enum Key: String, CodingKey { case entries, agents, directories = "agent_directories" }
    private enum EntryKey: String, CodingKey {
        case kind, source, target, link = "container_link", flags, disabled, layer, declaredAt = "declared_at"
    }
    private enum AgentKey: String, CodingKey {
        case name, binary, arguments = "default_args", aliases, optional, layer, declaredAt = "declared_at"
    }

    private enum DirectoryKey: String, CodingKey {
        case agent, path, target, variable, sessions, secret, cache, local, layer, declaredAt = "declared_at"
    }

    /// Encodes entries, agents and agent directories in their order.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        var entries = object.nestedUnkeyedContainer(forKey: .entries)
        for entry in manifest.entries {
            var item = entries.nestedContainer(keyedBy: EntryKey.self)
            try item.encode(entry.kind.word, forKey: .kind)
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
        var directories = object.nestedUnkeyedContainer(forKey: .directories)
        for directory in manifest.directories {
            var item = directories.nestedContainer(keyedBy: DirectoryKey.self)
            try item.encode(directory.agent, forKey: .agent)
            try item.encode(directory.path.relative.string, forKey: .path)
            try item.encode(directory.target.relative.string, forKey: .target)
            try item.encode(directory.variable, forKey: .variable)
            try item.encode(directory.sessions?.rawValue, forKey: .sessions)
            try item.encode(directory.secrets.map(\.text), forKey: .secret)
            try item.encode(directory.caches.map(\.text), forKey: .cache)
            try item.encode(directory.locals.map(\.text), forKey: .local)
            try item.encode(directory.layer.name, forKey: .layer)
            try item.encode(directory.location.description, forKey: .declaredAt)
        }
    }

    /// The listing as JSON with sorted keys; a source or link that does not exist is null.
    package func json() throws -> String { try sortedJSON(self) }
}

extension [PartPattern] {
    /// The patterns for a cell of a table.
    fileprivate var words: String { isEmpty ? "-" : map(\.text).joined(separator: " ") }
}

extension Entry.Kind {
    /// The word for this kind in answers.
    fileprivate var word: String {
        switch self {
        case .entry: "entry"
        case .containerSymlink: "container_symlink"
        case .agentDirectory: "agent_directory"
        }
    }
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
