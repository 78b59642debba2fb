package import CaiModel
import CaiPlatform
import SystemPackage

/// How a password is given.
package enum NewPassword: Sendable {
    case password(String)
    /// A hash of crypt(5).
    case hash(String)
}

extension UsersJob {
    /// What a new user is asked to be; what is left out is chosen.
    package struct NewUser: Sendable {
        package var name: String
        package var password: NewPassword
        package var uid: UInt32?
        package var groups: [String]
        package var shell: String?
        package var home: String?

        package init(
            name: String, password: NewPassword, uid: UInt32? = nil, groups: [String] = [], shell: String? = nil,
            home: String? = nil
        ) {
            self.name = name
            self.password = password
            self.uid = uid
            self.groups = groups
            self.shell = shell
            self.home = home
        }
    }

    /// Makes a user: account, record, home. Throws `UserProblem` when the name or password is not accepted, or the name is
    /// taken.
    package func add(_ user: NewUser) throws -> UsersReport {
        try checkNew(user)
        let hash = try hash(of: user.password)
        return try changing { state, report in
            guard state.situation.database.account(user.name) == nil else {
                throw problem(user.name, "there is an account of that name", "cai users passwd \(user.name)")
            }
            guard !state.situation.records.contains(where: { $0.name == user.name }) else {
                throw problem(user.name, "there is a record of that name", "cai users restore")
            }
            var record = UserRecord(username: user.name, passwordHash: hash, isLocked: hash.hasPrefix("!"))
            record.uid = user.uid
            record.gid = user.uid
            record.groups = user.groups
            record.shell = user.shell
            record.home = user.home
            try state.setRecord(record)
            try reconcile(&state, &report, only: user.name)
            guard
                state.situation.database.account(user.name) != nil
                    || !report.findings.contains(where: { $0.severity == .error })
            else {
                throw UsersRefused(findings: report.findings)
            }
            report.actions = ["Added user: \(user.name)"]
        }
    }

    private func checkNew(_ user: NewUser) throws {
        if let sentence = UserName.problemOfNew(user.name) { throw problem(user.name, "the name \(sentence)", nil) }
        if try UserSurroundings(workplace).builtIn.contains(user.name) {
            throw problem(user.name, "is a user of the image", "choose another name")
        }
        if let uid = user.uid, uid == 0 || uid >= 1 << 31 || uid == 65534 {
            throw problem(user.name, "\(uid) is no id for a user", nil)
        }
        for place in [user.shell, user.home].compactMap({ $0 })
        where !place.hasPrefix("/") || place.contains(":") || place.contains(where: \.isNewline) {
            throw problem(user.name, "\(FilePath(place).printable) is not an absolute path", nil)
        }
        // As records: a home below /home that leads out of it would be another account's.
        for place in [user.shell, user.home].compactMap({ $0 }) where place.split(separator: "/").contains("..") {
            throw problem(
                user.name, "\(FilePath(place).printable) contains \"..\"", "write the path that it leads to")
        }
    }

    /// Sets the password of a user.
    package func setPassword(of name: String, to password: NewPassword) throws -> UsersReport {
        let hash = try hash(of: password)
        return try change(name, "Changed the password of user: \(name)") { old in
            old.hasPrefix("!") && AccountDatabase.unlocked(old).count > 1 ? "!" + hash : hash
        }
    }

    /// Locks a user: no password is accepted until it is unlocked, and the hash stays. The last one that is not locked
    /// needs `force`.
    package func lock(_ name: String, force: Bool) throws -> UsersReport {
        try change(name, "Locked user: \(name)", unlessLast: !force) { $0.hasPrefix("!") ? $0 : "!" + $0 }
    }

    /// Unlocks a user. Throws when there is no password to unlock.
    package func unlock(_ name: String) throws -> UsersReport {
        try change(name, "Unlocked user: \(name)") { old in
            let hash = AccountDatabase.unlocked(old)
            guard PasswordField.isHash(hash) else {
                throw problem(name, "has no password that could be unlocked", "cai users passwd \(name)")
            }
            return hash
        }
    }

