/// A name that becomes a shell function, checked so that defining it breaks neither the shell nor the file it stands in.
struct ShellName: Hashable, Sendable {
    let text: String

    /// Why a name cannot become a function.
    enum Problem: Error {
        case notAName, reserved

        /// The reason as the end of a sentence that begins with the name.
        var sentence: String {
            switch self {
            case .notAName:
                "cannot be the name of a shell function; letters, digits, \"_\" and \"-\" can, digits not first"
            case .reserved: "is a word of the shell itself"
            }
        }
    }

    /// Takes `[A-Za-z_][A-Za-z0-9_-]*` unless it is a word of the shell.
    init(_ text: String) throws(Problem) {
        func isLetter(_ byte: UInt8) -> Bool { byte == 0x5F || (0x61...0x7A).contains(byte | 0x20) }
        let isName = text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        guard isName, text.utf8.first.map(isLetter) == true else { throw .notAName }
        if Self.reserved.contains(text) { throw .reserved }
        self.text = text
    }

    /// Whether every shell can define a function of this name; some refuse the whole file over a hyphen.
    var isPortable: Bool { !text.utf8.contains(0x2D) }

    /// Reserved words, and builtins that a wrapper must not stand in front of: POSIX lets a shell end over a function
    /// named like a special one, and the others are used by the wrappers and by people's start files.
    private static let reserved: Set<String> = [
        "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "namespace",
        "select",
        "then", "time", "until", "while",
        "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "source", "times",
        "trap", "unset",
        "alias", "bg", "bind", "builtin", "caller", "cd", "command", "compgen", "complete", "compopt", "declare",
        "dirs",
        "disown", "echo", "enable", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let",
        "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "shopt", "suspend", "test",
        "true", "type", "typeset", "ulimit", "umask", "unalias", "wait",
    ]
}

/// The text as one word of a shell, whatever is in it.
func singleQuoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars {
        if scalar == "'" { result += "'\\''" } else { result.unicodeScalars.append(scalar) }
    }
    return result + "'"
}
