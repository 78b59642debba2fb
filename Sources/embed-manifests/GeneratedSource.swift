import CaiModel
import SystemPackage

/// The Swift source that holds manifests: their texts, the values they are read into, and what these are combined into.
enum GeneratedSource {
    /// The source for these files; `CaiManifests` declares the functions that it calls.
    static func text(for files: [ManifestFile]) -> String {
        let contents = ManifestSet.ordered(files).map(ManifestReader.read)
        let set = ManifestSet(combining: contents)
        return """
            import CaiModel

            let builtInManifestTexts: [(name: String, bytes: [UInt8])] = \(list(files.map(text)))

            func builtInContents() -> [ManifestContents] {
                let result: [ManifestContents] = \(list(contents.map(text)))
                return result
            }

            func builtInSet() -> ManifestSet {
                let entries: [Entry] = \(list(set.manifest.entries.map(text)))
                let agents: [AgentDeclaration] = \(list(set.manifest.agents.map(text)))
                let directories: [AgentDirectory] = \(list(set.manifest.directories.map(text)))
                let findings: [Finding] = \(list(set.findings.map(text)))
                return ManifestSet(
                    manifest: Manifest(entries: entries, agents: agents, directories: directories), findings: findings)
            }

            """
    }

    private static func list(_ elements: [String]) -> String {
        "[\n" + elements.map { $0 + ",\n" }.joined() + "]"
    }

    private static func text(_ file: ManifestFile) -> String { "(\(literal(file.name)), \(file.bytes))" }

    private static func text(_ contents: ManifestContents) -> String {
        """
        manifest(
        \(literal(contents.file)),
        \(list(contents.entries.map(text))),
        \(list(contents.agents.map(text))),
        \(list(contents.directories.map(text))),
        \(list(contents.findings.map(text))))
        """
    }

    private static func text(_ entry: Entry) -> String {
        let kind = entry.kind == .containerSymlink ? ".containerSymlink" : ".entry"
        return call(
            "entry", kind, literal(entry.source.map(text)), literal(text(entry.target)),
            literal(entry.link.map(text)), "\(entry.flags.rawValue)", "\(entry.isDisabled)", text(entry.location))
    }

    private static func text(_ agent: AgentDeclaration) -> String {
        call(
            "agent", literal(agent.name), literal(agent.binary), "\(agent.defaultArguments)", "\(agent.aliases)",
            "\(agent.isOptional)", text(agent.location))
    }

    private static func text(_ directory: AgentDirectory) -> String {
        call(
            "directory", literal(directory.agent), literal(text(directory.path)), literal(text(directory.target)),
            literal(directory.variable), literal(directory.sessions?.rawValue), patterns(directory.secrets),
            patterns(directory.caches), patterns(directory.locals), patterns(directory.programs),
            parts(directory.renamed), parts(directory.aliases), text(directory.location))
    }

    private static func text(_ finding: Finding) -> String {
        call(
            "Finding", ".\(finding.severity)", "at: \(literal(finding.place))", literal(finding.sentence),
            "advice: \(literal(finding.advice))")
    }

    private static func text(_ location: SourceLocation) -> String {
        call("place", literal(location.file), "\(location.line)", "\(location.column)")
    }

    private static func text(_ path: some ConfinedPath) -> String { path.relative.string }

    private static func patterns(_ patterns: [PartPattern]) -> String { "\(patterns.map(\.text))" }

    private static func parts(_ parts: [RenamedPart]) -> String {
        "[" + parts.map { "(\(literal(text($0.from))), \(literal(text($0.to))))" }.joined(separator: ", ") + "]"
    }

    private static func call(_ function: String, _ arguments: String...) -> String {
        "\(function)(\(arguments.joined(separator: ", ")))"
    }

    private static func literal(_ text: String?) -> String { text.map { $0.debugDescription } ?? "nil" }
}
