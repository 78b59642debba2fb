import CaiTestSupport
import SystemPackage
import Testing

extension World {
    /// Runs a shell script as if this world were the machine: its `/home`, `/mnt`, accounts and `/etc/containai` take
    /// the place of the machine's own in a mount namespace of its own. `$CAI` is the binary. Needs root.
    func asMachine(_ script: String, environment: [String: String] = [:]) throws -> Finished {
        try add(["etc": ["containai": [:]], "run": [:]])
        return try Command.run(
            [
                "unshare", "--mount", "--propagation", "private", "--", "sh", "-euc",
                """
                mount --bind "$1/run" /run; : > /run/cai; mount --bind "$2" /run/cai; CAI=/run/cai
                mount --bind "$1/home" /home; mount --bind "$1/mnt" /mnt
                mount --bind "$1/mnt/agent-data" /mnt/agent-data
                mount --bind "$1/etc/passwd" /etc/passwd
                \(script)
                """, "sh", root.string, Command.binary.string,
            ], environment: environment)
    }
}

private let hooks: FilePath = "home/agent/hooks"
private let hookSettings = ["CAI_STARTUP_HOOKS": "/home/agent/hooks:/home/agent/workspace/.containai/hooks/startup.d"]

private func hook(_ text: String) -> Item { Item.file("#!/bin/sh\n\(text)\n").mode(0o755) }

@Suite(.rootOnly, .needs("unshare")) struct `Boot on the machine's own root` {
    @Test func `C hooks: byte order, both directories, workspace as the place, the agent as the user`() throws {
        let world = try World([
            "home/agent/hooks": [
                "20-b.sh": hook("echo b >> $HOME_LOG"), "10-a.sh": hook("echo a $(id -u):$(id -g) $(pwd) >> $HOME_LOG"),
                "B.sh": hook("echo B >> $HOME_LOG"), "notes.txt": hook("echo never >> $HOME_LOG"),
                "sub": ["x.sh": hook("echo never >> $HOME_LOG")],
            ],
            "home/agent/workspace/.containai/hooks/startup.d/01.sh": hook("echo workspace >> $HOME_LOG"),
        ])
        let log = ["HOME_LOG": "/home/agent/log"].merging(hookSettings) { $1 }
        let boot = try world.asMachine("$CAI init --force --json", environment: log)
        #expect(boot.code == 0 && boot.outcome("hooks") == "ok", "\(boot)")
        #expect(try world.text("home/agent/log") == "a 1000:1000 /home/agent/workspace\nb\nB\nworkspace\n")
    }

    @Test func `C hooks: one that may not be executed is skipped with a warning`() throws {
        let world = try World([
            "home/agent/hooks": ["a.sh": hook("exit 0").mode(0o644), "b.sh": hook("echo ran > /home/agent/ran")]
        ])
        let boot = try world.asMachine("$CAI init --force", environment: hookSettings)
        #expect(
            boot.code == 0 && boot.errors.contains("non-executable") && boot.errors.contains("/home/agent/hooks/a.sh"),
            "\(boot)")
        #expect(try world.text("home/agent/ran") == "ran\n")
    }

    @Test func `C hooks: one that fails degrades the boot, and fails it where the operator says so`() throws {
        let world = try World([
            "home/agent/hooks": [
                "a.sh": hook("echo about to fail; exit 3"), "b.sh": hook("echo ran > /home/agent/ran"),
            ]
        ])
        let boot = try world.asMachine("$CAI init --force", environment: hookSettings)
        #expect(boot.code == 0 && boot.errors.contains("[a.sh] about to fail"), "\(boot)")
        #expect(boot.errors.contains("/home/agent/hooks/a.sh") && boot.errors.contains("3"), "\(boot)")
        #expect(try world.text("home/agent/ran") == "ran\n", "a failing hook keeps no other from running")
        #expect(try world.asMachine("$CAI init --force --strict hooks", environment: hookSettings).code == 1)
    }

    @Test func `a hook that does not end is ended`() throws {
        let world = try World(["home/agent/hooks": ["a.sh": hook("exec tail -f /dev/null")]])
        let boot = try world.asMachine(
            "$CAI init --force", environment: hookSettings.merging(["CAI_HOOK_TIMEOUT_SECONDS": "1"]) { $1 })
        #expect(!boot.hung && boot.code == 0 && boot.errors.contains("/home/agent/hooks/a.sh"), "\(boot)")
    }

    @Test func `A28, A29, 1.18 #21: hooks see .env; variables that are set win, an empty one too`() throws {
        let world = try World([
            "mnt/agent-data/.env": Item("A=file\nB=file\nC=from file\n  # comment\nexport D=d\n").mode(0o600),
            "home/agent/hooks/a.sh": hook("printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\" > /home/agent/seen"),
        ])
        let boot = try world.asMachine(
            "$CAI init --force", environment: hookSettings.merging(["A": "container", "B": ""]) { $1 })
        #expect(boot.code == 0, "\(boot)")
        #expect(try world.text("home/agent/seen") == "container||from file|d|")
    }

    @Test func `promise 6, A32: a value of .env that a hook prints does not get into the log`() throws {
        let world = try World([
            "mnt/agent-data/.env": Item("API_KEY=sk-very-secret-0123456789\n").mode(0o600),
            "home/agent/hooks/a.sh": hook("echo key is $API_KEY; echo $API_KEY >&2"),
        ])
        let boot = try world.asMachine("$CAI init --force --json", environment: hookSettings)
        #expect(boot.errors.contains("[a.sh] key is "), "\(boot)")
        #expect(!boot.everything.contains("sk-very-secret"), "\(boot)")
        #expect(try !world.text("run/containai/boot.json").contains("sk-very-secret"))
    }

    @Test func `1.18 #21: the workspace is reachable under its path on the host`() throws {
        let world = try World(["home/agent/workspace": ["code": "c"]])
        let boot = try world.asMachine(
            "$CAI init --force --json", environment: ["CAI_HOST_WORKSPACE": "/home/me/project"])
        #expect(boot.code == 0 && boot.outcome("workspace") == "ok", "\(boot)")
        #expect(world.link("home/me/project") == "/home/agent/workspace")
    }

    @Test func `without --force, sync and init refuse a machine that is no container, and say why`() throws {
        let world = try World(["home/agent/.vimrc": "live"])
        let before = try Snapshot(of: world.home)
        for command in ["sync", "init"] {
            let run = try world.asMachine("umount /mnt/agent-data; $CAI \(command)")
            #expect(run.code == 1 && run.errors.contains("must be run inside a ContainAI container"), "\(run)")
        }
        #expect(try Snapshot(of: world.home).differences(from: before) == [])
    }
}

