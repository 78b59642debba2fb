/// The system calls that faults are injected into, and the errors that each can meet.
enum Calls {
    /// Calls that change something.
    static let changing = [
        "write", "pwrite64", "mkdirat", "symlinkat", "linkat", "renameat2", "renameat", "unlinkat", "fchmod",
        "fchmodat",
        "fchownat", "fchown", "utimensat", "fsetxattr", "ftruncate", "fsync", "syncfs", "copy_file_range", "mknodat",
        "flock", "openat",
    ]
    /// Calls that only look: what could not be looked at must never be taken for missing.
    static let looking = [
        "read", "pread64", "newfstatat", "fstat", "getdents64", "readlinkat", "lseek", "flistxattr", "fgetxattr",
    ]
    /// The first calls of the real work, which begins when `cai` has become the owner of the trees.
    static let marks = ["setgroups", "setresuid"]

    static let errors: [String: [String]] = {
        let space = [
            "write", "pwrite64", "mkdirat", "symlinkat", "linkat", "renameat2", "openat", "fsetxattr", "ftruncate",
            "fsync", "syncfs", "mknodat",
        ]
        let naming = [
            "mkdirat", "symlinkat", "linkat", "renameat2", "unlinkat", "openat", "fchmod", "utimensat", "mknodat",
        ]
        return [
            "ENOSPC": space,
            "EIO": changing + looking,
            "EROFS": naming + ["ftruncate"],
            "EACCES": naming + ["newfstatat", "getdents64", "readlinkat"],
            "EXDEV": ["renameat2", "linkat"],
            "EINVAL": ["renameat2"],
            "EMFILE": ["openat"],
            "ENOENT": ["openat", "renameat2", "unlinkat"],
        ]
    }()

    /// One call of a traced run: its name, its number among the calls of that name, and whether it changes something.
    struct Call {
        let name: String
        let number: Int
        let isChanging: Bool
    }

    /// The calls of a trace that belong to the real work. Lines of other processes than the first are left out.
    static func parse(_ lines: [String]) -> [Call] {
        var counts: [Substring: Int] = [:]
        var calls: [Call] = []
        var hasBegun = false
        let first = lines.first?.prefix { $0.isNumber }
        for line in lines where line.prefix(while: \.isNumber) == first {
            let text = line.drop { $0.isNumber || $0 == " " }
            guard let end = text.firstIndex(of: "(") else { continue }
            let name = text[..<end]
            if marks.contains(String(name)) {
                hasBegun = true
                continue
            }
            counts[name, default: 0] += 1
            guard hasBegun, let number = counts[name] else { continue }
            calls.append(Call(name: String(name), number: number, isChanging: isChanging(name, text[end...])))
        }
        return calls
    }

    private static func isChanging(_ name: Substring, _ arguments: Substring) -> Bool {
        switch name {
        case "openat": arguments.contains("O_CREAT") || arguments.contains("O_WRONLY") || arguments.contains("O_RDWR")
        case "write": !arguments.hasPrefix("(1,") && !arguments.hasPrefix("(2,")
        default: changing.contains(String(name))
        }
    }
}
