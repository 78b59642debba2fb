import CaiModel
import SystemPackage
import Testing

@Suite struct `Placing agent directories` {
    static let layout = Layout(home: "/home/agent", volume: "/mnt/agent-data")

    private func directory(_ path: String, variable: String? = "A_HOME") throws -> AgentDirectory {
        AgentDirectory(
            agent: "a", path: try HomePath(path), target: try VolumePath("a"), variable: variable, layer: .builtIn,
            location: SourceLocation(file: "m.toml", line: 1, column: 1))
    }

    static let places: [(environment: [String: String], path: String, place: String)] = [
        ([:], ".a", "home .a"),
        (["A_HOME": "/home/agent/other"], ".a", "home other"),
        (["A_HOME": "/home/agent/x/../y"], ".a", "home y"),
        (["A_HOME": "/mnt/agent-data/a"], ".a", "volume a"),
        (["A_HOME": "/opt/a"], ".a", "elsewhere /opt/a"),
        // A variable that is no absolute path counts as not set.
        (["A_HOME": "relative"], ".a", "home .a"),
        (["A_HOME": ""], ".a", "home .a"),
        (["XDG_CONFIG_HOME": "/home/agent/cfg"], ".config/a", "home cfg/a"),
        (["XDG_DATA_HOME": "/data"], ".local/share/a", "elsewhere /data/a"),
        (["XDG_STATE_HOME": "/mnt/agent-data/st"], ".local/state/a", "volume st/a"),
        (["XDG_CONFIG_HOME": "/cfg"], ".a", "home .a"),
        // The home and the volume themselves are no places for one agent.
        (["A_HOME": "/home/agent"], ".a", "elsewhere /home/agent"),
        (["A_HOME": "/mnt/agent-data"], ".a", "elsewhere /mnt/agent-data"),
    ]

    @Test(arguments: places)
    func `variables of the container move a directory`(environment: [String: String], path: String, place: String)
        throws
    {
        let location = try directory(path).location(environment: environment, layout: Self.layout).location
        let words =
            switch location {
            case .home(let path): "home \(path)"
            case .volume(let path): "volume \(path)"
            case .elsewhere(let path): "elsewhere \(path)"
            }
        #expect(words == place)
    }

    static let coverages: [(PlacedDirectory.Coverage, link: Bool, inner: Bool, optional: Bool)] = [
        (.linked, true, false, false), (.reached, false, false, false), (.fallback, false, true, true),
        (.files, false, true, false),
    ]

    @Test(arguments: coverages)
    func `links inside a directory depend on how it is reached`(
        coverage: PlacedDirectory.Coverage, link: Bool, inner: Bool, optional: Bool
    ) throws {
        let manifest = ManifestSet([
            ManifestFile(
                name: "m", layer: .user,
                bytes: Array(
                    """
                    [[agent_directories]]
                    agent='a'
                    path='.a'
                    target='a'
                    [[entries]]
                    source='.a/auth.json'
                    target='a/auth.json'
                    container_link='.a/auth.json'
                    flags='fs'
                    """.utf8))
        ]).manifest
        let declared = try #require(manifest.directories.first)
        let placed = PlacedDirectory(
            declared, placement: .link, location: .home(declared.path), coverage: coverage)
        let entries = manifest.entries(with: [placed])
        #expect(entries.contains { $0.kind == .agentDirectory && $0.link == declared.path } == link)
        let entry = try #require(entries.first { $0.kind == .entry })
        #expect(entry.hasLink == inner)
        #expect(entry.isCovered == !inner)
        #expect(entry.isOptional == optional)
        // An import finds its place in each case.
        #expect(entry.source?.relative == ".a/auth.json")
        #expect(entry.target.relative == "a/auth.json")
    }

    @Test func `only a placement by variable sets the variable, and not over one that the container has`() throws {
        let declared = try directory(".a")
        func assignment(_ placement: AgentPlacement, movedBy: String? = nil) -> String? {
            PlacedDirectory(
                declared, placement: placement, location: .home(declared.path), movedBy: movedBy, coverage: .reached
            ).assignment(Self.layout).map { "\($0.name)=\($0.value)" }
        }
        #expect(assignment(.variable) == "A_HOME=/mnt/agent-data/a")
        #expect(assignment(.variable, movedBy: "A_HOME") == nil)
        #expect(assignment(.mount) == nil)
    }

    @Test func `settings choose a placement for all agents and for single ones`() {
        let settings = Settings(
            file: (
                "agent.toml",
                Array("agent_placement = \"files\"\n[agents.codex]\nplacement = \"variable\"\n".utf8)
            ), environment: [:])
        #expect(settings.mistakes == [])
        #expect(settings.placements["codex"] == .variable)
        #expect(settings.placements["claude"] == .files)
    }

    @Test(arguments: [
        ("[agents.codex]\nplacement = \"x\"\n", "agent.toml:2:13"), ("[agents]\ncodex = 1\n", "agent.toml:2:1"),
        ("agent_placement = \"x\"\n", "agent.toml:1:1"),
    ])
    func `a placement that is none is an error with its place, and the default holds`(text: String, place: String) {
        let settings = Settings(file: ("agent.toml", Array(text.utf8)), environment: [:])
        #expect(settings.mistakes.map(\.place) == [place])
        #expect(settings.placements["codex"] == .link)
    }
}
