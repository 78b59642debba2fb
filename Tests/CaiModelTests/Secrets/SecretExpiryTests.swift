import CaiModel
import SystemPackage
import Testing

@Suite struct `The age of displaced secrets` {
    /// 2026-01-01T00:00:00Z.
    private let time: Int64 = 1_767_225_600

    private func run(_ command: String) throws -> RunID { try #require(RunID("20260101T000000Z-\(command)")) }

    @Test func `ends an hour after the run`() throws {
        let run = try run("import")
        #expect(SecretExpiry.first(of: run, now: time + 60) == time + 3600)
        #expect(SecretExpiry.last(of: run, now: time + 60) == time + 3600)
        // A change later than the run, such as one of the owner, does not keep the secret for longer.
        #expect(SecretExpiry.time(of: run, changed: time + 3000, now: time + 3100) == time + 3600)
    }

    @Test func `ends for the run of a guard an hour after each file was displaced`() throws {
        let run = try run("guard")
        #expect(SecretExpiry.first(of: run, now: time + 60) == time + 3600)
        #expect(SecretExpiry.last(of: run, now: time + 60) == time + 7200)
        #expect(SecretExpiry.time(of: run, changed: time + 1200, now: time + 1300) == time + 4800)
        #expect(SecretExpiry.time(of: run, changed: time + 90_000, now: time + 90_000) == time + 7200)
    }

    @Test func `goes by the change of the file where the clock was ahead in the run`() throws {
        let run = try run("sync")
        let now = time - 86_400
        #expect(SecretExpiry.first(of: run, now: now) == now)
        #expect(SecretExpiry.last(of: run, now: now) == .max)
        #expect(SecretExpiry.time(of: run, changed: now - 600, now: now) == now + 3000)
    }

    @Test func `is noted by paths that no name can forge`() {
        let paths: Set<FilePath> = ["volume/a\nb", "home/.codex/auth.json"]
        #expect(ExpiredSecrets.paths(in: ExpiredSecrets.text(paths)) == paths)
        #expect(ExpiredSecrets.text(paths).split(separator: "\n").count == 2)
    }
}
