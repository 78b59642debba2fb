import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Excludes of the configuration` {
    /// The names in an archive of the volume, exported with a configuration.
    private func exported(_ excludes: String, _ arguments: String...) throws -> [String] {
        let world = try World()
        try world.put("/home/agent/.config/containai/config.toml", .file("[export]\nexcludes = [\(excludes)]\n"))
        try world.add(
            below: "/mnt/agent-data",
            ["claude": ["skills": ["a.md": "a", "b.log": "b"], "agents": ["x": "x"]], "deep": ["claude": ["y": "y"]]])
        let archive = world.path("/out.tgz").string
        let run = try world.cai(["export", "-o", archive] + arguments)
        try #require(run.code == 0, "\(run)")
        return try Command.run(["tar", "-tzf", archive]).output.split(separator: "\n").map(String.init)
    }

    @Test(.needs("tar")) func `a pattern under [export] has the meaning of one for imports (1.18 #29)`() throws {
        let names = try exported(#""claude/sk*", "agents""#)
        #expect(
            !names.contains { $0.hasSuffix("a.md") } && names.contains { $0.hasSuffix("claude/agents/x") }, "\(names)")
        let plain = try exported(#""claude""#)
        #expect(
            !plain.contains { $0.hasSuffix("claude/agents/x") } && plain.contains { $0.hasSuffix("deep/claude/y") },
            "\(plain)")
        #expect(try exported(#""claude""#, "--no-excludes").contains { $0.hasSuffix("claude/agents/x") })
    }
}
