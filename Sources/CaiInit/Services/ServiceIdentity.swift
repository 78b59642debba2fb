import CaiPlatform
import Glibc
import SystemPackage

/// As whom, where, and with which variables a service is started.
struct ServiceIdentity {
    /// Nil for the ids that this process has.
    let credentials: Credentials?
    /// How errors call the user.
    let user: String
    let directories: [FilePath]
    let variables: [(name: String, value: String)]

    /// What the service says, else what holds for the command of the entrypoint; the agent service has the ids of this
    /// process. Never root's ids because something is missing. Throws `CommandFailure` for a user that is not known.
    ///
    /// The variables of `.env`, which the agent writes, are only for services that run as the agent: they can make a program
    /// load what they name.
    init(_ service: ServicePlan, _ plan: LaunchPlan) throws(CommandFailure) {
        if service.isAgentService {
            credentials = nil
            user = ""
            directories = ["/"]
            variables = []
            return
        }
        let directory = service.directory.map { [FilePath($0)] }
        let agent = try WorkloadIdentity(RunOptions(), plan)
        guard let name = service.user else {
            credentials = agent.credentials
            user = agent.user
            directories = directory ?? plan.identity.map { [FilePath($0.home), "/"] } ?? agent.directories
            variables = agent.variables + service.variables
            return
        }
        let known = try InitWork.credentials(name)
        credentials = known
        user = name
        let uid = known?.uid ?? geteuid()
        let account = Accounts.account(uid: uid, named: String(name.prefix { $0 != ":" }))
        let home = account?.home ?? "/"
        directories = directory ?? [FilePath(home), "/"]
        let isAgents = uid == (agent.credentials?.uid ?? geteuid())
        let own = [("HOME", home), ("USER", account?.name ?? name), ("LOGNAME", account?.name ?? name)]
        variables = (isAgents ? plan.variables : []) + own + service.variables
    }

    /// Variables that are for this process, or for its command alone: sockets and descriptors of a service manager, and what
    /// this program was told on the way.
    static func isWithheld(_ name: String) -> Bool {
        withheld.contains(name) || InitProgram.allCases.contains { name.hasPrefix($0.variablePrefix) }
    }

    private static let withheld: Set<String> = [
        "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID",
        "WATCHDOG_USEC", "USE_SYSTEMD", readyVariable,
    ]

    /// Where a service finds the descriptor on which it tells that it does its work.
    static let readyVariable = "CAI_READY_FD"
}
