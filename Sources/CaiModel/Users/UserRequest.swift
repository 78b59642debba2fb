/// A user as a program asks for it: a JSON object with `username`, one of `password`, `password_hash` and `generate` (true),
/// and for a new one perhaps `uid`, `groups`, `shell` and `home`. No part of it may get into a log.
package struct UserRequest: Sendable {
    /// How the password is given.
    package enum Secret: Sendable { case password(String), hash(String), generated }

    /// Why a text is no such object, as a sentence that quotes no value.
    package struct Problem: Error, Hashable, Sendable { package let sentence: String }

    package let username: String
    package let secret: Secret
    package let uid: UInt32?
    package let groups: [String]
    package let shell: String?
    package let home: String?

    private static let keys: Set<String> = [
        "username", "password", "password_hash", "generate", "uid", "groups", "shell", "home",
    ]

    /// Reads a request; a key that is not known is refused, as a slip of the pen must not be a user without a group.
    package init(_ text: [UInt8]) throws(Problem) {
        // Where it goes wrong is not told: that may be beside a secret.
        guard let root = try? JSONDocument(text).root, root.kind == .object else {
            throw Problem(sentence: "the content is not a JSON object")
        }
        if root.members.contains(where: { !Self.keys.contains($0.name) }) {
            throw Problem(
                sentence: "the content has a key that is not one of \(Self.keys.sorted().joined(separator: ", "))")
        }
        guard let name = try Self.text("username", of: root) else {
            throw Problem(sentence: "there is no \"username\"")
        }
        username = name
        let secrets: [Secret?] = [
            try Self.text("password", of: root).map { .password($0) },
            try Self.text("password_hash", of: root).map { .hash($0) },
            root["generate"]?.bool == true ? .generated : nil,
        ]
        guard let secret = secrets.compactMap({ $0 }).first, secrets.count(where: { $0 != nil }) == 1 else {
            throw Problem(sentence: "there has to be one of \"password\", \"password_hash\" and \"generate\"")
        }
        self.secret = secret
        shell = try Self.text("shell", of: root)
        home = try Self.text("home", of: root)
        uid = root["uid"]?.integer.flatMap { UInt32(exactly: $0) }
        let given = root["groups"]
        groups = given?.elements.compactMap(\.string) ?? []
        if let given, given.kind != .array || groups.count != given.elements.count {
            throw Problem(sentence: "\"groups\" is not a list of names")
        }
        if uid == nil, root["uid"] != nil { throw Problem(sentence: "\"uid\" is no number of a user") }
    }

    private static func text(_ key: String, of root: JSONValue) throws(Problem) -> String? {
        guard let value = root[key] else { return nil }
        guard let text = value.string else { throw Problem(sentence: "\"\(key)\" is not a text") }
        return text
    }
}
