import CaiTestSupport
import SystemPackage
import Testing

/// Asks PAM, as a login program does, whether a password of a user is right and the account may be used.
private let askPAM = """
    import ctypes, sys
    pam, libc = ctypes.CDLL("libpam.so.0"), ctypes.CDLL("libc.so.6")
    class Message(ctypes.Structure): _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]
    class Response(ctypes.Structure): _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]
    Converse = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
        ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)
    class Conversation(ctypes.Structure): _fields_ = [("converse", Converse), ("data", ctypes.c_void_p)]
    libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
    name, password = sys.argv[1].encode(), sys.argv[2].encode()
    def converse(count, messages, responses, data):
        place = libc.calloc(count, ctypes.sizeof(Response))
        responses[0] = ctypes.cast(place, ctypes.POINTER(Response))
        for index in range(count): responses[0][index].text = libc.strdup(password)
        return 0
    function = Converse(converse)
    handle, conversation = ctypes.c_void_p(), Conversation(function, None)
    if pam.pam_start(b"passwd", name, ctypes.byref(conversation), ctypes.byref(handle)): sys.exit(9)
    result = pam.pam_authenticate(handle, 0) or pam.pam_acct_mgmt(handle, 0)
    pam.pam_end(handle, result)
    sys.exit(1 if result else 0)
    """

/// The programs of the machine look at the account files of a world, as if they were the machine's own.
@Suite(.rootOnly, .needs("su"), .needs("pwck"), .needs("getent")) struct `The system's own programs` {
    private let files = ["passwd", "group", "shadow", "gshadow"]

    /// A world with the machine's accounts, in which alice has `firstPassword` and bob, who has it too, is locked.
    private func world() throws -> World {
        let world = try accountWorld()
        for name in files {
            try world.put(
                FilePath("/etc/\(name)"), .file(try Files.text(FilePath("/etc/\(name)"))).mode(0o644).owned(by: 0))
        }
        for name in ["alice", "bob"] {
            let added = try world.users(
                "add", name, "--password-file", world.path("/in/password").string, "--group", "users")
            try #require(added.code == 0, "\(added)")
        }
        try #require(try world.users("lock", "bob").code == 0)
        return world
    }

    private func asked(_ world: World, _ words: [String], input: String = "") throws -> Finished {
        let root = world.root.string
        let mounts =
            files.map { "mount --bind '\(root)/etc/\($0)' /etc/\($0)" } + ["mount --bind '\(root)/home' /home"]
        try world.put("/in/input", .file(input))
        return try Command.run(
            inMountNamespace(mounts.joined(separator: "; ")) + reading(world.path("/in/input")) + words)
    }

    @Test func `find nothing wrong with accounts that are made, and tell the same about them`() throws {
        let world = try world()
        for command in [["pwck", "-r"], ["grpck", "-r"]] {
            let before = try Command.run(command)
            let after = try asked(world, command)
            #expect(!after.everything.contains("alice") && !after.everything.contains("bob"), "\(before)\n\(after)")
        }
        let account = try asked(world, ["getent", "passwd", "alice"])
        #expect(
            account.output.hasSuffix(":/home/alice:/bin/bash\n") && account.output.hasPrefix("alice:x:"), "\(account)")
        #expect(try asked(world, ["getent", "group", "alice"]).output.hasPrefix("alice:x:"))
        #expect(try asked(world, ["id", "-nG", "alice"]).output == "alice users\n")
        #expect(try asked(world, ["passwd", "-S", "alice"]).output.hasPrefix("alice P "))
        #expect(try asked(world, ["passwd", "-S", "bob"]).output.hasPrefix("bob L "))
        _ = try world.users("unlock", "bob")
        #expect(try asked(world, ["passwd", "-S", "bob"]).output.hasPrefix("bob P "))
        #expect(try world.users("remove", "bob").code == 0)
        #expect(try asked(world, ["getent", "passwd", "bob"]).code == 2)
        #expect(try asked(world, ["getent", "group", "bob"]).code == 2)
    }

    @Test func `let a user in with the right password only, and a locked one not at all`() throws {
        let world = try world()
        for (name, password, code) in [
            ("alice", firstPassword, 0), ("alice", firstPassword + "x", 1), ("bob", firstPassword, 1),
        ] {
            let answer = try asked(world, ["python3", "-c", askPAM, name, password])
            #expect(answer.code == code, "\(name) \(answer)")
        }
        let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        let inside = try asked(world, nobody + ["su", "alice", "-c", "id -un"], input: firstPassword + "\n")
        #expect(inside.code == 0 && inside.output == "alice\n", "\(inside)")
        let outside = try asked(world, nobody + ["su", "bob", "-c", "id -un"], input: firstPassword + "\n")
        #expect(outside.code != 0 && !outside.output.contains("bob"), "\(outside)")
    }
}
