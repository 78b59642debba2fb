import CaiTestSupport
import SystemPackage
import Testing

/// A hash that nobody has the password of.
let someHash = "$6$saltsalt$" + String(repeating: "a", count: 86)
let otherHash = "$6$saltsalt$" + String(repeating: "b", count: 86)

let usersVolume: FilePath = "/var/lib/opencode-users"

/// The account files of an image with one user of its own, and lines that no program understands.
let imageAccounts: [FilePath: String] = [
    "/etc/passwd":
        "root:x:0:0:root:/root:/bin/sh\n\n# kept\nnonsense\nopencoder:x:1000:1000:,,,:/home/opencoder:/bin/bash\n",
    "/etc/group": "root:x:0:\nsudo:x:27:opencoder\nopencoder:x:1000:\n",
    "/etc/shadow": "root:*:1::::::\nopencoder:!:19000:0:99999:7:::\n",
    "/etc/gshadow": "root:*::\nsudo:*::opencoder\nopencoder:!::\n",
]

/// A container root of the opencode image, with a users volume.
func accountWorld(_ tree: Item = [:]) throws -> World {
    let world = try World([
        "/etc/containai/agent.toml": "preset = \"opencode\"\n", "/etc/skel/.bashrc": "# skeleton\n",
        "/etc/skel/.config/deep": "x", "/bin/bash": "", "/bin/sh": "", "/home/opencoder": [:],
        "/in/password": "Correct-horse-9\n", "/in/hash": .file(someHash + "\n"), "/in/other": .file(otherHash + "\n"),
        "/var/lib/opencode-users": ([:] as Item).mode(0o700).owned(by: 0),
    ])
    for (path, text) in imageAccounts {
        try world.put(
            path, .file(text).mode(path == "/etc/passwd" || path == "/etc/group" ? 0o644 : 0o640).owned(by: 0))
    }
    try world.add(tree)
    return world
}

/// A record as the predecessors write it.
func oldRecord(_ name: String, _ hash: String = someHash, locked: Bool = false) -> Item {
    .file(#"{"username":"\#(name)","password_hash":"\#(hash)","locked":\#(locked)}"#).mode(0o600).owned(by: 0)
}

extension World {
    func users(_ arguments: String..., wrapper: [String] = []) throws -> Finished {
        try cai(["users"] + arguments, wrapper: wrapper)
    }

    /// Makes a user with `someHash`.
    func addUser(_ name: String, _ options: String...) throws {
        let added = try cai(["users", "add", name, "--hash-file", path("/in/hash").string] + options)
        try #require(added.code == 0, "\(added)")
    }

    /// A new container of the same image, with what persists: the users volume, and homes where `keepingHomes`.
    func recreate(keepingHomes: Bool = true) throws {
        for (path, text) in imageAccounts { try put(path, .file(text).owned(by: 0)) }
        try remove("/var/lib/containai")
        if !keepingHomes { try remove("/home") }
    }

    /// The fields of a user in one of the account files.
    func entry(_ file: FilePath, _ name: String) throws -> [String]? {
        try text(file).split(separator: "\n").map(String.init).first { $0.hasPrefix(name + ":") }?
            .split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }

    /// Nobody's line is torn at any time.
    func expectWholeLines(_ what: String) throws {
        for (file, count) in [("/etc/passwd", 7), ("/etc/group", 4), ("/etc/shadow", 9), ("/etc/gshadow", 4)]
            as [(FilePath, Int)]
        {
            let lines = try text(file).split(separator: "\n").filter { $0.contains(":") }
            let isWhole = lines.allSatisfy {
                $0.split(separator: ":", omittingEmptySubsequences: false).count == count
            }
            #expect(isWhole, "\(what)")
        }
    }

    /// The files that hold accounts, as they are.
    func accountTexts() throws -> [String] {
        try ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map { try text($0) }
    }
}
