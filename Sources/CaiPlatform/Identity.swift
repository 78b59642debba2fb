import CPlatform
import Glibc
import SystemPackage

/// As whom this thread works on files.
package enum Identity {
    /// The effective user and group.
    package static var uid: UInt32 { geteuid() }
    package static var gid: UInt32 { getegid() }
    package static var isRoot: Bool { geteuid() == 0 }

    /// Whether a user id exists in this user namespace (user_namespaces(7), uid_map); true when that cannot be told.
    package static func isMapped(uid: UInt32) -> Bool {
        guard let file = try? Descriptor(opening: "/proc/self/uid_map"),  // without /proc nothing can be told
            let bytes = try? file.readAll(limit: 1 << 20, "/proc/self/uid_map")
        else { return true }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            let fields = line.split(separator: " ").compactMap { UInt64($0) }
            return fields.count == 3 && fields[0] <= UInt64(uid) && UInt64(uid) < fields[0] + fields[2]
        }
    }

    /// Runs `body` as somebody else and comes back to root. Only this thread changes, and what `Workers` it starts; `body`
    /// must not wait for work that other threads do.
    package static func with<Result>(
        uid: UInt32, gid: UInt32, _ body: () throws -> Result
    ) throws -> Result {
        _ = try check("change to user \(uid)", "thread") { cai_become(uid, gid, 0) }
        let result = Swift.Result { try body() }
        _ = try check("change back to root", "thread") { cai_become_root_again() }
        return try result.get()
    }
}
