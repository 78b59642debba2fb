/// The accounts and groups of a machine, as its four files hold them together.
package struct AccountDatabase: Hashable, Sendable {
    package var passwd: AccountTable
    package var group: AccountTable
    /// Nil on an image without such a file: the hash then stands in `passwd`.
    package var shadow: AccountTable?
    package var gshadow: AccountTable?

    package init(passwd: AccountTable, group: AccountTable, shadow: AccountTable?, gshadow: AccountTable?) {
        self.passwd = passwd
        self.group = group
        self.shadow = shadow
        self.gshadow = gshadow
    }

    /// An account with all that is known of it.
    package struct Account: Hashable, Sendable {
        package var name: String
        package var uid: UInt32
        package var gid: UInt32
        package var comment: String
        package var home: String
        package var shell: String
        /// The field of shadow(5) that the password is checked against; `!` in front of it locks it.
        package var password: String
        /// The groups that name it as a member, in the order of the file.
        package var groups: [String]
    }

    /// The account of a name; nil when there is none, or its line makes no sense.
    package func account(_ name: String) -> Account? {
        passwd.fields(of: name).flatMap { account($0, memberships) }
    }

    /// Every account whose line makes sense, in the order of the file; of equal names the first counts.
    package var accounts: [Account] {
        let memberships = memberships
        var seen: Set<String> = []
        return passwd.entries.compactMap { account($0, memberships) }.filter { seen.insert($0.name).inserted }
    }

    private func account(_ fields: [String], _ memberships: [String: [String]]) -> Account? {
        guard fields.count == passwdFieldCount, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
            return nil
        }
        let name = fields[0]
        let secret = shadow?.fields(of: name).flatMap { $0.count > 1 ? $0[1] : nil }
        return Account(
            name: name, uid: uid, gid: gid, comment: fields[4], home: fields[5], shell: fields[6],
            password: secret ?? (fields[1] == "x" ? noPassword : fields[1]),
            groups: memberships[name] ?? [])
    }

    /// The groups that name each user as a member, in the order of the file.
    private var memberships: [String: [String]] {
        var result: [String: [String]] = [:]
        for fields in group.entries where fields.count == 4 {
            for name in Self.names(fields[3]) { result[name, default: []].append(fields[0]) }
        }
        return result
    }

    /// The name and number of every group.
    package var groups: [(name: String, gid: UInt32)] {
        group.entries.compactMap { fields in
            fields.count == 4 ? UInt32(fields[2]).map { (fields[0], $0) } : nil
        }
    }

    /// Puts an account in place; its memberships are `setMemberships`. What is there already, the age of the password too,
    /// stays. With `group`, it gets a group of its own name and of that number. `day` is the number of days since 1970.
    package mutating func put(_ account: Account, group number: UInt32?, day: Int) {
        let old = passwd.fields(of: account.name).flatMap { $0.count == passwdFieldCount ? $0 : nil }
        passwd.set([
            account.name, shadow == nil ? account.password : "x", "\(account.uid)", "\(account.gid)",
            old?[4] ?? account.comment, account.home, account.shell,
        ])
        setPassword(account.password, of: account.name, day: day)
        if let number { group.set([account.name, "x", "\(number)", ""]) }
        completeGroup(of: account)
    }

    /// Gives the group of an account's own, where there is one, its line in gshadow(5) too.
    package mutating func completeGroup(of account: Account) {
        guard let own = group.fields(of: account.name), own.count == 4, own[2] == "\(account.gid)",
            gshadow?.fields(of: account.name) == nil
        else { return }
        gshadow?.set([account.name, "!", "", own[3]])
    }

    /// Sets the password field of an account; the day of the change too where the field is another one than before.
    package mutating func setPassword(_ password: String, of name: String, day: Int) {
        guard var shadow else {
            passwd.update { $0.count == passwdFieldCount && $0[0] == name ? [$0[0], password] + $0[2...] : $0 }
            return
        }
        var fields = shadow.fields(of: name) ?? [name, "", "\(day)", "0", "99999", "7", "", "", ""]
        while fields.count < shadowFieldCount { fields.append("") }
        if Self.unlocked(fields[1]) != Self.unlocked(password) { fields[2] = "\(day)" }
        fields[1] = password
        shadow.set(fields)
        self.shadow = shadow
    }

    /// Makes each of these users a member of exactly these groups, of those that there are.
    package mutating func setMemberships(_ wanted: [String: Set<String>]) {
        if wanted.isEmpty { return }
        group.update { Self.members(wanted, of: $0) }
        gshadow?.update { Self.members(wanted, of: $0) }
    }

    /// Removes an account, its memberships, and the group of its own when nobody else has it.
    package mutating func remove(_ name: String) {
        let gid = account(name)?.gid
        passwd.remove(name)
        shadow?.remove(name)
        setMemberships([name: []])
        if group.fields(of: name) == nil { gshadow?.remove(name) }
        guard let own = group.fields(of: name), own.count == 4, own[3].isEmpty,
            gid == nil || own[2] == gid.map({ "\($0)" }), !accounts.contains(where: { "\($0.gid)" == own[2] })
        else { return }
        group.remove(name)
        gshadow?.remove(name)
    }

    private static func members(_ wanted: [String: Set<String>], of fields: [String]) -> [String] {
        guard fields.count == 4 else { return fields }
        let old = names(fields[3])
        var new = old.filter { wanted[$0].map { $0.contains(fields[0]) } ?? true }
        new += wanted.filter { $1.contains(fields[0]) && !old.contains($0) }.map(\.key).sorted()
        return new == old ? fields : fields.dropLast() + [new.joined(separator: ",")]
    }

    private static func names(_ list: String) -> [String] { list.split(separator: ",").map(String.init) }

    /// A password field without the marks that lock it.
    package static func unlocked(_ password: String) -> String { String(password.drop { $0 == "!" }) }
}

private let passwdFieldCount = 7
private let shadowFieldCount = 9
/// What no password leads to.
private let noPassword = "*"
