import CPlatform
import Glibc
import SystemPackage

/// As whom this thread works on files.
package enum Identity {
    /// The effective user and group.
    package static var uid: UInt32 { geteuid() }
    package static var gid: UInt32 { getegid() }
    package static var isRoot: Bool { geteuid() == 0 }

    /// True if a user id exists in this user namespace (user_namespaces(7), uid_map), or if that cannot be told.
    package static func isMapped(uid: UInt32) -> Bool {
        mappedRanges?.contains { UInt64($0.first) <= UInt64(uid) && UInt64(uid) < $0.first + $0.count } ?? true
    }

    /// True if this user namespace has one user id only, as that of an unprivileged user often does.
    package static var isAlone: Bool { mappedRanges?.reduce(0) { $0 + $1.count } == 1 }

    /// The ids of this namespace; nil without /proc.
    private static var mappedRanges: [(first: UInt64, count: UInt64)]? {
        guard let file = try? Descriptor(opening: "/proc/self/uid_map"),  // see above
            let bytes = try? file.readAll(limit: 1 << 20, "/proc/self/uid_map")
        else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").compactMap { UInt64($0) }
            return fields.count == 3 ? (fields[0], fields[2]) : nil
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
