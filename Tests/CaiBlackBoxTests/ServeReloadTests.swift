import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private func hook(_ text: String) -> Item { Item.file("#!/bin/sh\n\(text)\n").mode(0o755) }

@Suite(.rootOnly, .needs("unshare"), .needs("curl"), .needs("setpriv"), .needs("tar"))
struct `Behind an import through cai serve` {
    /// Serves on the machine's own root while the script runs, which has `$post FILES…` for an import.
    private func serving(_ world: World, _ script: String) throws -> Finished {
        try world.asMachine(
            """
            socket=/run/containai/agent.sock
            $CAI serve 2> /home/agent/service.log & service=$!
            until curl --silent --fail --output /dev/null --unix-socket $socket http://cai/v1/status; do :; done
            cat > /run/post <<'END'
            tar -C /home/agent/incoming -cf - . \\
                | curl --silent --unix-socket /run/containai/agent.sock --data-binary @- http://cai/v1/import?layout=home
            END
            post="sh /run/post"
            \(script)
            kill $service; wait $service || true
            """, environment: ["CAI_CONFIG": "/home/agent/agent.toml"])
    }

    @Test func `hooks run as the agent, with the paths that changed, and programs are told; nothing else is`() throws {
        let log = "/home/agent/log"
        let world = try World([
            "home/agent/incoming/.claude/settings.json": "{\"a\":1}",
            "home/agent/workspace/.containai/hooks/reload.d/20.sh": hook(
                "echo \"hook $(id -u) $CAI_CHANGED_COUNT\" >> \(log); echo \"$CAI_CHANGED_PATHS\" | grep settings >> \(log)"
            ),
            "home/agent/hooks/10.sh": hook("echo first >> \(log); exit 3"),
            "home/agent/agent.toml": .file(
                """
                reload_hooks = ["/home/agent/hooks", "/home/agent/workspace/.containai/hooks/reload.d"]
                [reload]
                reloadee = "SIGHUP"
                note = ["/bin/sh", "-c", "echo command $(id -u) >> \(log)"]
                wrong = "SIGNONSENSE"

                """),
        ])
        let run = try serving(
            world,
            """
            cp "$(command -v sh)" /run/reloadee
            mkfifo /run/1000 /run/0; chmod 666 /run/1000 /run/0; exec 8<> /run/1000 9<> /run/0
            for user in 1000 0; do
                setpriv --reuid $user --clear-groups /run/reloadee -c "
                    trap 'echo signal >> /home/agent/signals-$user' HUP
                    echo listening >> /home/agent/listening-$user
                    while :; do read line && exit; done" < /run/$user &
            done
            until [ -e /home/agent/listening-1000 ] && [ -e /home/agent/listening-0 ]; do :; done
            $post
            until [ -s /home/agent/signals-1000 ]; do :; done
            $post > /dev/null
            echo end >&8; echo end >&9
            """)
        #expect(run.code == 0, "\(run)")
        let lines = try world.text("home/agent/log").split(separator: "\n")
        #expect(lines.first == "first" && lines.contains { $0.hasPrefix("hook 1000 ") }, "\(lines)")
        #expect(lines.contains("/mnt/agent-data/claude/settings.json") && lines.contains("command 1000"), "\(lines)")
        #expect(lines.filter { $0 == "first" }.count == 1, "an import that changes nothing tells nobody: \(lines)")
        #expect(try world.text("home/agent/signals-1000") == "signal\n" && !world.exists("home/agent/signals-0"))
        let reload = run.json["reload"].array.compactMap { $0["sentence"].text }
        #expect(reload.contains { $0.contains("exit code 3") }, "\(run)")
        #expect(try world.text("home/agent/service.log").contains("reload.wrong is neither a signal nor a command"))
    }

    @Test func `new shells get the variables that hold then`() throws {
        let world = try World([
            "run": [:], "mnt/agent-data/.env": Item("NEW=1\n").mode(0o600),
        ])
        let service = try Service(world).ready()
        var tar = TarBuilder()
        tar.add("claude/settings.json", .file, "{\"b\":1}")
        let answer = try world.post(tar.finished, "/v1/import?layout=volume")
        #expect(answer.status == "200", "\(answer.run)")
        #expect(try world.text("mnt/agent-data/shell/bashrc.d/00-containai-env.sh").contains("/mnt/agent-data/.env"))
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.needs("curl")) struct `A reload of cai serve` {
    @Test func `gives the guard of the links the settings that hold then`() throws {
        let world = try World(["run": [:], "srv/manifests": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world).ready()
        #expect(try world.ask("/v1/status").body["guards_links"].bool == true)
        try world.put(
            "srv/manifests/more.toml",
            "[[entries]]\nsource = \".more\"\ntarget = \"more\"\ncontainer_link = \".more\"\nflags = \"f\"\n")
        try world.put("etc/containai/agent.toml", "image_manifests = \"/srv/manifests\"\n")
        service.program.signal(SIGHUP)
        try service.ready()
        #expect(world.link("home/agent/.more") == "/mnt/agent-data/more")
        try world.saveByRename("home/agent/.more", "saved over the link\n")
        while world.link("home/agent/.more") == nil { sched_yield() }
        #expect(try world.text("mnt/agent-data/more") == "saved over the link\n")
        try world.put("etc/containai/agent.toml", "link_guard = false\n")
        service.program.signal(SIGHUP)
        try service.ready()
        #expect(try world.ask("/v1/status").body["guards_links"].bool == false)
        #expect(try service.stop() == .exited(0))
    }
}
