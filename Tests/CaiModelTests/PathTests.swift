import CaiModel
import SystemPackage
import Testing

@Suite struct `Confined paths` {
    @Test(arguments: [
        ("", PathProblem.empty), ("/etc/passwd", .absolute), ("..", .escapes), ("a/../../etc", .escapes),
        ("a//b", .notNormal), ("./a", .notNormal), ("a\nb", .containsNewline), ("a\u{0}b", .containsNUL),
        (String(repeating: "x", count: 256), .tooLong),
    ])
    func `a path that could leave its directory is refused with its reason`(text: String, problem: PathProblem) {
        #expect(throws: problem) { try HomePath(text) }
        #expect(throws: problem) { try VolumePath(text) }
    }

    @Test(arguments: [".claude.json", "a/b..c/d", "a..b", "...", "ssh/", "-rf", String(repeating: "x", count: 255)])
    func `a path that stays inside is taken`(text: String) throws {
        #expect(try VolumePath(text).relative.string == (text == "ssh/" ? "ssh" : text))
    }

    @Test(arguments: [
        ("a/b", "a/b", true), ("a/b", "a", true), ("a/b/c", "a/b", true), ("a/bc", "a/b", false), ("a", "a/b", false),
        ("ab", "a", false), ("b/a", "a", false), ("ä/b", "ä", true),
    ])
    func `a path lies inside another by whole components`(path: String, other: String, isInside: Bool) throws {
        #expect(try HomePath(path).isInside(HomePath(other)) == isInside)
        #expect(try HomePath(path).isInside(HomePath(unchecked: FilePath())))
    }

    @Test func `a name with control characters or broken UTF-8 is printed escaped`() {
        let bytes: [CChar] = [
            0x61, 0x0A, 0x1B, CChar(bitPattern: 0xFF), CChar(bitPattern: 0xC3), CChar(bitPattern: 0xA4), 0,
        ]
        let path = bytes.withUnsafeBufferPointer {
            FilePath(platformString: $0.baseAddress ?? UnsafePointer(bitPattern: 1)!)
        }
        #expect(path.printable == "a\\x0a\\x1b\\xffä")
    }
}
