import CaiModel
import SystemPackage

// The functions that the generated source calls: one line for each declaration of a manifest.

func manifest(
    _ file: String, _ entries: [Entry], _ agents: [AgentDeclaration], _ directories: [AgentDirectory],
    _ findings: [Finding]
) -> ManifestContents {
    ManifestContents(
        file: file, layer: .builtIn, entries: entries, agents: agents, directories: directories, findings: findings)
}

func entry(
    _ kind: Entry.Kind, _ source: String?, _ target: String, _ link: String?, _ flags: UInt16, _ isDisabled: Bool,
    _ location: SourceLocation
) -> Entry {
    Entry(
        kind: kind, source: source.map(home), target: volume(target), link: link.map(home),
        flags: EntryFlags(rawValue: flags), isDisabled: isDisabled, layer: .builtIn, location: location)
}

func agent(
    _ name: String, _ binary: String, _ arguments: [String], _ aliases: [String], _ isOptional: Bool,
    _ location: SourceLocation
) -> AgentDeclaration {
    AgentDeclaration(
        name: name, binary: binary, defaultArguments: arguments, aliases: aliases, isOptional: isOptional,
        layer: .builtIn, location: location)
}

func directory(
    _ agent: String, _ path: String, _ target: String, _ variable: String?, _ sessions: String?, _ secrets: [String],
    _ caches: [String], _ locals: [String], _ programs: [String], _ renamed: [(String, String)],
    _ aliases: [(String, String)], _ location: SourceLocation
) -> AgentDirectory {
    AgentDirectory(
        agent: agent, path: home(path), target: volume(target), variable: variable,
        sessions: sessions.flatMap(SessionFormat.init), secrets: secrets.compactMap(PartPattern.init),
        caches: caches.compactMap(PartPattern.init), locals: locals.compactMap(PartPattern.init),
        programs: programs.compactMap(PartPattern.init), renamed: renamed.map(part), aliases: aliases.map(part),
        layer: .builtIn, location: location)
}

func place(_ file: String, _ line: Int, _ column: Int) -> SourceLocation {
    SourceLocation(file: file, line: line, column: column)
}

private func home(_ path: String) -> HomePath { HomePath(unchecked: FilePath(path)) }
private func volume(_ path: String) -> VolumePath { VolumePath(unchecked: FilePath(path)) }
private func part(_ names: (String, String)) -> RenamedPart {
    RenamedPart(from: volume(names.0), to: volume(names.1))
}
