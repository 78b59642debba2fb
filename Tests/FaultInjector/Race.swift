import CPlatform
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// A scenario during which somebody else works on the same trees.
enum Race: CaseIterable {
    /// A directory of the home changes places with a symlink to a directory that must stay as it is.
    case swapInHome
    /// The same on the volume.
    case swapOnVolume
    /// An agent saves a file whose place is to become, and stay, a link.
    case savedFile
    /// An agent saves a file in a directory that moves.
    case savedInDirectory
    /// Two runs of the same command at once.
    case twoRuns

    /// What the race is called on one ground.
    func title(_ ground: Ground) -> String { "races/\(ground.rawValue)/\(sentence)" }

    private var sentence: String {
        switch self {
        case .swapInHome: "a directory of the home is swapped for a link"
        case .swapOnVolume: "a directory of the volume is swapped for a link"
        case .savedFile: "an agent saves by rename"
        case .savedInDirectory: "an agent saves in a directory that moves"
        case .twoRuns: "two runs at once"
        }
    }

    static let rounds = (few: 25, many: 250)

    /// Runs one round after the other until one goes wrong. Returns what went wrong.
    func run(on world: World, rounds: Int) throws -> [String] {
        let scenario = Scenarios.race(world.ground)
        let trial = try Trial(scenario, world)
        let problems = try trial.rehearse()
        guard problems.isEmpty else { return problems }
        for round in 1...rounds {
            let problems = try runRound(trial, world)
            if !problems.isEmpty { return ["round \(round)"] + problems }
        }
        return []
    }

    private func runRound(_ trial: Trial, _ world: World) throws -> [String] {
        try trial.reset()
        switch self {
        case .swapInHome: return try swap(world.home.appending(".claude"), trial, world)
        case .swapOnVolume: return try swap(world.volume.appending("claude"), trial, world)
        case .savedFile: return try saveMeanwhile(".claude.json", "claude/claude.json", world)
        case .savedInDirectory: return try saveMeanwhile(".claude/skills/work.md", "claude/skills/work.md", world)
        case .twoRuns:
            let output = world.directory.appending("other")
            let other = Companion { _ in
                _ = try? runProgram([world.binary, "sync", "--root", world.root.string], output: output)
            }
            for _ in 0..<3 { try world.cai(["sync"]) }
            other.stop()
            return try trial.settle("two runs")
        }
    }

    private func swap(_ directory: FilePath, _ trial: Trial, _ world: World) throws -> [String] {
        let outside = world.directory.appending("outside")
        if mkdir(outside.string, 0o777) != 0, errno != EEXIST { throw HarnessError("mkdir \(outside): \(errno)") }
        try Tree.empty(outside)
        try Tree.build(Scenarios.outside, below: outside)
        try check("chown", chown(outside.string, Tree.agent, Tree.agent))
        let before = Tree.scan(outside)
        let planted = directory.removingLastComponent().appending("planted")
        try check("symlink", symlink(outside.string, planted.string))
        let swapper = Companion { number in
            exchange(directory, planted)
            usleep(UInt32(number % 7) * 150)
        }
        for _ in 0..<3 { try world.cai(["sync"]) }
        swapper.stop()
        if try isLink(directory) { exchange(directory, planted) }
        try check("unlink", unlink(planted.string))
        var problems = try trial.settle("swapping")
        if Tree.scan(outside) != before { problems.append("something changed where the planted link leads to") }
        return problems
    }

    private func isLink(_ path: FilePath) throws -> Bool {
        var status = stat()
        try check("lstat \(path)", lstat(path.string, &status))
        return status.st_mode & S_IFMT == S_IFLNK
    }

    /// Saves while syncs and repairs run; the last completed save must be what the volume holds in the end.
    private func saveMeanwhile(_ live: FilePath, _ stored: FilePath, _ world: World) throws -> [String] {
        let path = world.home.appending(live.components)
        let last = Mutex("")
        let writer = Companion { number in
            let text = #"{"save":\#(number),"round":"\#(number % 3)"}"#
            if save(text, at: path) { last.withLock { $0 = text } }
            usleep(UInt32(number % 11) * 200)
        }
        for number in 0..<4 { try world.cai(number % 2 == 0 ? ["sync"] : ["links", "repair"]) }
        writer.stop()
        try world.cai(["links", "repair"])
        let text = String(decoding: Tree.bytes(world.volume.appending(stored.components)), as: UTF8.self)
        let expected = last.withLock { $0 }
        return text == expected ? [] : ["the last save was \(expected), the volume has \(text)"]
    }
}
