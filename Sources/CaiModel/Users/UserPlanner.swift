/// What is known when users and their records are brought together.
package struct UserSituation: Sendable {
    /// One file of the users volume, by its name without `.json`.
    package struct Kept: Sendable {
        package let name: String
        package let content: Result<UserRecord, UserRecordProblem>
        package init(name: String, content: Result<UserRecord, UserRecordProblem>) {
            self.name = name
            self.content = content
        }
    }

    /// What account and record were when they last said the same, as digests of `UserFacts`.
    package struct Agreement: Hashable, Sendable, Codable {
        package let account: String
        package let record: String
    }

    package var records: [Kept]
    package var database: AccountDatabase
    package var agreements: [String: Agreement]
    /// Users that are not managed (predecessors 2.1).
    package var builtIn: Set<String>
    /// The shells that there are.
    package var shells: Set<String>
    /// Who owns the home directories that are there, by user.
    package var homeOwners: [String: (uid: UInt32, gid: UInt32)]
    /// UID_MIN and UID_MAX of login.defs(5).
    package var identifiers: ClosedRange<UInt32>
    package var now: Timestamp
    /// Where records lie, for messages.
    package var directory: String

    package init(database: AccountDatabase, directory: String, now: Timestamp) {
        records = []
        self.database = database
        agreements = [:]
        builtIn = []
        shells = []
        homeOwners = [:]
        identifiers = 1000...59999
        self.now = now
        self.directory = directory
    }
}

/// What is to be done about users: the account files as they shall be, records to write and to put aside, homes to make.
package struct UserPlan: Sendable {
    package var database: AccountDatabase
    package var records: [UserRecord] = []
    /// Names of files to put aside, without `.json`.
    package var quarantine: [String] = []
    package var homes: [AccountDatabase.Account] = []
    package var agreements: [String: UserSituation.Agreement]
    package var findings: [Finding] = []
    /// What is done, one line each, as the predecessors say it where they do.
    package var actions: [String] = []
}

/// What of an account counts when it is compared with its record. Its digest is kept, never the facts themselves.
package struct UserFacts: Hashable, Sendable {
    package let text: String

    init(_ account: AccountDatabase.Account) {
        text = [
            account.password, "\(account.uid)", "\(account.gid)", account.home, account.shell,
            account.groups.sorted().joined(separator: ","),
        ].joined(separator: ":")
    }

    init(_ record: UserRecord) {
        let number: (UInt32?) -> String = { $0.map { "\($0)" } ?? "" }
        text = [
            record.password, number(record.uid), number(record.gid), record.home ?? "", record.shell ?? "",
            (record.groups ?? []).sorted().joined(separator: ","),
        ].joined(separator: ":")
    }
}

