import ArgumentParser
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// The program of `container/faults` and `container/powerloss`.
@main
struct Harness: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault-injector", subcommands: [FaultInjector.self, PowerLossCommand.self],
        defaultSubcommand: FaultInjector.self)
}

/// Disturbs `cai` at every system call and holds it to its first two promises. `container/faults` runs it in a mount
/// namespace of its own.
struct FaultInjector: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "faults")

    @Flag(help: "Try every fault, not a selection.") var thorough = false
    @Option(help: "Try this command only (may be repeated): \(Scenarios.commands.joined(separator: ", ")), races.")
    var command: [String] = []
    @Option(help: "Try only this scenario, or only this case (scenario@fault), as a failure names it.") var only:
        String?
    @Option(help: "The binary under test.") var cai: String
    @Option(help: "A directory to mount file systems in.") var work: String
    @Option(help: "How many cases run at once.") var jobs = 2

    func run() throws {
        guard geteuid() == 0 else { throw ValidationError("mounting needs root") }
        let commands = command.isEmpty ? Scenarios.commands + ["races"] : command
        let report = Report()
        let parts = only?.split(separator: "@", maxSplits: 1).map(String.init)
        let scenarios = Scenarios.all(for: commands).filter { scenario in
            guard let parts else { return thorough || !Scenarios.long.contains(scenario.name) }
            return scenario.title == parts.first
        }
        let campaigns = scenarios.map { Campaign($0, report, fault: parts?.dropFirst().first.flatMap { Fault($0) }) }
        try disturb(campaigns, report)
        if commands.contains("races") { race(report, only: parts?.first) }
        report.finish()
        if report.hasFailed { throw ExitCode.failure }
    }

    /// Spreads the faults of all scenarios over the jobs; each job has worlds of its own.
    private func disturb(_ campaigns: [Campaign], _ report: Report) throws {
        let (cai, work, isThorough) = (cai, FilePath(work), thorough)
        DispatchQueue.concurrentPerform(iterations: jobs) { job in
            do {
                var worlds: [Ground: World] = [:]
                for campaign in campaigns {
                    let ground = campaign.scenario.ground
                    let name = "\(ground.rawValue)-\(job)"
                    let world = try worlds[ground] ?? World(ground, in: work.appending(name), cai: cai)
                    worlds[ground] = world
                    try campaign.work(in: world, isThorough: isThorough)
                }
            } catch {
                report.failed("the harness itself: \(error)")
            }
        }
    }

    private func race(_ report: Report, only title: String?) {
        let races = Race.allCases.flatMap { race in Ground.allCases.map { (race, $0) } }
            .filter { title == nil || title == $0.title($1) }
        let (cai, work, rounds) = (cai, FilePath(work), thorough ? Race.rounds.many : Race.rounds.few)
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while case let index = next.add(1, ordering: .relaxed).oldValue, index < races.count {
                let (race, ground) = races[index]
                let title = race.title(ground)
                do {
                    let world = try World(ground, in: work.appending("race-\(index)"), cai: cai)
                    let problems = try race.run(on: world, rounds: rounds)
                    report.tried(problems.isEmpty, title, problems, reproduce: title)
                    if problems.isEmpty { report.say("ok - \(title) (\(rounds) rounds)") }
                } catch {
                    report.failed("\(title): the harness itself: \(error)")
                }
            }
        }
    }
}
