import CaiTestSupport
import SystemPackage
import Testing

/// Worlds whose agent directories are linked as a whole.
extension World {
    /// Runs `cai` with linked agent directories. Local parts lie below the root as well.
    func linked(
        _ arguments: String..., environment: [String: String] = [:], wrapper: [String] = []
    ) throws -> Finished {
        try cai(
            arguments, environment: Command.linkedAgents.merging(environment) { $1 }, wrapper: wrapper)
    }

    /// The status of one agent directory, by its place in the home.
    func agentState(_ place: String, environment: [String: String] = [:]) throws -> JSONValue {
        let status = try linked("status", "--json", environment: environment)
        return status.json["agent_directories"].array.first { $0["path"].text == place } ?? .null
    }

    /// A snapshot of home and volume after a boot.
    func settledSnapshot() throws -> [FilePath: Snapshot] {
        ["home": try Snapshot(of: home), "volume": try Snapshot(of: volume), "tmp": try Snapshot(of: path("/tmp"))]
    }
}

/// The home and the volume as a release with single links leaves them, with content.
let singleLinkTree: Item = [
    "/tmp": ([:] as Item).mode(0o777),
    "/home/agent": [
        ".claude": [
            "settings.json": .link("/mnt/agent-data/claude/settings.json"),
            ".credentials.json": .link("/mnt/agent-data/claude/credentials.json"),
            "CLAUDE.md": .link("/mnt/agent-data/claude/CLAUDE.md"),
            "skills": .link("/mnt/agent-data/claude/skills"),
            "projects": ["-w": ["one.jsonl": "{\"turn\":1}\n"]],
        ],
        ".claude.json": .link("/mnt/agent-data/claude/claude.json"),
        ".codex": [
            "auth.json": .link("/mnt/agent-data/codex/auth.json"),
            "config.toml": .link("/mnt/agent-data/codex/config.toml"),
        ],
    ],
    "/mnt/agent-data": [
        "claude": [
            "claude.json": Item.file("{\"user\":1}").mode(0o600), "credentials.json": Item.file("SECRET").mode(0o600),
            "settings.json": "{\"model\":\"m\"}", "CLAUDE.md": "", "skills": ["a": ["SKILL.md": "skill"]],
        ],
        "codex": ["auth.json": Item.file("{}\n").mode(0o600), "config.toml": "model = \"m\"\n"],
    ],
]
