package import CaiModel
import CaiPlatform
import SystemPackage

/// What a job on users did or, in a preview, would do.
package struct UsersReport: Sendable {
    package var actions: [String] = []
    package var findings: [Finding] = []
    package var isPreview = false
    /// How many accounts and records were changed.
    package var changes = 0
}

/// The users of a machine: accounts in its four files, and the records that bring them back in a new container.
///
/// Every change holds the lock of the users volume and the one that programs for accounts take. The order of a change is:
/// copies of the account files on the disk, the record, the account files; whoever was interrupted behind the record is
/// finished by the next job, by the record, and before it nothing had changed.
package struct UsersJob {
    let workplace: Workplace
    let isPreview: Bool
    let path: FilePath

    /// `isPreview`: nothing is written.
    package init(_ workplace: Workplace, isPreview: Bool) {
        self.workplace = workplace
        self.isPreview = isPreview
        path = workplace.settings.path(.usersDirectory)
    }

    // MARK: Looking

    /// Users with a record or, below `/home`, an account; in the order of their names.
    package func list() throws -> [UserEntry] {
        let state = try state()
        let accounts = Dictionary(state.situation.database.accounts.map { ($0.name, $0) }) { first, _ in first }
        var entries: [UserEntry] = []
        for kept in state.situation.records {
            let record = try? kept.content.get()  // what is wrong with it is for `lint`
            if let record, state.situation.builtIn.contains(record.username) { continue }
            entries.append(
                UserEntry(name: kept.name, account: accounts[kept.name], record: record, hasRecordFile: true))
        }
        let known = Set(entries.map(\.name))
        for account in accounts.values where !known.contains(account.name) && state.isPerson(account) {
            entries.append(UserEntry(name: account.name, account: account, record: nil, hasRecordFile: false))
        }
        return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Whether there is somebody to log in: a user with a record or, below `/home`, an account. A record that cannot be read
    /// now counts too.
    func hasUsers() throws -> Bool {
        let state = try state()
        let hasUnreadRecord = state.situation.records.contains {
            if case .failure(let problem) = $0.content { !problem.isLasting } else { false }
        }
        return hasUnreadRecord || !state.records.isEmpty
            || state.situation.database.accounts.contains(where: state.isPerson)
    }

    /// Whether there is an account or a record of a name, whoever's it is.
    func hasAccount(_ name: String) throws -> Bool {
        let state = try state()
        return state.situation.database.account(name) != nil
            || state.situation.records.contains { $0.name == name }
    }

    /// What is wrong with records and account files; nothing is changed.
    package func lint() throws -> [Finding] {
        let state = try state()
        var planner = UserPlanner(state.situation, .both, digest: UserAgreements.digest)
        return AccountLint(state.situation.database, label: state.files.directory.label).findings
            + planner.run().findings
            + state.leftAside(path)
    }

    // MARK: Changing

    /// Brings accounts and records together in both directions: what a boot does.
    package func restore() throws -> UsersReport { try reconcile(.both) }

    /// Keeps what was changed in accounts, and changes no account.
    package func persist() throws -> UsersReport { try reconcile(.recordsOnly) }

    private func reconcile(_ direction: UserPlanner.Direction) throws -> UsersReport {
        try changing { state, report in
            var planner = UserPlanner(state.situation, direction, digest: UserAgreements.digest)
            try state.carryOut(planner.run(), &report)
        }
    }

    /// Runs `body` with the state of the machine while nobody else changes it, after what an interrupted job left was
    /// finished.
    func changing(_ body: (inout UsersState, inout UsersReport) throws -> Void) throws -> UsersReport {
        guard Identity.isRoot else {
            throw UserProblem(at: "cai users", "accounts are changed by root", advice: "sudo cai users …")
        }
        var report = UsersReport()
        report.isPreview = isPreview
        if isPreview {
            var state = try state()
            try state.finishRemovals(&report)
            try body(&state, &report)
            return report
        }
        let store = try UserRecordStore(root: workplace.root, path: path)
        let files = try AccountFiles(root: workplace.root)
        let volumeLock = try lockVolume(store)
        let result = Result {
            let accountLock = try files.lock(workplace.settings.duration(.lockTimeout))
            let result = Result { try changing(files, store, &report, body) }
            try accountLock.close()
            return try result.get()
        }
        volumeLock.release()
        try result.get()
        return report
    }

    private func lockVolume(_ store: UserRecordStore) throws -> FileLock {
        let path = path.appending(".users.lock")
        let timeout = workplace.settings.duration(.lockTimeout)
        guard let lock = try FileLock(store.directory.openLockFile(".users.lock"), path, timeout: timeout) else {
            throw UserProblem(at: path.printable, "another cai is changing the users", advice: "try again")
        }
        return lock
    }

    private func changing(
        _ files: AccountFiles, _ store: UserRecordStore, _ report: inout UsersReport,
        _ body: (inout UsersState, inout UsersReport) throws -> Void
    ) throws {
        files.removeLeftovers()
        try store.removeLeftovers()
        var state = try state(files: files, store: store)
        try state.finishRemovals(&report)
        try body(&state, &report)
    }

    private func state() throws -> UsersState {
        let files = try AccountFiles(root: workplace.root)
        guard workplace.root.existsInRoot(path) else { return try state(files: files, store: nil) }
        return try state(files: files, store: UserRecordStore(lookingAt: path, root: workplace.root))
    }

    private func state(files: AccountFiles, store: UserRecordStore?) throws -> UsersState {
        var situation = UserSituation(
            database: try files.read(), directory: path.printable,
            now: Timestamp(secondsSinceEpoch: WallClock.seconds))
        situation.records = try store?.records() ?? []
        situation.agreements = try UserAgreements(root: workplace.root).read()
        let surroundings = try UserSurroundings(workplace)
        situation.builtIn = surroundings.builtIn
        situation.identifiers = surroundings.identifiers
        situation.shells = surroundings.shells(
            named: situation.records.compactMap { (try? $0.content.get())?.shell })
        situation.homeOwners = try surroundings.homeOwners()
        return UsersState(
            situation: situation, files: files, store: store, root: workplace.root, isPreview: isPreview,
            homes: UserHome(root: workplace.root, mode: surroundings.homeMode))
    }
}

/// One user, seen from both sides.
package struct UserEntry: Sendable {
    package let name: String
    package let account: AccountDatabase.Account?
    package let record: UserRecord?
    /// Whether there is a file of that name, usable or not.
    package let hasRecordFile: Bool

    /// Whether no password of the user is accepted at the moment.
    package var isLocked: Bool { (account?.password ?? record?.password).map { $0.hasPrefix("!") } ?? true }
    /// How account and record stand to each other, in a word.
    package var state: String {
        switch (account, record, hasRecordFile) {
        case (.some, .some, _): "ok"
        case (.none, .some, _): "no account"
        case (_, .none, true): "unusable record"
        default: "no record"
        }
    }
}
