import SystemPackage

/// The setting `fs.protected_hardlinks` (proc_sys_fs(5)).
package enum ProtectedLinks {
    /// True if a user may make hard links only to files that are the user's own, or that the user may read and write. Every
    /// distribution has it on; where it cannot be read it is taken for on.
    package static var areOn: Bool {
        let text = (try? kernelFile("/proc/sys/fs/protected_hardlinks")) ?? []  // no /proc, or none of Linux's own
        return text.first != UInt8(ascii: "0")
    }
}
