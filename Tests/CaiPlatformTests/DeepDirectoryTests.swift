import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `A directory` {
    @Test func `above is none that is inside`() throws {
        let world = try World(["a/b": [:]])
        let directory = try Directory.open(world.path("a/b"))
        #expect(throws: SystemCallError.self) { try directory.openDirectory("..") }
        let tree = Tree(root: try Directory.open(world.path("a")))
        for path in ["b/..", "..", "b/../..", "b/../../a/b"] {
            #expect(throws: (any Error).self) { try tree.directory(FilePath(path)) }
        }
    }

    @Test func `that lies too deep is not opened, whether step by step or at once`() throws {
        let world = try World()
        let path = FilePath(String(repeating: "d/", count: Directory.deepest + 1) + "d")
        try world.put(FilePath("x").pushing(path), [:])
        let root = try Directory.open(world.path("x"))
        let last = path.removingLastComponent().removingLastComponent()
        for tree in [Tree(root: root), Tree(root: try root.reopened())] {
            #expect(throws: Never.self) { try tree.directory(last) }
            let error = #expect(throws: SystemCallError.self) { try tree.directory(path) }
            #expect(error?.errno == .fileNameTooLong && error?.description.contains("deeper than 256") == true)
        }
        #expect(throws: SystemCallError.self) { try root.descendant(path) }
        #expect(throws: SystemCallError.self) { try root.descendant(last).openDirectory("d").openDirectory("d") }
    }
}
