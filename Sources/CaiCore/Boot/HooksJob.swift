package import CaiModel
import CaiPlatform
import SystemPackage

/// Runs the hooks of a kind by themselves, with the environment that a boot gives its own: `.env` over nothing that is set.
package struct HooksJob {
    private let kind: HookKind
    private let workplace: Workplace
    private let environment: [String: String]

    package init(_ kind: HookKind, _ workplace: Workplace, environment: [String: String]) {
        self.kind = kind
        self.workplace = workplace
        self.environment = environment
    }

    /// Runs them. `log` gets the name of the hook and each line of its output, without secrets. Without a volume they run
    /// without its variables. Throws when it cannot become the owner.
    package func run(log: (String, String) -> Void) throws -> HooksReport {
        // No volume, or no home: the hooks are no less important.
        let machine = try? workplace.machine()
        let (file, findings) = try machine.map { try VolumeEnvironment(workplace, $0).read() } ?? (nil, [])
        let all = file?.applying(to: environment) ?? environment
        let hooks = Hooks(
            kind, workplace, environment: workplace.agentEnvironment(all),
            redactor: Redactor(secrets: file?.secrets ?? []))
        var report = hooks.run(log: log)
        report.surroundings = findings + report.surroundings
        return report
    }
}