    /// Removes account and record; the home directory stays. The last user needs `force`.
    package func remove(_ name: String, force: Bool) throws -> UsersReport {
        if try UserSurroundings(workplace).builtIn.contains(name) { throw problem(name, "is a user of the image", nil) }
        return try changing { state, report in
            let account = state.situation.database.account(name)
            guard account.map(state.isPerson) ?? false || state.situation.records.contains(where: { $0.name == name })
            else { throw problem(name, "there is no such user", "cai users list") }
            if !force, Set(state.records.map(\.username)).subtracting([name]).isEmpty {
                throw problem(name, "is the last user: nobody could log in any more", "add --force to remove it")
            }
            try state.remove(name)
            report.actions = ["Removed user: \(name)"]
            report.changes = 1
            if let home = account?.home, workplace.root.existsInRoot(FilePath(home)) {
                report.findings.append(Finding(.note, at: home, "the home directory stays"))
            }
        }
    }

    /// Changes the password field of one user, in record and account.
    private func change(
        _ name: String, _ action: String, unlessLast isProtected: Bool = false, _ change: (String) throws -> String
    ) throws -> UsersReport {
        try changing { state, report in
            guard let account = state.situation.database.account(name), state.isPerson(account) else {
                throw problem(name, "there is no such user", "cai users list")
            }
            if isProtected, !state.records.contains(where: { $0.username != name && !$0.isLocked }) {
                throw problem(name, "is the last user that can log in", "add --force to lock it")
            }
            let password = try change(account.password)
            if password == account.password { return }
            var record =
                state.records.first { $0.username == name }
                ?? UserRecord(account, createdAt: state.situation.now.description)
            record.passwordHash = password
            record.isLocked = password.hasPrefix("!")
            try state.setRecord(record)
            try reconcile(&state, &report, only: name)
            report.actions = [action]
        }
    }

    /// Brings one record, which is to hold whatever the account says, and its account together.
    func reconcile(_ state: inout UsersState, _ report: inout UsersReport, only name: String) throws {
        var situation = state.situation
        // The other records count for their ids alone, and the other accounts for theirs.
        situation.builtIn.formUnion(situation.database.accounts.map(\.name).filter { $0 != name })
        situation.builtIn.formUnion(situation.records.map(\.name).filter { $0 != name })
        situation.records.removeAll { kept in
            if case .failure(let problem) = kept.content { problem.isLasting && kept.name != name } else { false }
        }
        situation.agreements[name] = nil
        var planner = UserPlanner(situation, .both, digest: UserAgreements.digest)
        var plan = planner.run()
        plan.findings.removeAll { $0.severity == .note }
        for (other, agreement) in state.situation.agreements where other != name { plan.agreements[other] = agreement }
        if !plan.records.contains(where: { $0.username == name }),
            case .success(let record)? = situation.records.first(where: { $0.name == name })?.content,
            plan.findings.allSatisfy({ $0.severity != .error })
        {
            plan.records.append(record)
        }
        try state.carryOut(plan, &report)
    }

    private func hash(of password: NewPassword) throws -> String {
        switch password {
        case .hash(let hash):
            guard PasswordField.isHash(hash) || ["!", "*"].contains(hash) else {
                throw UserProblem(at: "the hash", "is no password hash of crypt(5)", advice: "mkpasswd makes one")
            }
            return hash
        case .password(let password):
            if let sentence = PasswordPolicy.problem(password) {
                throw UserProblem(at: "the password", sentence, advice: "choose another one, or --generate one")
            }
            return try PasswordHash.make(password)
        }
    }

    private func problem(_ name: String, _ sentence: String, _ advice: String?) -> UserProblem {
        UserProblem(at: "user \(FilePath(name).printable)", sentence, advice: advice)
    }
}

/// A user that was not made, with the reasons.
package struct UsersRefused: Error, Sendable {
    package let findings: [Finding]
}
