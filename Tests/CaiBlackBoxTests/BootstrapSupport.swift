import CaiTestSupport
import SystemPackage
import Testing

let codeFile: FilePath = "/var/lib/opencode-users/.initial-otp.json"
let clearFile: FilePath = "/var/lib/opencode-users/.initial-otp.secret"
let completionFile: FilePath = "/var/lib/opencode-users/.bootstrap-complete.json"
let codeLock: FilePath = "/var/lib/opencode-users/.initial-otp.lock"
let firstPassword = "Correct-horse-9"
/// A code of the right form that is none.
let wrongCode = String(repeating: "0", count: 96)

/// Has a program read a file as its input.
func reading(_ file: FilePath) -> [String] {
    ["sh", "-c", "file=$1; shift; exec \"$@\" < \"$file\"", "sh", file.string]
}

func request(_ otp: String, _ name: String? = nil, password: String = firstPassword) -> String {
    let user = name.map { ",\"username\":\"\($0)\",\"password\":\"\(password)\"" } ?? ""
    return "{\"otp\":\"\(otp)\"\(user)}"
}

extension World {
    /// Runs `cai bootstrap` with a text as its input.
    func bootstrap(_ words: String..., input: String = "", wrapper: [String] = []) throws -> Finished {
        try put("/in/request.json", .file(input))
        return try cai(["bootstrap"] + words, wrapper: wrapper + reading(path("/in/request.json")))
    }

    /// Runs the helper of the predecessors: this binary under its name.
    func helper(_ words: String..., input: String = "") throws -> Finished {
        let place = path("/in/opencode-cloud-bootstrap")
        if !exists("/in/opencode-cloud-bootstrap") { try put("/in/opencode-cloud-bootstrap", .link(Command.binary)) }
        try put("/in/request.json", .file(input))
        return try Command.run(reading(path("/in/request.json")) + [place.string] + words + ["--root", root.string])
    }

    /// The code that is made now.
    func newCode(_ words: String...) throws -> String {
        let made = try cai(["bootstrap"] + (words.isEmpty ? ["init"] : words))
        return try #require(made.code == 0 ? made.json["otp"].text : nil, "\(made)")
    }

    /// Changes a field in the file of the code.
    func setCodeField(_ pattern: String, to value: String) throws {
        let old = try text(codeFile)
        let new = old.replacing(try Regex("\"\(pattern)\" : [^,\\n]*"), with: "\"\(pattern)\" : \(value)")
        try #require(old != new, "\(old)")
        try put(codeFile, .file(new).mode(0o600).owned(by: 0))
    }

    /// Whether any file of the users volume holds a text.
    func usersVolumeHolds(_ text: String) throws -> Bool {
        try Files.names(path(usersVolume)).contains { name in
            try Files.text(path(usersVolume).appending(name.components)).contains(text)
        }
    }
}
