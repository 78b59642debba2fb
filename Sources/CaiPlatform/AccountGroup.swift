/// One line of group(5).
package struct AccountGroup: Hashable, Sendable {
    package let name: String
    package let gid: UInt32
    package let members: [String]
}

extension AccountGroup {
    /// The groups in the text of a group file; lines that are none are left out.
    package static func parse(group text: String) -> [AccountGroup] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 4, let gid = UInt32(fields[2]), !fields[0].isEmpty else { return nil }
            return AccountGroup(name: fields[0], gid: gid, members: fields[3].split(separator: ",").map(String.init))
        }
    }
}
