import CaiModel
import Testing

@Suite struct `Launch wrappers` {
    @Test func `an agent gets a function that puts the default arguments first`() {
        let wrappers = LaunchWrappers([agent("claude", arguments: ["--dangerously-skip-permissions"])], file: .agents)
        #expect(
            wrappers.text == """
                # Launch wrappers for agents, written by cai from the manifests; changes here are lost.

                unalias claude 2>/dev/null || :
                claude() {
                    command claude '--dangerously-skip-permissions' "$@"
                }

                """)
        #expect(wrappers.findings.isEmpty)
    }

    @Test func `a file without agents is one line of comment`() {
        let text = "# Launch wrappers for agents, written by cai from the manifests; changes here are lost.\n"
        #expect(LaunchWrappers([agent("claude", arguments: [])], file: .agents).text == text)
        #expect(LaunchWrappers([agent("claude", arguments: ["-x"])], file: .userAgents).text == text)
        #expect(LaunchWrappers([agent("mine", arguments: ["-x"], layer: .user)], file: .agents).text == text)
    }

    @Test func `the files stand where the shells read them`() {
        #expect(LaunchWrappers.File.agents.path.description == ".bash_env.d/containai-agents.sh")
        #expect(LaunchWrappers.File.userAgents.path.description == ".bash_env.d/containai-user-agents.sh")
    }

    @Test(arguments: [
        "", "9a", "-a", "a b", "a;rm -rf ~", "a()", "a\nb", "$(x)", "a.b", "ä", "if", "function", "exec", "command",
        "cd",
    ])
    func `a name that is no function name is refused with a finding`(name: String) {
        let named = LaunchWrappers([agent(name, arguments: ["-x"])], file: .agents)
        #expect(named.findings.map(\.severity) == [.error])
        #expect(!named.text.contains("command"))
        let aliased = LaunchWrappers([agent("good", arguments: ["-x"], aliases: [name, "fine"])], file: .agents)
        #expect(aliased.findings.map(\.severity) == [.warning])
        #expect(aliased.findings.map(\.place) == ["10-a.toml:3:1"])
        #expect(aliased.text.contains("good() {") && aliased.text.contains("fine() {"))
        #expect(aliased.findings.allSatisfy { !$0.sentence.contains("\n") })
    }

    @Test(arguments: ["a\nb", "a\rb", "a\u{0}b"])
    func `an argument with a line break is refused without being shown`(argument: String) {
        let wrappers = LaunchWrappers([agent("a", arguments: [argument])], file: .agents)
        #expect(wrappers.findings.map(\.sentence) == ["agent \"a\": a default argument contains a line break or NUL"])
        #expect(!wrappers.text.contains("command"))
    }

    @Test func `of two agents with one name the later one has it`() {
        let first = agent("first", arguments: ["-1"], aliases: ["both"])
        let wrappers = LaunchWrappers([first, agent("second", arguments: ["-2"], aliases: ["both"])], file: .agents)
        #expect(wrappers.findings.map(\.severity) == [.note])
        #expect(wrappers.text.contains("both() {\n    command second '-2' \"$@\"\n}"))
        #expect(wrappers.text.split(separator: "\n").filter { $0 == "both() {" }.count == 1)
    }
}

@Suite struct `Launch wrappers in real shells` {
    static let shells = [["/bin/bash"], ["/bin/bash", "--posix"], ["/bin/dash"]].filter { isExecutable($0[0]) }
    static let arguments = ["it's", "a,b", "two words", "$HOME `x` \\", "\"", "*", "-n", ""]

    @Test(arguments: shells)
    func `functions of name, binary and aliases call the binary with every argument as declared`(shell: [String]) throws
    {
        let folder = try FakeBinaries(["real", "kimi", "cl"])
        let agents = [
            agent("renamed", binary: "real", arguments: Self.arguments, aliases: ["real-cli"]),
            agent("kimi", arguments: ["--yolo"], aliases: ["kimi-cli"], isOptional: true),
            agent("cl", arguments: ["-d"]), agent("missing", arguments: ["-x"], isOptional: true),
        ]
        let expected = "real" + (Self.arguments + ["last one"]).map { "<\($0)>" }.joined() + "\n"
        // A newline before each call: a shell reads a line whole before an alias on it exists.
        let calls = ["renamed", "real", "real-cli", "kimi", "kimi-cli", "cl"].map { "\($0) 'last one'\n" }.joined()
        let script = "set -eu\nalias cl='cl --of-the-user'\n" + LaunchWrappers(agents, file: .agents).text + calls
        let output = try folder.run(shell, script)
        #expect(
            output == String(repeating: expected, count: 3) + String(repeating: "kimi<--yolo><last one>\n", count: 2)
                + "cl<-d><last one>\n")
        #expect(try folder.run(shell, script + "command -v missing || echo none\n").hasSuffix("none\n"))
    }

    @Test(arguments: shells)
    func `agents of users need no arguments and are guarded by their binary`(shell: [String]) throws {
        let folder = try FakeBinaries(["mine"])
        let agents = [
            agent("mine", arguments: [], layer: .user),
            agent("gone", arguments: [], aliases: ["gone-too"], layer: .user),
        ]
        let text = LaunchWrappers(agents, file: .userAgents).text
        #expect(try folder.run(shell, text + "mine x\ncommand -v gone gone-too || echo none\n") == "mine<x>\nnone\n")
    }
}

private func agent(
    _ name: String, binary: String? = nil, arguments: [String], aliases: [String] = [], isOptional: Bool = false,
    layer: ManifestLayer = .builtIn
) -> AgentDeclaration {
    AgentDeclaration(
        name: name, binary: binary ?? name, defaultArguments: arguments, aliases: aliases, isOptional: isOptional,
        layer: layer, location: SourceLocation(file: "10-a.toml", line: 3, column: 1))
}
