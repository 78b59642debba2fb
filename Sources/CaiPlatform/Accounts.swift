/// One line of passwd(5).
package struct Account: Hashable, Sendable {
    package let name: String
    package let uid: UInt32
    package let gid: UInt32
    package let home: String
    package let shell: String
}

extension Account {
    /// The accounts in the text of a passwd file; lines that are none are left out. Name services are not asked: they do
    /// not exist in a static program.
    package static func parse(passwd text: String) -> [Account] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]), !fields[0].isEmpty else {
                return nil
            }
            return Account(name: fields[0], uid: uid, gid: gid, home: fields[5], shell: fields[6])
        }
    }
}
