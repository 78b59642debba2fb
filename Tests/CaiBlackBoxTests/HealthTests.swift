import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `cai health` {
    /// The outcome of a check of the JSON answer.
    private func outcome(_ name: String, _ run: Finished) -> String? {
        run.json["checks"].array.first { $0["name"].text == name }?["outcome"].text
    }

    @Test func `is good after a boot, and changes nothing`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let before = try Snapshot(of: world.root)
        let run = try world.cai("health", "--json")
        #expect(run.code == 0 && run.json["status"].text == "healthy" && run.json["schema"].number == 1, "\(run)")
        #expect(outcome("links", run) == "ok" && outcome("volume", run) == "ok", "\(run)")
        let text = try world.cai("health")
        #expect(text.code == 0 && text.output.contains("] links: ") && text.errors.isEmpty, "\(text)")
        #expect(try Snapshot(of: world.root).differences(from: before) == [])
    }

    @Test func `is bad before one`() throws {
        let run = try settledWorld(["run": [:]]).cai("health", "--json")
        #expect(run.code == 1 && outcome("boot", run) == "failed" && outcome("links", run) == "ok", "\(run)")
    }

    @Test func `is bad after one that failed`() throws {
        let world = try World(["run": [:], "mnt/agent-data/containai/manifests/a.toml": "broken"])
        #expect(try world.cai("init", "--strict", "manifests").code == 1)
        let run = try world.cai("health", "--json")
        #expect(run.code == 1 && outcome("boot", run) == "failed", "\(run)")
    }

    @Test func `is bad while a link is not right, and good again after a repair`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        try Files.remove(world.home.appending(".claude/settings.json"))
        let run = try world.cai("health", "--json")
        #expect(run.code == 1 && outcome("links", run) == "failed", "\(run)")
        #expect(try world.cai("init", "--repair").code == 0)
        #expect(try world.cai("health").code == 0)
    }

    @Test(.rootOnly) func `is bad when the volume cannot be written`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let mounts = "mount --bind '\(world.volume)' '\(world.volume)'; mount -o remount,bind,ro '\(world.volume)'"
        let run = try world.cai("health", "--json", wrapper: inMountNamespace(mounts))
        #expect(run.code == 1 && outcome("volume", run) == "failed", "\(run)")
    }

    @Test func `is bad without a volume, and says so`() throws {
        let world = try World(["run": [:]])
        try Files.remove(world.volume)
        let run = try world.cai("health")
        #expect(run.code == 1 && run.output.contains("the volume is not there"), "\(run)")
    }

    @Test func `is good without a volume where the preset needs none, and so is the boot`() throws {
        let world = try World([
            "run": [:], "home/opencoder/workspace": [:], "etc/containai/agent.toml": "preset = \"opencode\"",
        ])
        try Files.remove(world.volume)
        let boot = try world.cai("init", "--json")
        // The paths themselves are mounts in a container only.
        let steps = boot.json["steps"].array.filter { $0["name"].text != "persistence" }
        #expect(boot.code == 0, "\(boot)")
        #expect(steps.allSatisfy { ["skipped", "ok"].contains($0["outcome"].text ?? "") }, "\(boot)")
        // What works on the volume; the others have places of their own.
        let needing = ["journal", "placeholders", "environment", "git", "links", "manifests"]
        let skipped = steps.filter { $0["outcome"].text == "skipped" }.compactMap(\.["name"].text)
        #expect(Set(skipped).isSuperset(of: needing), "\(boot)")
        let run = try world.cai("health", "--json")
        #expect(outcome("volume", run) == "ok" && outcome("links", run) == "ok", "\(run)")
        #expect(!world.exists("mnt/agent-data"))
    }

    @Test(arguments: ["boot.json", "services.json"], ["{}", "[1]", "x", #"{"schema":1,"services":"y","steps":[]}"#])
    func `names a record that is damaged, in words`(name: String, text: String) throws {
        let world = try World(["run/containai": [:]])
        #expect(try world.cai("init", "--force").code == 0)
        try world.put(FilePath("run/containai/\(name)"), .file(text))
        let run = try world.cai("health")
        #expect(run.code == 1 && run.everything.contains("\(name) is damaged"), "\(run)")
        #expect(!run.everything.contains("DecodingError") && !run.everything.contains("Debug description"), "\(run)")
    }

    @Test(.needs("python3")) func `looks at broker, socket and page where the preset is opencode`() throws {
        let world = try World([
            "run": [:], "home/opencoder/workspace": [:], "etc/containai/agent.toml": "preset = \"opencode\"",
        ])
        #expect(try world.cai("init").code == 0)
        let bad = try world.cai("health", "--json", environment: ["OPENCODE_PORT": "1"])
        let sentence = bad.json["checks"].array.first { $0["name"].text == "opencode" }?["sentence"].text
        #expect(
            bad.code == 1
                && sentence
                    == "no process opencode-broker runs, /run/opencode/auth.sock is no socket, nothing answers on port 1",
            "\(bad)")
        // A broker by name, with the socket at its place, and a page.
        let broker = try Running([
            "python3", "-c",
            """
            import http.server, os, socket, sys, threading
            open('/proc/self/comm', 'w').write('opencode-broker')
            os.makedirs(sys.argv[1] + '/run/opencode'); s = socket.socket(socket.AF_UNIX)
            os.chdir(sys.argv[1] + '/run/opencode'); s.bind('auth.sock'); os.chdir('/')
            class Page(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200 if 'text/html' in self.headers['Accept'] else 404); self.end_headers()
                def log_message(self, *words): pass
            server = http.server.HTTPServer(('127.0.0.1', 0), Page)
            print(server.server_port, flush=True); server.serve_forever()
            """, world.root.string,
        ])
        let port = try #require(try broker.line())
        let good = try world.cai("health", "--json", environment: ["PORT": port])
        #expect(outcome("opencode", good) == "ok", "\(good)")
    }

    @Test func `uses a volume that is there though the preset needs none`() throws {
        let world = try World(["run": [:], "home/opencoder": [:], "etc/containai/agent.toml": "preset = \"opencode\""])
        #expect(try world.cai("init").code == 0)
        #expect(world.exists("mnt/agent-data/claude"))
    }
}