/// Brings accounts and records together. It touches nothing, and is the same for the same situation.
///
/// A record without an account makes the account; an account below `/home` without a record gets a record. Where both are
/// there and differ, the one that changed since they last agreed wins, and where both changed the record does. `digest` has
/// to be one that tells nothing about its text.
package struct UserPlanner {
    /// Whether accounts are made and changed too, or only records written.
    package enum Direction: Sendable { case both, recordsOnly }

    private let situation: UserSituation
    private let direction: Direction
    private let digest: (String) -> String
    private var plan: UserPlan
    private var accounts: [String: AccountDatabase.Account] = [:]
    private var usersByID: [UInt32: String] = [:]
    private var groupNames: Set<String>
    private var groupIDs: Set<UInt32>
    private var reserved: [UInt32: String] = [:]
    private var homesByID: [UInt32: String] = [:]
    /// Whether there are records whose ids are not known.
    private var hasUnreadRecords = false
    /// Below this no id is free.
    private var nextID: UInt32 = 0
    private var memberships: [String: Set<String>] = [:]

    package init(_ situation: UserSituation, _ direction: Direction, digest: @escaping (String) -> String) {
        self.situation = situation
        self.direction = direction
        self.digest = digest
        plan = UserPlan(database: situation.database, agreements: situation.agreements)
        for account in situation.database.accounts {
            accounts[account.name] = account
            if usersByID[account.uid] == nil { usersByID[account.uid] = account.name }
        }
        for (name, owner) in situation.homeOwners { homesByID[owner.uid] = name }
        let groups = situation.database.groups
        groupNames = Set(groups.map(\.name))
        groupIDs = Set(groups.map(\.gid))
    }

    /// The plan.
    package mutating func run() -> UserPlan {
        let kept = situation.records.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for case .success(let record) in kept.map(\.content) {
            if let uid = record.uid, reserved[uid] == nil { reserved[uid] = record.username }
        }
        hasUnreadRecords = kept.contains {
            if case .failure(let problem) = $0.content { !problem.isLasting } else { false }
        }
        for each in kept { take(each) }
        let known = Set(kept.map(\.name))
        for account in accounts.values.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
        where !known.contains(account.name) && isManaged(account) { keep(account) }
        plan.database.setMemberships(memberships)
        return plan
    }

    /// Whether an account is one to keep: of a person, below `/home`, and not part of the image.
    private func isManaged(_ account: AccountDatabase.Account) -> Bool {
        account.home.hasPrefix("/home/") && account.uid != 0 && situation.identifiers.contains(account.uid)
            && !situation.builtIn.contains(account.name) && UserName.problem(account.name) == nil
            && PasswordField.isUsable(account.password)
    }

    private mutating func keep(_ account: AccountDatabase.Account) {
        plan.actions.append("Migrated unmanaged user to managed records: \(account.name)")
        write(UserRecord(account, createdAt: situation.now.description), for: account)
    }

    private mutating func write(_ record: UserRecord, for account: AccountDatabase.Account) {
        plan.records.append(record)
        agree(account, record)
    }

    private mutating func agree(_ account: AccountDatabase.Account, _ record: UserRecord) {
        plan.agreements[account.name] = .init(
            account: digest(UserFacts(account).text), record: digest(UserFacts(record).text))
    }

    private func place(_ name: String) -> String { "\(situation.directory)/\(name).json" }

    private mutating func note(_ severity: Severity, _ name: String, _ sentence: String, advice: String? = nil) {
        plan.findings.append(Finding(severity, at: place(name), sentence, advice: advice))
    }

    private mutating func take(_ kept: UserSituation.Kept) {
        switch kept.content {
        case .failure(let problem) where !problem.isLasting:
            note(.error, kept.name, "the record \(problem.sentence); it stays as it is", advice: "try again")
        case .failure(let problem):
            plan.quarantine.append(kept.name)
            note(
                .error, kept.name, "the record \(problem.sentence); it is put aside",
                advice: "mend the file that is kept beside it, or run cai users add")
        case .success(let record) where situation.builtIn.contains(record.username):
            note(.note, kept.name, "is the record of a user of the image and is not used")
        case .success(let record):
            if let account = accounts[record.username] { compare(record, account) } else { make(record) }
        }
    }
}

// MARK: A record without an account

extension UserPlanner {
    private mutating func make(_ record: UserRecord) {
        guard direction == .both else {
            return note(.note, record.username, "has no account here", advice: "cai users restore makes it")
        }
        guard let uid = identifier(for: record) else { return }
        let gid = record.gid ?? (groupIDs.contains(uid) ? situation.homeOwners[record.username]?.gid ?? uid : uid)
        var complete = record
        complete.uid = uid
        complete.gid = gid
        complete.groups = record.groups ?? []
        complete.home = record.home ?? "/home/\(record.username)"
        complete.shell = record.shell ?? "/bin/bash"
        complete.createdAt = record.createdAt ?? situation.now.description
        let account = account(from: complete)
        put(account)
        plan.homes.append(account)
        plan.actions.append("Restored user: \(record.username)")
        if complete == record { agree(account, record) } else { write(complete, for: account) }
    }

    /// The number of a user: that of the record; else the one that owns its home already, when nobody else has it; else the
    /// first free one, which owns nobody's home. Nil, with a finding, when the number of the record is somebody else's.
    private mutating func identifier(for record: UserRecord) -> UInt32? {
        let name = record.username
        if let uid = record.uid {
            let other = usersByID[uid] ?? (reserved[uid] == name ? nil : reserved[uid])
            guard let other else { return uid }
            note(
                .error, name, "the user's id \(uid) is that of \(other); the account is not made",
                advice: "give one of them another id with usermod -u, or remove one")
            return nil
        }
        if hasUnreadRecords {
            note(
                .error, name, "the user gets no id as long as another record cannot be read; the account is not made",
                advice: "try again")
            return nil
        }
        let isFree = { [usersByID, reserved, homesByID] (uid: UInt32) in
            usersByID[uid] == nil && reserved[uid] == nil && (homesByID[uid] ?? name) == name
        }
        let owned = situation.homeOwners[name].flatMap {
            situation.identifiers.contains($0.uid) && isFree($0.uid) ? $0.uid : nil
        }
        let rest = max(nextID, situation.identifiers.lowerBound)...situation.identifiers.upperBound
        let uid = owned ?? rest.first(where: isFree)
        if owned == nil { nextID = uid ?? situation.identifiers.upperBound }
        guard let uid else {
            note(.error, name, "there is no free id for the user; the account is not made")
            return nil
        }
        reserved[uid] = name
        return uid
    }

