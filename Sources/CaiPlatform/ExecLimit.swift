import Glibc

/// The limits of the kernel on the arguments and the environment of a program (execve(2)).
package enum ExecLimit {
    /// The most bytes of one argument or variable with its NUL: 32 pages.
    package static var longestString: Int { 32 * Int(getpagesize()) }

    /// The most bytes of all of them: a quarter of the stack, at least 128 KiB and at most 6 MiB.
    package static var total: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(3), &limit) == 0 else { return 128 << 10 }
        return Int(min(max(limit.rlim_cur / 4, 128 << 10), 6 << 20))
    }

    /// The bytes that a string of this length takes: with its NUL and a pointer to it.
    package static func size(ofLength length: Int) -> Int { length + 1 + MemoryLayout<UnsafeRawPointer>.size }

    /// The bytes that may be added to the environment of this process, so that as many are left for arguments and for what
    /// programs set themselves.
    package static var room: Int {
        var used = 0
        var next = environ
        while let variable = next.pointee {
            used += size(ofLength: strlen(variable))
            next += 1
        }
        return max(total - used, 0) / 2
    }
}
