import SystemPackage

/// The shell functions that start the agents with their default arguments, as the text of a file for `~/.bash_env.d`.
///
/// Each agent gets a function of its name, one of its binary where that differs, and one per alias; each calls the binary
/// through the `command` builtin, the default arguments first. Optional agents, and all of user manifests, get them only
/// where the binary is found when the file is read. The text works in bash and in POSIX shells: where a shell cannot define
/// a function with a hyphen in its name, the name becomes an alias. An alias that the user gave one of the names before is
/// taken away, because shells expand it inside of the definition. Nothing declared can become anything but a name or one
/// word; what cannot is refused with a finding, and the rest is written.
package struct LaunchWrappers: Sendable {
    /// The two files; the second is read after the first and wins.
    package enum File: Sendable {
        /// Agents of built-in and image manifests that have default arguments.
        case agents
        /// Agents of user manifests.
        case userAgents

        /// Where the file stands.
        package var path: HomePath {
            let name: FilePath.Component = self == .agents ? "containai-agents.sh" : "containai-user-agents.sh"
            return HomePath(unchecked: FilePath(root: nil, [".bash_env.d", name]))
        }

        /// Whether an agent gets functions in this file.
        func holds(_ agent: AgentDeclaration) -> Bool {
            switch self {
            case .agents: agent.layer != .user && !agent.defaultArguments.isEmpty
            case .userAgents: agent.layer == .user
            }
        }
    }

    /// The text of the file; one line of comment when there are no agents for it.
    package let text: String
    /// What was refused, and which name was declared twice.
    package let findings: [Finding]

    /// Writes the functions of those agents that belong into the file; of two that declare a name the later one has it.
    /// `variables` are set for new shells unless they have a value: they name directories of agents on the volume.
    package init(_ agents: [AgentDeclaration], variables: [(name: String, value: String)] = [], file: File) {
        var findings: [Finding] = []
        let wrappers = agents.filter(file.holds).compactMap { Wrapper($0, &findings) }
        var owners: [ShellName: Int] = [:]
        for (index, wrapper) in wrappers.enumerated() {
            for name in wrapper.names {
                guard let earlier = owners.updateValue(index, forKey: name) else { continue }
                let sentence =
                    "\"\(name.text)\" is also a name of agent \"\(wrappers[earlier].agent.name)\"; this one has it"
                findings.append(Finding(.note, at: wrapper.agent.location.description, sentence))
            }
        }
        let parts = wrappers.enumerated().map { index, wrapper in wrapper.text { owners[$0] == index } }
        let settings = variables.map { name, value in
            "[ -n \"${\(name)-}\" ] || export \(name)=\(singleQuoted(value))\n"
        }
        let assignments = settings.isEmpty ? [] : [settings.joined()]
        self.text =
            (["# Launch wrappers for agents, written by cai from the manifests; changes here are lost.\n"] + assignments
            + parts)
            .joined(separator: "\n")
        self.findings = findings
    }
}

/// The functions of one agent.
private struct Wrapper {
    let agent: AgentDeclaration
    /// The names that get a function, each once.
    let names: [ShellName]

    /// Checks what is declared; nil when name, binary or arguments cannot be used, while a bad alias is only left out.
    init?(_ agent: AgentDeclaration, _ findings: inout [Finding]) {
        self.agent = agent
        guard agent.defaultArguments.allSatisfy({ $0.utf8.allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D } }) else {
            let sentence = "agent \(quoted(agent.name)): a default argument contains a line break or NUL"
            findings.append(Finding(.error, at: agent.location.description, sentence))
            return nil
        }
        var names: [ShellName] = []
        for (position, text) in ([agent.name, agent.binary] + agent.aliases).enumerated() {
            do throws(ShellName.Problem) {
                let name = try ShellName(text)
                if !names.contains(name) { names.append(name) }
            } catch {
                let what = position == 0 ? "name" : position == 1 ? "binary" : "alias"
                let sentence = "the \(what) \(quoted(text)) of an agent \(error.sentence)"
                findings.append(Finding(position < 2 ? .error : .warning, at: agent.location.description, sentence))
                if position < 2 { return nil }
            }
        }
        self.names = names
    }

    /// The definitions of those names that are this agent's.
    func text(where isOwn: (ShellName) -> Bool) -> String {
        let own = names.filter(isOwn)
        if own.isEmpty { return "" }
        let isGuarded = agent.isOptional || agent.layer == .user
        let indentation = isGuarded ? "    " : ""
        // Outside of the condition, because a shell reads that whole before it does anything.
        let lines = ["unalias \(own.map(\.text).joined(separator: " ")) 2>/dev/null || :"]
        let definitions = own.flatMap(definition).map { indentation + $0 }
        let condition = isGuarded ? ["if command -v \(agent.binary) >/dev/null 2>&1; then"] : []
        let all = lines + condition + definitions + (isGuarded ? ["fi"] : [])
        return all.map { $0 + "\n" }.joined()
    }

    private func definition(of name: ShellName) -> [String] {
        let call = (["command", agent.binary] + agent.defaultArguments.map(singleQuoted)).joined(separator: " ")
        if name.isPortable { return ["\(name.text)() {", "    \(call) \"$@\"", "}"] }
        return [
            "if [ -n \"${BASH_VERSION-}\" ] && ! shopt -oq posix; then",
            "    eval \(singleQuoted("\(name.text)() { \(call) \"$@\"; }"))",
            "else",
            "    alias \(singleQuoted("\(name.text)=\(call)"))",
            "fi",
        ]
    }
}
