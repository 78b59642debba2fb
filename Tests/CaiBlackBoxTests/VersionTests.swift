import CaiTestSupport
import Testing

@Suite struct `The binary` {
    @Test func `tells version, commit and date as JSON`() throws {
        let answer = try Command.cai("version", "--json")
        #expect(answer.code == 0, "\(answer)")
        for key in ["version", "commit", "date"] { #expect(answer.json[key].text?.isEmpty == false, "\(answer)") }
        #expect(answer.json["static"].bool != nil)
    }

    @Test func `answers a word that it does not know with usage and exit 64`() throws {
        let answer = try Command.cai("lniks")
        #expect(answer.code == 64 && answer.output.isEmpty && answer.errors.contains("Usage"), "\(answer)")
    }

    @Test func `works with an empty environment`() throws {
        let world = try World()
        let answer = try world.cai("links", "check", environment: ["PATH": "/nonexistent"])
        #expect(answer.code == 1 && answer.errors.isEmpty, "\(answer)")
    }
}
