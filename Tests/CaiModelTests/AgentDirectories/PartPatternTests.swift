import CaiModel
import SystemPackage
import Testing

@Suite struct `The pattern of a part` {
    @Test(arguments: [
        ("logs*", "logs_2.sqlite", true), ("*.lock", "a.lock", true), ("*.lock", "a.lockx", false),
        ("a*b*c", "aXbYc", true), ("a*b*c", "acb", false), ("*", "x", true), ("a*", "a", true), ("*a*", "bab", true),
        ("a/*", "a/x/y", true),
        ("a/b", "a", false), ("**a", "bba", true), ("a*bc", "abcbc", true), ("a*bc", "abcbcb", false),
    ])
    func `matches what a star allows`(pattern: String, path: String, holds: Bool) throws {
        #expect(try #require(PartPattern(pattern)).holds(FilePath(path)) == holds)
    }

    /// Each star more made it ten times slower.
    @Test(.timeLimit(.minutes(1))) func `with many stars is compared in bounded time`() throws {
        let pattern = try #require(PartPattern(String(repeating: "*a", count: 60) + "*b"))
        #expect(!pattern.holds(FilePath(String(repeating: "a", count: 255))))
    }
}
