import SystemPackage

/// Content that the volume has already.
extension Scenarios {
    /// Files that programs have just written on the volume, and that are the same in the home: the live ones go, so that the
    /// others have to be durable by then.
    static func stored(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file(".claude.json", #"{"same":1}"#, mode: 0o600)
        volume.file("claude/claude.json", #"{"same":1}"#, mode: 0o600)
        home.file(".gitconfig", "[user]\n\tname = same\n")
        volume.file("git/gitconfig", "[user]\n\tname = same\n")
        for number in 0..<20 {
            home.file(FilePath(".claude/skills/\(number % 3)/\(number).md"), "the same skill \(number)\n")
            volume.file(FilePath("claude/skills/\(number % 3)/\(number).md"), "the same skill \(number)\n")
        }
        var scenario = Scenario(
            name: "stored", command: ["sync"], ground: ground, home: home.nodes, volume: volume.nodes)
        scenario.volumeIsDurable = false
        return scenario
    }
}
