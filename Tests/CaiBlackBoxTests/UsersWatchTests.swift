import CaiTestSupport
import SystemPackage
import Testing

@Suite(.rootOnly) struct `Users while the agent service runs` {
    @Test func `are kept when an account file is replaced or written, as passwd, usermod and useradd do it`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        let service = try Service(world).ready().program
        let shadow = try world.text("/etc/shadow").replacing(someHash, with: otherHash)
        try world.saveByRename("/etc/shadow", shadow, mode: 0o640)
        try world.waitForLine("Kept the changes of user: alice", of: service)
        #expect(try world.text("/var/lib/opencode-users/alice.json").contains(otherHash))
        let added =
            "echo 'dave:x:1500:1500::/home/dave:/bin/sh' >> \"$1/etc/passwd\"; echo 'dave:\(someHash):1::::::' >> \"$1/etc/shadow\""
        #expect(try Command.run(["sh", "-c", added, "sh", world.root.string]).code == 0)
        try world.waitForLine("Migrated unmanaged user to managed records: dave", of: service)
        #expect(world.exists("/var/lib/opencode-users/dave.json"))
        service.signal(15)
        #expect(try service.end() == .exited(0))
    }
}

extension World {
    /// Reads what a program says until a line has these words.
    fileprivate func waitForLine(_ words: String, of program: Running) throws {
        while let line = try program.errorLine() { if line.contains(words) { return } }
        Issue.record("the program ended without saying: \(words)")
    }
}
