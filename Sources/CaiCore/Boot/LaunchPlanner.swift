package import CaiModel
package import CaiPlatform
import SystemPackage

/// Tells the process that starts the workload how to do that.
package struct LaunchPlanner {
    private let workplace: Workplace
    private let environment: [String: String]

    package init(_ workplace: Workplace, environment: [String: String]) {
        self.workplace = workplace
        self.environment = environment
    }

    /// What is known before the first step of a boot: as whom the workload runs, and where. Groups are those of the account
    /// in `/etc/group` below the root; one that cannot be read has none.
    package func beginning(isStrict: Bool) -> LaunchPlan {
        let settings = workplace.settings
        let (uid, gid) = (workplace.owner.uid, workplace.owner.gid)
        let user = settings.text(.user)
        // Groups only add rights: without the file the workload has those of its own group.
        let text = (try? workplace.root.readFileInRoot("/etc/group", limit: 16 << 20)) ?? []
        let groups = AccountGroup.parse(group: String(decoding: text, as: UTF8.self))
            .filter { $0.gid != gid && $0.members.contains(user) }.map(\.gid)
        var plan = LaunchPlan()
        plan.identity = LaunchPlan.Identity(
            user: user, credentials: Credentials(uid: uid, gid: gid, groups: [gid] + groups),
            home: settings.text(.home), directories: [settings.path(.workspace), settings.path(.home), "/"])
        plan.isStrict = isStrict
        plan.services = settings.services.map { ServicePlan($0) }
        plan.hasAgentService = settings.isOn(.agentService)
        plan.tellsJSON = settings.text(.serviceOutput) == "json"
        plan.stateDirectories = BootRecord(workplace, environment: environment).directories
        if settings.isOn(.manageUsers) { plan.withheldVariables = UserBootstrap.secretVariables }
        plan.shutdownHookDirectories = settings.list(HookKind.shutdown.setting).map { FilePath($0) }
        return plan
    }

    /// What is known when the boot is over.
    package func rest(
        _ report: BootReport, essential: Set<BootStepName>, rest: InitJob.Rest
    ) -> LaunchPlan {
        var plan = LaunchPlan()
        let known = Set(rest.variables.map(\.name))
        plan.variables =
            rest.agentVariables.filter { !known.contains($0.name) } + rest.variables.map { ($0.name, $0.value) }
        if let step = report.firstFailure(of: Set(essential.map(\.rawValue))) {
            plan.failure = LaunchPlan.Failure(
                step: step.name, code: Int32(clamping: step.code), duration: "\(step.duration.milliseconds) ms")
        }
        return plan
    }
}

extension ServicePlan {
    /// The service as it is run.
    fileprivate init(_ service: ServiceDeclaration) {
        self.init(named: service.name)
        command = service.command
        user = service.user
        directory = service.directory?.string
        variables = service.variables.map { ($0.name, $0.value) }
        restart = Restart(service.restart)
        pause = service.pause.wholeMilliseconds
        longestPause = service.longestPause.wholeMilliseconds
        restartLimit = service.restartLimit
        readiness = Readiness(service.readiness)
        readyTime = service.readyTime.wholeMilliseconds
        after = service.after
        stopSignal = service.stopSignal
        stopCommand = service.stopCommand
        stopTime = service.stopTime.wholeMilliseconds
        isEssential = service.isEssential
        successCodes = service.successCodes
    }
}

extension ServicePlan.Restart {
    fileprivate init(_ restart: ServiceDeclaration.Restart) {
        switch restart {
        case .always: self = .always
        case .onFailure: self = .onFailure
        case .no: self = .no
        }
    }
}

extension ServicePlan.Readiness {
    fileprivate init(_ readiness: ServiceDeclaration.Readiness) {
        switch readiness {
        case .none: self = .none
        case .notify: self = .notify
        case .descriptor: self = .descriptor
        case .socket(let path): self = .socket(path)
        case .command(let line): self = .command(line)
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int { Int(self / .milliseconds(1)) }
}
