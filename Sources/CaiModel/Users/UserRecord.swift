/// What is kept of a user on the users volume: `USER.json` (predecessors 2.5), the fields of version 2 where they are known.
package struct UserRecord: Hashable, Sendable {
    package var username: String
    /// The password field of shadow(5), as it stands there.
    package var passwordHash: String
    package var isLocked: Bool
    package var uid: UInt32?
    package var gid: UInt32?
    package var groups: [String]?
    package var shell: String?
    package var home: String?
    /// UTC, as `Timestamp` writes it.
    package var createdAt: String?
    /// What others wrote into the file, which stays there: the text of each value by its name.
    package var others: [String: [UInt8]] = [:]

    package init(username: String, passwordHash: String, isLocked: Bool) {
        self.username = username
        self.passwordHash = passwordHash
        self.isLocked = isLocked
    }

    /// What an account is, to be kept. `createdAt` is for one that was not kept before.
    package init(_ account: AccountDatabase.Account, createdAt: String?) {
        self.init(
            username: account.name, passwordHash: account.password, isLocked: account.password.hasPrefix("!"))
        uid = account.uid
        gid = account.gid
        groups = account.groups
        shell = account.shell
        home = account.home
        self.createdAt = createdAt
    }

    /// The password field of the account: locked by its mark when the record is.
    package var password: String {
        isLocked && !passwordHash.hasPrefix("!") ? "!" + passwordHash : passwordHash
    }

    /// Whether everything of version 2 is known.
    package var isComplete: Bool { uid != nil && gid != nil && groups != nil && shell != nil && home != nil }
}

/// Why a record is not used: one sentence that quotes no value but the name of a field.
package struct UserRecordProblem: Error, Hashable, Sendable {
    package let sentence: String
    /// Whether the file is none that could be a record, now or later, and not only one that cannot be read now.
    package let isLasting: Bool

    package init(_ sentence: String, isLasting: Bool = true) {
        self.sentence = sentence
        self.isLasting = isLasting
    }
}

extension UserRecord {
    /// The version that is written.
    package static let version = 2

    /// Reads a record; throws `UserRecordProblem` for anything that no account could be made from. `file` is the name of
    /// its file without `.json`, which has to be the user's name.
    package init(reading bytes: [UInt8], named file: String) throws(UserRecordProblem) {
        let object: JSONValue
        do {
            object = try JSONDocument(bytes).root
        } catch {
            throw UserRecordProblem("is not JSON: \(error)")
        }
        guard object.kind == .object else { throw UserRecordProblem("is not a JSON object") }
        username = try Self.text("username", in: object)
        passwordHash = try Self.text("password_hash", in: object)
        guard let locked = object["locked"]?.bool else { throw UserRecordProblem("\"locked\" is not true or false") }
        isLocked = locked
        uid = try Self.identifier("uid", in: object)
        gid = try Self.identifier("gid", in: object)
        shell = try Self.place("shell", in: object)
        home = try Self.place("home", in: object)
        createdAt = object["created_at"]?.string
        for (name, value) in object.members where Key(rawValue: name) == nil { others[name] = Array(value.text) }
        groups = try Self.groups(in: object)
        if let problem = UserName.problem(username) { throw UserRecordProblem("\"username\" \(problem)") }
        guard username == file else { throw UserRecordProblem("\"username\" is not the name of the file") }
        guard PasswordField.isUsable(passwordHash) else {
            throw UserRecordProblem("\"password_hash\" is no password hash")
        }
    }

    private static func text(_ key: String, in object: JSONValue) throws(UserRecordProblem) -> String {
        guard let value = object[key] else { throw UserRecordProblem("\"\(key)\" is missing") }
        guard let text = value.string else { throw UserRecordProblem("\"\(key)\" is not a string") }
        return text
    }

    private static func identifier(_ key: String, in object: JSONValue) throws(UserRecordProblem) -> UInt32? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let number = value.integer, let id = UInt32(exactly: number), id < 1 << 31, id != 65534, id != 65535
        else {
            throw UserRecordProblem("\"\(key)\" is no id of a user")
        }
        if id == 0 { throw UserRecordProblem("\"\(key)\" is 0, which is root") }
        return id
    }

    private static func place(_ key: String, in object: JSONValue) throws(UserRecordProblem) -> String? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let text = value.string, text.hasPrefix("/"), isField(text), !text.split(separator: "/").contains("..")
        else {
            throw UserRecordProblem("\"\(key)\" is not an absolute path")
        }
        return text
    }

    private static func groups(in object: JSONValue) throws(UserRecordProblem) -> [String]? {
        guard let value = object["groups"], !value.isNull else { return nil }
        let names = value.elements.compactMap(\.string)
        guard value.kind == .array, names.count == value.elements.count,
            names.allSatisfy({ !$0.isEmpty && isField($0) && !$0.contains(",") })
        else { throw UserRecordProblem("\"groups\" is not a list of group names") }
        return names
    }

    /// Whether a text can stand in a field of an account file.
    private static func isField(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != ":" }
    }
}

extension UserRecord: Encodable {
    /// The text of the file.
    package func content() throws -> [UInt8] {
        let text = Array(try sortedJSON(self).utf8)
        let more = others.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .flatMap { Array(",\n  ".utf8) + quotedJSON($0.key) + Array(" : ".utf8) + $0.value }
        // Behind the last of our own members, of which there always are some.
        return Array(text.dropLast(2)) + more + Array("\n}\n".utf8)
    }

    fileprivate enum Key: String, CodingKey {
        case username, passwordHash = "password_hash", isLocked = "locked", version, uid, gid, groups, shell, home
        case createdAt = "created_at"
    }

    /// Writes the record: the predecessors' three fields as they know them, those of version 2 where they are known.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(username, forKey: .username)
        try container.encode(passwordHash, forKey: .passwordHash)
        try container.encode(isLocked, forKey: .isLocked)
        try container.encode(Self.version, forKey: .version)
        try container.encodeIfPresent(uid, forKey: .uid)
        try container.encodeIfPresent(gid, forKey: .gid)
        try container.encodeIfPresent(groups, forKey: .groups)
        try container.encodeIfPresent(shell, forKey: .shell)
        try container.encodeIfPresent(home, forKey: .home)
        try container.encodeIfPresent(createdAt, forKey: .createdAt)
    }
}
