import SystemPackage

/// The ids that a program runs with.
package struct Credentials: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// Every group, `gid` first.
    package let groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// A user or group that is not known.
    package struct Unknown: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The ids of `USER[:GROUP]`, by name or number, as chown(1) reads it.
    ///
    /// A user without a group has the groups of its account; with one it has only that. A number without an account is its
    /// own group, never root's. Throws `Unknown` for a name that `accounts` or `groups` do not have, and for numbers out
    /// of range.
    package init(
        _ specification: String, accounts: [Account], groups: [AccountGroup]
    ) throws(Unknown) {
        let parts = specification.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let number = identifier(parts[0])
        let account = accounts.first { $0.name == parts[0] } ?? accounts.first { $0.uid == number }
        guard let uid = account?.uid ?? number else { throw Unknown(description: "\(parts[0]): no such user") }
        if parts.count == 2 {
            let named = groups.first { $0.name == parts[1] }?.gid
            guard let gid = named ?? identifier(parts[1]) else {
                throw Unknown(description: "\(parts[1]): no such group")
            }
            self.init(uid: uid, gid: gid, groups: [gid])
        } else {
            let gid = account?.gid ?? uid
            let further = groups.filter { $0.gid != gid && $0.members.contains { $0 == account?.name } }.map(\.gid)
            self.init(uid: uid, gid: gid, groups: [gid] + further)
        }
    }
}

/// A user or group number; the highest one means "unchanged" to the kernel and is none.
private func identifier(_ text: String) -> UInt32? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(text), number != .max else {
        return nil
    }
    return number
}

extension Credentials {
    /// The ids of `USER[:GROUP]` with the accounts of this machine, read from `/etc/passwd` and `/etc/group`: where these
    /// cannot be read only numbers are known. Throws `Unknown`.
    package init(_ specification: String) throws(Unknown) {
        try self.init(
            specification, accounts: Account.parse(passwd: text("/etc/passwd")),
            groups: AccountGroup.parse(group: text("/etc/group")))
    }
}

private func text(_ path: FilePath) -> String {
    guard let file = try? Descriptor(opening: path),  // a missing file has no accounts
        let bytes = try? file.readAll(limit: 16 << 20, path)  // nor has one that cannot be read
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
}

/// The accounts of this machine.
package enum Accounts {
    /// The account of this name, else the first with this id, in `/etc/passwd`; nil where there is none.
    package static func account(uid: UInt32, named name: String) -> Account? {
        let accounts = Account.parse(passwd: text("/etc/passwd"))
        return accounts.first { $0.name == name } ?? accounts.first { $0.uid == uid }
    }
}
