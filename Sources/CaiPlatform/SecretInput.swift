import CPlatform
import Glibc
package import SystemPackage

/// Reads a secret that somebody types or pipes in.
package enum SecretInput {
    /// More than this is no password.
    private static let limit = 64 << 10

    /// The first line of standard input, or on a terminal one that is typed without being shown behind `prompt`; without
    /// its newline.
    package static func line(prompt: String) throws(SystemCallError) -> [UInt8] {
        let isTerminal = isatty(0) == 1
        var old = termios()
        if isTerminal, tcgetattr(0, &old) == 0 {
            StandardError.write(prompt)
            var silent = old
            silent.c_lflag &= ~tcflag_t(ECHO)
            _ = tcsetattr(0, TCSAFLUSH, &silent)
        }
        defer {
            if isTerminal {
                _ = tcsetattr(0, TCSAFLUSH, &old)
                StandardError.write("\n")
            }
        }
        return try firstLine(of: Descriptor.standardInput(), "standard input")
    }

    /// The first line of a file, without its newline.
    package static func line(in path: FilePath) throws(SystemCallError) -> [UInt8] {
        try firstLine(of: Descriptor(opening: path), path)
    }

    private static func firstLine(of file: borrowing Descriptor, _ path: FilePath) throws(SystemCallError) -> [UInt8] {
        var result: [UInt8] = []
        var byte: UInt8 = 0
        while result.count < limit {
            let count = try check("read", path.printed) { read(file.raw, &byte, 1) }
            if count == 0 || byte == UInt8(ascii: "\n") { return result }
            result.append(byte)
        }
        throw SystemCallError("read", path.printed, .fileTooLarge)
    }
}
