import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: variables for .env (1.6.10)` {
    private func world(_ env: String, file: Item? = nil, volume: Item = [:]) throws -> World {
        let world = try World.importing(
            [".config": ["containai": ["config.toml": .file("[env]\n" + env)]]], into: volume)
        try world.put("/home/agent/workspace", [:])
        if let file { try world.put("/home/agent/workspace/vars.env", file) }
        return world
    }

    /// What `.env` holds after an import of a file with the given lines.
    private func environment(_ content: String, names: String) throws -> String? {
        let world = try world("import = [\(names)]\nenv_file = \"vars.env\"", file: .file(content))
        #expect(try world.importHost().code == 0)
        return world.volumeText(".env")
    }

    @Test func `A16, A17, A19, A32: only listed variables, from the caller where it may, and no value in any message`()
        throws
    {
        let world = try world(
            "import = [\"A\", \"B\"]\nfrom_host = true\nenv_file = \"vars.env\"", file: "A=file1\nB=file2\n")
        let run = try world.importHost("--verbose", environment: ["A": "hostvalue", "OTHER": "othervalue"])
        #expect(world.volumeText(".env") == "A=hostvalue\nB=file2\n", "\(run)")
        for value in ["hostvalue", "file2", "othervalue"] { #expect(!run.everything.contains(value), "\(run)") }

        let without = try self.world("import = [\"A\"]")
        try without.importHost(environment: ["A": "hostvalue"])
        #expect(without.volumeText(".env") == "")
    }

    @Test(arguments: [
        ("A18", "# c\nexport A=1=2\n\nB=x\n", "\"A\", \"B\"", "A=1=2\nB=x\n"),
        ("A26", "A=  two words \n", "\"A\"", "A=  two words \n"),
        ("A27", "A=1\r\nB=2\r\n", "\"A\",\"B\"", "A=1\nB=2\n"),
        ("A25", "A=1\n", "\"A\", \"A\"", "A=1\n"), ("A37", "A=\"open\nB=2\n", "\"A\",\"B\"", ""),
    ])
    func `files are read line by line`(_ name: String, _ content: String, _ names: String, _ text: String) throws {
        let result = try environment(content, names: names)
        if name == "A37" { #expect(result?.contains("A=") == false) } else { #expect(result == text, "\(name)") }
    }

    @Test func `A20, A24: a name that is nowhere and one that is none are warnings`() throws {
        let world = try world("import = [\"NOWHERE\", \"1x\"]")
        let run = try world.importHost()
        #expect(run.code == 0, "\(run)")
        #expect(run.errors.contains("[WARN] [env].import: Var not found in host or file: 'NOWHERE'"), "\(run)")
        #expect(run.errors.contains("'1x' is no name of a variable"), "\(run)")
    }

    @Test func `A21: a value of the caller that goes over several lines is skipped`() throws {
        let world = try world("import = [\"A\"]\nfrom_host = true")
        let run = try world.importHost(environment: ["A": "one\ntwo"])
        #expect(run.errors.contains("key 'A' skipped (multiline value)") && world.volumeText(".env") == "", "\(run)")
    }

    @Test func `A22, A38: an empty list is told, no section is silent, and neither makes a .env`() throws {
        let empty = try world("import = []")
        #expect(
            try empty.importHost("--verbose").errors.contains("[INFO] Empty env import allowlist, skipping env import"))
        #expect(empty.volumeText(".env") == nil)
        let none = try World.importing([".vimrc": "x"])
        #expect(try !none.importHost("--verbose").errors.contains("[env]"))
    }

    @Test func `A23: .env is 0600 and the agent's, and the hook for shells is there`() throws {
        let world = try world("import = [\"A\"]\nfrom_host = true")
        try world.importHost(environment: ["A": "1"])
        #expect(try world.volumeMode(".env") == 0o600)
        #expect(try world.volumeMode("shell/bashrc.d/00-containai-env.sh") == 0o644)
    }

    @Test func `A30: a preview names the variables and writes nothing`() throws {
        let world = try world("import = [\"A\", \"B\"]\nfrom_host = true")
        let before = try world.snapshot()
        let run = try world.importHost("--dry-run", environment: ["A": "hostvalue"])
        #expect(run.errors.contains("[DRY-RUN] Would import 1 env vars: A\n"), "\(run)")
        #expect(run.errors.contains("[DRY-RUN] Would skip 1: B\n") && !run.everything.contains("hostvalue"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: [
        ("A33", "/etc/passwd"), ("A34", "../outside"), ("missing", "none.env"), ("A31", "link.env"),
    ])
    func `an env_file that is absolute, outside, missing or a symlink is an error`(_ name: String, _ file: String)
        throws
    {
        let world = try world("import = [\"A\"]\nenv_file = \"\(file)\"")
        try world.put("/home/agent/workspace/real.env", "A=secretvalue\n")
        try world.put("/home/agent/workspace/link.env", .link("real.env"))
        let run = try world.importHost()
        #expect(run.code == 1 && run.errors.contains("[ERROR] [env].env_file: "), "\(name) \(run)")
        #expect(!run.everything.contains("secretvalue") && world.volumeText(".env") == nil)
    }

    @Test func `A31b: a symlink in the place of .env is not followed and not replaced`() throws {
        let world = try world("import = [\"A\"]\nfrom_host = true", volume: [".env": .link("/etc/passwd")])
        let before = try world.text("/etc/passwd")
        let run = try world.importHost(environment: ["A": "1"])
        #expect(run.code == 1 && run.errors.contains("/mnt/agent-data/.env: is a symlink"), "\(run)")
        #expect(world.link("/mnt/agent-data/.env") == "/etc/passwd")
        #expect(try world.text("/etc/passwd") == before)
    }

    @Test func `A31c: a mount point that became a symlink leads nowhere out of the root`() throws {
        let world = try world("import = [\"A\"]\nfrom_host = true")
        let elsewhere = try World([:])
        let before = try elsewhere.snapshot()
        try world.remove("/mnt/agent-data")
        try world.put("/mnt/agent-data", .link(elsewhere.root))
        let run = try world.importHost(environment: ["A": "1"])
        #expect(run.code != 0 && run.errors.contains("[ERROR]"), "\(run)")
        #expect(try elsewhere.snapshot().differences(from: before) == [])
    }

    @Test(.needs("strace")) func `A31d: whatever has the name of a temporary file is neither followed nor opened`()
        throws
    {
        let world = try world("import = [\"A\"]\nfrom_host = true")
        let trace = world.path("/trace").string
        let run = try world.cai(
            ["import", "--from", world.host], environment: ["A": "1"],
            wrapper: ["strace", "-f", "-e", "trace=open,openat,openat2,creat", "-o", trace])
        #expect(run.code == 0, "\(run)")
        let made = try Files.text(FilePath(trace)).split(separator: "\n").filter {
            $0.contains("O_CREAT") && !$0.contains("= -1 ")
        }
        // The lock is the same file for all runs; everything else is made anew, or not at all.
        #expect(made.contains { $0.contains("O_EXCL") })
        #expect(
            made.allSatisfy { $0.contains("O_EXCL") || $0.contains("\"lock\"") && $0.contains("O_NOFOLLOW") }, "\(made)"
        )
    }

    @Test func `wrong types of from_host and env_file are errors`() throws {
        for line in ["from_host = \"yes\"", "env_file = 1"] {
            let run = try world("import = [\"A\"]\n" + line).importHost()
            #expect(run.code == 1 && run.errors.contains("[ERROR]"), "\(run)")
        }
    }

    @Test(.needs("bash")) func `the hook gives shells the variables and evaluates nothing`() throws {
        let world = try world(
            "import = [\"A\", \"B\", \"C\"]\nenv_file = \"vars.env\"",
            file: "A=$(touch /tmp/cai-evaluated) `x` \"y\nB=2 3\nC=file\n")
        try world.importHost()
        // The file is named as the container has it: here it lies below the root of the test.
        let hook = try #require(world.volumeText("shell/bashrc.d/00-containai-env.sh"))
            .replacing("/mnt/agent-data/.env", with: world.path("/mnt/agent-data/.env").string)
        try world.put("/mnt/agent-data/.env", "A=$(touch /tmp/cai-evaluated) `x`\nB=2 3\nC=file\n")
        let run = try Command.run(
            ["bash", "-c", hook + "\nprintf '%s|%s|%s' \"$A\" \"$B\" \"$C\""], environment: ["C": "set"])
        #expect(run.output == "$(touch /tmp/cai-evaluated) `x`|2 3|set", "\(run)")
        #expect(!Files.exists("/tmp/cai-evaluated"))
    }
}
