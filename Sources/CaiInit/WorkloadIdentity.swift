import CaiPlatform
import Glibc
import SystemPackage

/// As whom, where, and with which variables the command of an entrypoint is started.
struct WorkloadIdentity {
    /// Nil for the ids that this process has.
    let credentials: Credentials?
    /// How errors call the user.
    let user: String
    let directories: [FilePath]
    let variables: [(name: String, value: String)]

    /// What the options say, else the plan of the boot, else what can be known without one. Never root's ids because
    /// something is missing. Throws `CommandFailure` for a user of the options that is not known.
    init(_ options: RunOptions, _ plan: LaunchPlan) throws(CommandFailure) {
        let planned: LaunchPlan.Identity
        if let identity = plan.identity { planned = identity } else { planned = try Self.identityWithoutBoot() }
        directories = options.workingDirectory.map { [$0] } ?? planned.directories
        if let user = options.user {
            credentials = try InitWork.credentials(user)
            self.user = user
            variables = plan.variables
        } else if geteuid() == 0, planned.credentials.uid != 0 {
            credentials = planned.credentials
            user = planned.user
            let home = planned.home
            // Last, because of equal names the last one counts: root's home is no place for the agent's files.
            variables = plan.variables + [("HOME", home), ("USER", user), ("LOGNAME", user)]
        } else {
            credentials = nil
            user = planned.user
            variables = plan.variables
        }
    }

    /// The user of the preset, or of `CAI_USER`, as the accounts of this machine have it; without an account the ids that
    /// the presets have. In a user namespace of one id only, that. Throws for ids that the namespace does not have.
    private static func identityWithoutBoot() throws(CommandFailure) -> LaunchPlan.Identity {
        let variable = { (name: String) in getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } }
        let user = variable("CAI_USER") ?? (variable("CAI_PRESET") == "opencode" ? "opencoder" : "agent")
        // One that is not known has the usual ids.
        let known = (try? Credentials(user)) ?? Credentials(uid: 1000, gid: 1000, groups: [1000])
        let credentials = Identity.isAlone ? Credentials(uid: 0, gid: 0, groups: [0]) : known
        guard Identity.isAlone || Identity.isMapped(uid: known.uid) else {
            let sentence = "\(user): the user id \(known.uid) does not exist in this user namespace"
            throw CommandFailure(.user(sentence), user, .invalidArgument)
        }
        let home = variable("CAI_HOME") ?? "/home/\(user)"
        let workspace = variable("CAI_WORKSPACE") ?? home + "/workspace"
        return LaunchPlan.Identity(
            user: user, credentials: credentials, home: home,
            directories: [FilePath(workspace), FilePath(home), "/"])
    }
}