    /// The account that a complete record stands for, on this machine.
    private mutating func account(from record: UserRecord) -> AccountDatabase.Account {
        let wanted = record.groups ?? []
        for group in wanted where !groupNames.contains(group) {
            note(.warning, record.username, "there is no group \(group) here; the user is not in it")
        }
        return AccountDatabase.Account(
            name: record.username, uid: record.uid ?? 0, gid: record.gid ?? 0, comment: "", home: record.home ?? "/",
            shell: shell(for: record.shell), password: record.password, groups: wanted.filter(groupNames.contains))
    }

    private func shell(for wanted: String?) -> String {
        let choices = [wanted, "/bin/bash", "/bin/sh"].compactMap { $0 }
        return choices.first(where: situation.shells.contains) ?? wanted ?? "/bin/sh"
    }

    private mutating func put(_ account: AccountDatabase.Account) {
        let needsGroup = !groupIDs.contains(account.gid) && !groupNames.contains(account.name)
        let day = Int(situation.now.secondsSinceEpoch / 86_400)
        plan.database.put(account, group: needsGroup ? account.gid : nil, day: day)
        memberships[account.name] = Set(account.groups)
        usersByID[account.uid] = account.name
        if needsGroup {
            groupIDs.insert(account.gid)
            groupNames.insert(account.name)
        }
    }
}

// MARK: A record and an account

extension UserPlanner {
    private mutating func compare(_ record: UserRecord, _ account: AccountDatabase.Account) {
        var complete = record
        complete.uid = record.uid ?? account.uid
        complete.gid = record.gid ?? account.gid
        complete.groups = record.groups ?? account.groups
        complete.home = record.home ?? account.home
        complete.shell = record.shell ?? account.shell
        complete.createdAt = record.createdAt ?? situation.now.description
        if direction == .both {
            // Where the last job was interrupted between two of the files.
            memberships[account.name] = Set(account.groups)
            plan.database.completeGroup(of: account)
        }
        let before = situation.agreements[record.username]
        let accountChanged = before.map { $0.account != digest(UserFacts(account).text) } ?? false
        let recordChanged = before.map { $0.record != digest(UserFacts(complete).text) } ?? true
        if accountChanged, !recordChanged { return persist(account, over: complete) }
        if recordChanged, direction == .both {
            if accountChanged {
                note(.warning, record.username, "both the record and the account were changed; the record holds")
            }
            apply(complete, over: account)
        }
        if complete != record { write(complete, for: accounts[record.username] ?? account) }
    }

    private mutating func persist(_ account: AccountDatabase.Account, over record: UserRecord) {
        guard PasswordField.isUsable(account.password) else {
            return note(
                .warning, record.username, "the account has a password field that is no hash; the record stays",
                advice: "cai users passwd \(record.username)")
        }
        var new = UserRecord(account, createdAt: record.createdAt)
        new.others = record.others
        // What stood in for something that is not there here is nobody's wish.
        if account.shell == shell(for: record.shell) { new.shell = record.shell }
        new.groups = account.groups + (record.groups ?? []).filter { !groupNames.contains($0) }
        plan.actions.append("Kept the changes of user: \(record.username)")
        write(new, for: account)
    }

    private mutating func apply(_ record: UserRecord, over old: AccountDatabase.Account) {
        var account = account(from: record)
        account.comment = old.comment
        if account.uid != old.uid, let other = usersByID[account.uid], other != record.username {
            note(
                .error, record.username,
                "the user's id \(account.uid) is that of \(other); the account keeps \(old.uid)",
                advice: "give one of them another id with usermod -u")
            (account.uid, account.gid) = (old.uid, old.gid)
        }
        if UserFacts(account) != UserFacts(old) {
            if account.uid != old.uid { usersByID[old.uid] = nil }
            put(account)
            plan.actions.append("Restored user: \(record.username)")
        }
        accounts[record.username] = account
        agree(account, record)
    }
}
