import CaiModel

/// Readers of what lies on a users volume, in account files, and in OpenCode's configuration.
extension Targets {
    /// The first line is a path with dots, the rest a document with comments: an edit changes the value at the path, says
    /// so when it is read again, and has nothing to do the second time.
    static func editDocument(_ bytes: [UInt8]) throws {
        let lines = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        guard lines.count == 2 else { return }
        let path = String(decoding: lines[0], as: UTF8.self).split(separator: ".").prefix(8).map(String.init)
        let text = Array(lines[1])
        guard !path.isEmpty, let old = try? JSONDocument(text, dialect: .lenient) else { return }  // it may refuse
        guard old.bytes == text else { throw Complaint("reads a document as another one") }
        for value in [JSONLiteral.bool(true), .object([(name: "a\"b", value: .array([.null, .integer(-1)]))])] {
            guard let edited = try? old.setting(path, to: value) else { continue }  // not an object on the way
            let new = try reread(edited)
            guard let kind = new.value(at: path)?.kind, [.true, .object].contains(kind) else {
                throw Complaint("sets a value that is not there")
            }
            guard try new.setting(path, to: value) == edited else { throw Complaint("sets a value twice") }
            let rest = try reread(new.removing(path))
            if rest.value(at: path) != nil { throw Complaint("removes a value that stays") }
        }
    }

    private static func reread(_ text: [UInt8]) throws -> JSONDocument {
        do {
            return try JSONDocument(text, dialect: .lenient)
        } catch {
            throw Complaint("makes a document that is none: \(error)")
        }
    }

    /// A record that is accepted is written so that it is read again as the same, and fits into lines of account files.
    static func readUserRecord(_ bytes: [UInt8]) throws {
        guard let record = try? UserRecord(reading: bytes, named: "alice") else { return }  // it may refuse
        let again = try? UserRecord(reading: record.content(), named: "alice")
        guard again == record else { throw Complaint("reads itself as something else") }
        guard record.uid != 0, record.gid != 0 else { throw Complaint("is root") }
        let fields = [record.username, record.password, record.shell ?? "", record.home ?? ""] + (record.groups ?? [])
        if fields.contains(where: { $0.utf8.contains(0x3A) || $0.utf8.contains(0x0A) || $0.utf8.contains(0) }) {
            throw Complaint("breaks out of its field")
        }
    }

    /// Every byte of an account file stays but those of the entry that is changed.
    static func editAccounts(_ bytes: [UInt8]) throws {
        let old = AccountTable(bytes)
        guard old.text == bytes else { throw Complaint("writes what it read as something else") }
        let entry = ["alice", "x", "1", "2", "", "/h", "/s"]
        var new = old
        new.set(entry)
        guard new.fields(of: "alice") == entry else { throw Complaint("sets an entry that is not there") }
        guard AccountTable(new.text).fields(of: "alice") == entry else { throw Complaint("loses an entry it wrote") }
        let others = { (table: AccountTable) in table.entries.filter { $0.first != "alice" } }
        guard others(new) == others(old) else { throw Complaint("changes the entries of others") }
        new.remove("alice")
        if new.fields(of: "alice") != nil { throw Complaint("removes an entry that stays") }
        guard others(new) == others(old) else { throw Complaint("removes the entries of others") }
    }
}
