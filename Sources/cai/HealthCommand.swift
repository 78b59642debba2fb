import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform

/// `cai health`: whether the container is well, for HEALTHCHECK.
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Tell whether the container is well; exit 1 when it is not.",
        discussion: """
            Looks at the outcome of the last boot, at the links, whether the volume can be written, and at the services \
            of cai entrypoint. What is only degraded is told, and is no failure.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try reportingFailures {
            let workplace = try global.workplaceAsFound()
            let job = HealthJob(workplace, environment: Environment.all, answers: LocalPage.answers) {
                let session = try Session(workplace)
                return (session.machine, session.entries, session.directories)
            }
            let report = job.run()
            print(global.json ? try report.json() : report.text)
            if !report.isHealthy { throw Exit.found }
        }
    }
}

extension HealthReport {
    /// A line for each check.
    fileprivate var text: String {
        checks.map { check in
            let advice = check.advice.map { " (\($0))" } ?? ""
            return "[\(check.outcome.rawValue.uppercased())] \(check.name.rawValue): \(check.sentence)\(advice)"
        }.joined(separator: "\n")
    }
}
