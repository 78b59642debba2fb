import CaiModel
import CaiPlatform
import SystemPackage

/// The users of a machine as they were read, and how changes to them are written.
struct UsersState {
    var situation: UserSituation
    let files: AccountFiles
    /// Nil when there is no users volume yet, and none may be made.
    let store: UserRecordStore?
    let root: Directory
    let isPreview: Bool
    let homes: UserHome

    /// Whether an account is one of a person, and not of the image.
    func isPerson(_ account: AccountDatabase.Account) -> Bool {
        account.home.hasPrefix("/home/") && account.uid != 0 && !situation.builtIn.contains(account.name)
    }

    /// The records that can be used and are not of the image's users.
    var records: [UserRecord] {
        situation.records.compactMap { try? $0.content.get() }.filter { !situation.builtIn.contains($0.username) }
    }

    /// Has the user's record be this one; a file of its name that is no record is put aside first.
    mutating func setRecord(_ record: UserRecord) throws {
        let kept = UserSituation.Kept(name: record.username, content: .success(record))
        guard let index = situation.records.firstIndex(where: { $0.name == record.username }) else {
            return situation.records.append(kept)
        }
        if case .failure(let problem) = situation.records[index].content, !isPreview {
            guard problem.isLasting else {
                throw UserProblem(
                    at: "user \(FilePath(record.username).printable)", "the record \(problem.sentence)",
                    advice: "try again")
            }
            try store?.putAside(record.username, at: situation.now)
        }
        situation.records[index] = kept
    }

    /// Writes what a plan says, in the order that can be interrupted.
    mutating func carryOut(_ plan: UserPlan, _ report: inout UsersReport) throws {
        report.findings += plan.findings
        report.actions += plan.actions
        report.changes += plan.records.count + plan.homes.count + plan.quarantine.count
        if plan.database != situation.database { report.changes += 1 }
        if isPreview {
            try files.requireReplaceable(plan.database, instead: situation.database)
            return situation.database = plan.database
        }
        let staged = try files.stage(plan.database, instead: situation.database)
        do {
            for name in plan.quarantine { try store?.putAside(name, at: situation.now) }
            try store?.write(plan.records)
        } catch {
            staged.discard()
            throw error
        }
        // Before the accounts: an account that is there is not made again, and would stay without a home.
        for account in plan.homes { makeHome(account, &report) }
        try staged.commit()
        situation.database = plan.database
        if plan.agreements != situation.agreements {
            try UserAgreements(root: root).write(plan.agreements)
            situation.agreements = plan.agreements
        }
    }

    /// A home that cannot be made keeps nobody from having the account.
    private func makeHome(_ account: AccountDatabase.Account, _ report: inout UsersReport) {
        do {
            _ = try homes.make(for: account)
        } catch {
            report.findings.append(
                Finding(
                    .warning, at: account.home, "the home directory cannot be made: \(error.sentence)",
                    advice: "mkdir \(account.home) && chown \(account.uid):\(account.gid) \(account.home)"))
        }
    }

    /// Ends removals that were interrupted.
    mutating func finishRemovals(_ report: inout UsersReport) throws {
        for name in try store?.removals() ?? [] {
            try remove(name)
            report.actions.append("Finished the removal of user: \(name)")
            report.changes += 1
        }
    }

    /// Removes account and record. What is left when this is interrupted, the next job removes.
    mutating func remove(_ name: String) throws {
        var database = situation.database
        database.remove(name)
        if isPreview {
            try files.requireReplaceable(database, instead: situation.database)
            situation.database = database
            return situation.records.removeAll { $0.name == name }
        }
        let staged = try files.stage(database, instead: situation.database)
        do {
            try store?.beginRemoval(of: name)
        } catch {
            staged.discard()
            throw error
        }
        try staged.commit()
        situation.database = database
        situation.records.removeAll { $0.name == name }
        if situation.agreements.removeValue(forKey: name) != nil {
            try UserAgreements(root: root).write(situation.agreements)
        }
        try store?.endRemoval(of: name)
    }

    /// What was put aside earlier, or cannot be trusted.
    func leftAside(_ path: FilePath) -> [Finding] {
        guard let names = try? store?.directory.names() else { return [] }  // no volume, nothing aside
        return names.map(\.string).filter { $0.contains(".json.invalid-") }.map {
            Finding(
                .warning, at: "\(path.printable)/\(FilePath($0).printable)",
                "a record that could not be used was put aside",
                advice: "mend it and give it its old name back, or remove it")
        }
    }
}
