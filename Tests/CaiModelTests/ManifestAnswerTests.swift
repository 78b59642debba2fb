import CaiModel
import Testing

@Suite struct `Answers about manifests` {
    static let text = """
        [agent]
        name = "a"
        binary = "b"
        aliases = ["c"]
        [[entries]]
        source = ".x"
        target = "x"
        container_link = ".x"
        flags = "sf"
        [[container_symlinks]]
        target = "long/target"
        container_link = ".y"
        flags = "f"
        disabled = true
        [[agent_directories]]
        agent = "a"
        path = ".a"
        target = "a"
        variable = "A_HOME"
        cache = ["log"]
        local = ["pids"]
        """
    static let set = ManifestSet([ManifestFile(name: "m.toml", layer: .user, bytes: Array(text.utf8))])

    @Test func `the listing is a table with aligned columns`() {
        #expect(
            ManifestListing(Self.set.manifest).text == """
                LINK  TARGET       SOURCE  FLAGS  IMPORT    DECLARED AT
                ~/.x  x            ~/.x    fs     -         m.toml:5:1
                ~/.y  long/target  -       f      disabled  m.toml:10:1

                AGENT  BINARY  ALIASES  PRESENCE  DECLARED AT
                a      b       c        -         m.toml:1:1

                AGENT  DIRECTORY  TARGET  VARIABLE  CACHE  LOCAL  DECLARED AT
                a      ~/.a       a       A_HOME    log    pids   m.toml:15:1

                """)
    }

    @Test func `the listing as JSON has sorted keys and null for what does not exist`() throws {
        let json = try ManifestListing(Self.set.manifest).json()
        #expect(json.contains(#""declared_at" : "m.toml:10:1""#))
        #expect(json.contains(#""source" : null"#))
        #expect(json.hasPrefix("{\n  \"agent_directories\" : ["))
    }

    static let findings: [(severities: [Severity], code: Int32, summary: String)] = [
        ([], 0, "0 errors, 0 warnings, 0 notes"),
        ([.note], 0, "0 errors, 0 warnings, 1 note"),
        ([.note, .warning], 1, "0 errors, 1 warning, 1 note"),
        ([.error, .warning, .error], 78, "2 errors, 1 warning, 0 notes"),
    ]

    @Test(arguments: findings)
    func `the exit code follows the worst finding`(severities: [Severity], code: Int32, summary: String) {
        let report = LintReport(severities.map { Finding($0, at: "f:1:2", "is so") })
        #expect(report.exitCode == code)
        #expect(report.summary == summary)
        #expect(report.text == severities.map { "f:1:2: \($0.rawValue): is so\n" }.joined())
    }

    @Test func `the lint report as JSON holds counts and findings`() throws {
        let json = try LintReport([Finding(.error, at: "f:1:2", "is so", advice: "do this")]).json()
        #expect(
            json == """
                {
                  "errors" : 1,
                  "findings" : [
                    {
                      "advice" : "do this",
                      "place" : "f:1:2",
                      "sentence" : "is so",
                      "severity" : "error"
                    }
                  ],
                  "notes" : 0,
                  "warnings" : 0
                }
                """)
    }
}