@Suite(.needs("bash")) struct `Launch wrappers in a shell (C, 15)` {
    /// A booted world with agents on the search path that print their arguments.
    private func world() throws -> World {
        let agent = Item.file("#!/bin/sh\nprintf '<%s>' \"$0\" \"$@\"; echo\n").mode(0o755)
        let world = try World(["bin": ["claude": agent, "codex": agent, "kimi": agent]])
        try #require(try world.cai("init").code == 0)
        return world
    }

    private func shell(_ world: World, _ script: String, shell: String = "bash") throws -> Finished {
        try Command.run(
            [shell, "-c", "for f in '\(world.home)'/.bash_env.d/*.sh; do . \"$f\"; done; \(script)"],
            environment: ["PATH": "\(world.root)/bin:/usr/bin:/bin"])
    }

    @Test(arguments: [
        ("claude --print hi", "</bin/claude><--dangerously-skip-permissions><--print><hi>"),
        ("codex 'two words'", "</bin/codex><--dangerously-bypass-approvals-and-sandbox><two words>"),
        ("kimi a", "</bin/kimi><--yolo><a>"), ("kimi-cli a", "</bin/kimi><--yolo><a>"),
    ])
    func `default arguments first, the caller's after, aliases too, no recursion`(call: String, output: String) throws {
        let world = try world()
        let run = try shell(world, call)
        #expect(run.output.replacing(world.root.string, with: "") == output + "\n", "\(run)")
    }

    @Test func `an optional agent that is not installed has no function, a required one has`() throws {
        let world = try world()
        #expect(try shell(world, "type gemini").code != 0)
        #expect(try shell(world, "type -t claude").output == "function\n")
        #expect(try shell(world, "type -t kimi").output == "function\n")
    }

    @Test(.needs("dash")) func `the files are read by POSIX shells`() throws {
        let run = try shell(try world(), "claude x", shell: "dash")
        #expect(run.code == 0 && run.output.contains("<--dangerously-skip-permissions><x>"), "\(run)")
    }
}
