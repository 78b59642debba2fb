package import CaiModel
import CaiPlatform

extension UsersJob {
    /// What a boot does: the first user from the environment where there is no record that can be used, then `restore`.
    package func boot(_ bootstrap: UserBootstrap) throws -> UsersReport {
        try changing { state, report in
            if state.records.isEmpty { try begin(bootstrap, &state, &report) }
            var planner = UserPlanner(state.situation, .both, digest: UserAgreements.digest)
            try state.carryOut(planner.run(), &report)
        }
    }

    private func begin(_ bootstrap: UserBootstrap, _ state: inout UsersState, _ report: inout UsersReport) throws {
        guard let name = bootstrap.username else {
            return report.findings.append(
                Finding(.note, at: path.printable, "No persisted users and no bootstrap user configured"))
        }
        do {
            let hash = try hash(of: bootstrap)
            if let sentence = UserName.problem(name) { throw UserProblem(at: "OPENCODE_BOOTSTRAP_USER", sentence) }
            if state.situation.builtIn.contains(name) {
                throw UserProblem(
                    at: "OPENCODE_BOOTSTRAP_USER", "names a user of the image", advice: "choose another name")
            }
            try state.setRecord(UserRecord(username: name, passwordHash: hash, isLocked: false))
            try reconcile(&state, &report, only: name)
            report.actions.append("Bootstrap user ready: \(name)")
        } catch let problem as UserProblem {
            report.findings.append(problem.finding)  // a container without its first user starts nevertheless
        }
    }

    private func hash(of bootstrap: UserBootstrap) throws -> String {
        let name = UserBootstrap.secretVariables
        if let hash = bootstrap.hash {
            guard PasswordField.isHash(hash) else {
                throw UserProblem(at: name[1], "is no password hash of crypt(5)", advice: "mkpasswd makes one")
            }
            return hash
        }
        guard let password = bootstrap.password else {
            throw UserProblem(
                at: "OPENCODE_BOOTSTRAP_USER", "OPENCODE_BOOTSTRAP_USER is set but no password or hash provided",
                advice: "set \(name[0]) or \(name[1])")
        }
        if password.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw UserProblem(at: name[0], "holds a control character")
        }
        return try PasswordHash.make(password)
    }
}
