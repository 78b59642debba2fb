import CaiCore
import CaiPlatform
import SystemPackage
import Testing

@Suite struct `The mounts below a directory` {
    @Test func `are none below a fresh one, also of a name that the mount table would escape`() throws {
        let scratch = try Scratch()
        scratch.directory("a b", owner: 0)
        #expect(!MountsBelow.mayBegin(below: try Directory.open(scratch.absolute("a b"))))
    }

    @Test func `are some below the root of the system`() throws {
        #expect(MountsBelow.mayBegin(below: try Directory.open("/")))
    }
}
