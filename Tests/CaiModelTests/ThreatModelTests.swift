import CaiModel
import FoundationEssentials
import Testing

@Suite struct `The threat model` {
    /// The suites and names of all tests of the repository.
    private func names() throws -> Set<String> {
        let tests = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        var result: Set<String> = []
        let files = FileManager.default
        for case let path in try files.subpathsOfDirectory(atPath: tests) where path.hasSuffix(".swift") {
            let text = try String(contentsOfFile: tests + "/" + path, encoding: .utf8)
            for suite in text.split(separator: "struct `").dropFirst() {
                let title = suite.prefix { $0 != "`" }
                for piece in suite.split(separator: "func `").dropFirst() {
                    result.insert("\(title)/\(piece.prefix { $0 != "`" })")
                }
            }
        }
        return result
    }

    @Test func `names only tests that exist, and one for each line`() throws {
        let names = try names()
        for line in ThreatModel.parties.flatMap(\.lines) {
            #expect(!line.tests.isEmpty, "\(line.sentence)")
            for test in line.tests { #expect(names.contains("\(test.suite)/\(test.name)"), "there is no test \(test)") }
        }
    }

    @Test func `is text that fits a terminal`() {
        for line in ThreatModel.text.split(separator: "\n") { #expect(line.utf8.count <= 120, "\(line)") }
    }
}
