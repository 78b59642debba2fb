import ArgumentParser
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// Takes the power from the file systems while `cai` works on them, and holds it to its promises after the next start.
/// `container/powerloss` runs it in a mount namespace of its own.
struct PowerLossCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "power-loss")

    @Option(help: "How many times the power is lost.") var rounds = 60
    @Option(help: "The seed of the moments.") var seed: UInt64?
    @Option(help: "Try only this scenario, or only this case (scenario@losses), as a failure names it.") var only:
        String?
    @Option(help: "Try only this file system: ext4 or xfs.") var filesystem: String?
    @Option(help: "The binary under test.") var cai: String
    @Option(help: "A directory to mount file systems in.") var work: String
    @Option(help: "How many cases run at once.") var jobs = 2

    func run() throws {
        guard geteuid() == 0 else { throw ValidationError("mounting needs root") }
        let seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        let report = Report(script: "container/powerloss")
        let parts = only?.split(separator: "@", maxSplits: 1).map(String.init)
        let losses = parts?.dropFirst().first.map { $0.split(separator: ",").compactMap { PowerLoss(String($0)) } }
        let formats = DiskFormat.allCases.filter { filesystem == nil || filesystem == $0.type }
        let cases = PowerLossCase.all(formats).filter { item in
            parts == nil || item.title == parts?.first || item.name == parts?.first
        }
        guard !cases.isEmpty else { throw ValidationError("no such scenario or file system") }
        report.say("\(rounds) rounds over \(cases.count) scenarios, seed \(seed)")
        let plan = PowerLossPlan(rounds: losses == nil ? rounds : 0, cases: cases, seed: seed)
        let next = Atomic(0)
        let (cai, work) = (cai, FilePath(work))
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while case let index = next.add(1, ordering: .relaxed).oldValue, index < cases.count {
                let item = cases[index]
                do {
                    let world = try World(
                        item.ground, in: work.appending("power-\(index)"), cai: cai, on: item.format)
                    try item.run(on: world, plan.rounds(of: index), losses, seed: plan.seed(of: index), report)
                    try world.remove()
                } catch {
                    report.failed("\(item.title): the harness itself: \(error)")
                }
            }
        }
        report.finish()
        if report.hasFailed { throw ExitCode.failure }
    }
}

/// Spreads the rounds over the cases: with fewer rounds than cases, the seed says which ones come first.
private struct PowerLossPlan {
    private let counts: [Int]
    private let seed: UInt64

    init(rounds: Int, cases: [PowerLossCase], seed: UInt64) {
        var counts = [Int](repeating: rounds / cases.count, count: cases.count)
        var random = SeededNumbers(seed: seed)
        for index in cases.indices.shuffled(using: &random).prefix(rounds % cases.count) { counts[index] += 1 }
        self.counts = counts
        self.seed = seed
    }

    func rounds(of index: Int) -> Int { counts[index] }
    func seed(of index: Int) -> UInt64 { seed &+ UInt64(index) &* 0x1_0000_0001 }
}

/// One scenario on one kind of disks.
struct PowerLossCase: Sendable {
    enum Work: Sendable {
        case command(Scenario)
        /// The guard, while agents save.
        case agents
        case users(UsersTrial.Change)
    }

    let name: String
    let ground: Ground
    let format: DiskFormat
    let work: Work

    var title: String { "\(name)/\(format.rawValue)" }

    static func all(_ formats: [DiskFormat]) -> [PowerLossCase] {
        let commands = ["init", "sync", "links", "guard", "import", "undo"]
        let scenarios = Scenarios.all(for: commands).filter { $0.ground != .overlay } + [Scenarios.stored(.two)]
        return formats.flatMap { format in
            scenarios.map {
                PowerLossCase(name: $0.title, ground: $0.ground, format: format, work: .command($0))
            }
                + [Ground.two, .one].map {
                    PowerLossCase(name: "agents/\($0.rawValue)", ground: $0, format: format, work: .agents)
                }
                + UsersTrial.Change.allCases.map {
                    PowerLossCase(name: "users-\($0.rawValue)/two", ground: .two, format: format, work: .users($0))
                }
        }
    }

    /// Tries the losses, or so many random ones.
    func run(on world: World, _ rounds: Int, _ losses: [PowerLoss]?, seed: UInt64, _ report: Report) throws {
        if rounds == 0, losses == nil { return }
        var random = SeededNumbers(seed: seed)
        let trial: any PowerLossTrial =
            switch work {
            case .command(let scenario): try CommandTrial(scenario, world)
            case .agents: try AgentsTrial(world)
            case .users(let change): try UsersTrial(change, world)
            }
        let problems = try trial.rehearse()
        report.tried(problems.isEmpty, "\(title): undisturbed", problems, reproduce: title)
        guard problems.isEmpty else { return }
        var failed = 0
        for _ in 0..<(losses == nil ? rounds : 1) {
            let losses = losses ?? trial.losses(using: &random)
            let problems = try trial.attempt(losses)
            let text = losses.map(\.description).joined(separator: ",")
            report.tried(problems.isEmpty, "\(title): \(text)", problems, reproduce: "\(title)@\(text)")
            if !problems.isEmpty { failed += 1 }
        }
        if failed == 0 { report.say("ok - \(title): power lost (\(max(rounds, 1)))") }
    }
}

/// A piece of work that is disturbed by losses of power.
protocol PowerLossTrial {
    /// Does the work undisturbed. Returns what is wrong with that already.
    func rehearse() throws -> [String]
    /// Chooses losses for one round.
    func losses(using random: inout SeededNumbers) -> [PowerLoss]
    /// Does the work with these losses. Returns every promise that did not hold.
    func attempt(_ losses: [PowerLoss]) throws -> [String]
}

/// A command on a tree.
private final class CommandTrial: PowerLossTrial {
    private let trial: Trial
    /// Of an undisturbed run, in microseconds.
    private var duration = 0

    init(_ scenario: Scenario, _ world: World) throws { trial = try Trial(scenario, world) }

    func rehearse() throws -> [String] {
        let problems = try trial.rehearse()
        try trial.reset()
        let start = ContinuousClock.now
        try trial.world.cai(trial.scenario.command, under: trial.scenario.wrapper)
        duration = Int((ContinuousClock.now - start) / .microseconds(1))
        return problems
    }

    /// Mostly one loss; else a second one during the run that finishes the work, or a kill before that run.
    func losses(using random: inout SeededNumbers) -> [PowerLoss] {
        let hasOtherDisk = trial.world.disks?.volume != nil
        let (first, second) = (
            PowerLoss.random(trial.calls, microseconds: duration, hasOtherDisk: hasOtherDisk, using: &random),
            PowerLoss.random(trial.calls, microseconds: duration, hasOtherDisk: hasOtherDisk, using: &random)
        )
        return switch Int.random(in: 0..<6, using: &random) {
        case 0: [PowerLoss(first.moment, .nothing, takesPower: false), second]
        case 1, 2: [first, second]
        default: [first]
        }
    }

    func attempt(_ losses: [PowerLoss]) throws -> [String] { try trial.attempt(losses) }
}
