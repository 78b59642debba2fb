import CaiTestSupport
import SystemPackage
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

    @Test(arguments: [
        ("push --help", 0, "USAGE: cai push"), ("help push", 0, "USAGE: cai push"),
        ("links check --help", 0, "USAGE: cai links check"), ("links fix --help", 0, "USAGE: cai links repair"),
        ("push --version", 0, "0."), ("sync --nope", 64, "Usage: cai sync"), ("links", 0, "USAGE: cai links"),
        ("push one", 64, "Usage: cai push"), ("links check one", 64, "Usage: cai links check"),
        ("--generate-completion-script bash", 0, "_cai"),
    ])
    func `tells help and mistakes of a command in the words of the whole program`(
        line: String, code: Int32, words: String
    ) throws {
        let answer = try Command.run([Command.binary.string] + line.split(separator: " ").map(String.init))
        #expect(answer.code == code && (answer.output + answer.errors).contains(words), "\(answer)")
    }

    @Test func `works with an empty environment`() throws {
        let world = try World()
        let answer = try world.cai("links", "check", environment: ["PATH": "/nonexistent"])
        #expect(answer.code == 1 && answer.errors.isEmpty, "\(answer)")
    }
}
