import CPlatform
import Glibc
import SystemPackage

/// Standard error, unbuffered. A reader that is gone is no error.
package enum StandardError {
    package static func write(_ text: String) {
        var text = text
        text.withUTF8 { buffer in
            var rest = UnsafeRawBufferPointer(buffer)
            while !rest.isEmpty {
                let count = Glibc.write(2, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
    }

    /// The same for a short line, which is dropped when the reader does not keep up: this never waits.
    package static func writeAtOnce(_ line: String) {
        var state = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        // A pipe that can be written takes PIPE_BUF bytes without waiting (pipe(7)).
        guard poll(&state, 1, 0) == 1, state.revents == Int16(POLLOUT) else { return }
        write(line)
    }
}

extension StandardError {
    /// Lets this process go on when nobody reads any more, and write to a terminal in whose background it is, also after
    /// `stty tostop`. Programs that it starts with `ChildProcess` do not inherit that.
    package static func outliveReaders() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGTTOU, SIG_IGN)
    }
}

/// A file that whoever started this process has left open for it.
package enum InheritedFile {
    /// Writes all of it; the file stays open. Throws `SystemCallError`.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let problem = errno
            if count < 0, problem == EINTR { continue }
            if count <= 0 { throw SystemCallError("write", "descriptor \(descriptor)", Errno(rawValue: problem)) }
            rest = rest.dropFirst(count)
        }
    }
}

/// The environment of this process.
package enum Environment {
    /// Every variable; of one that is there twice the first, as getenv(3) reads it.
    package static var all: [String: String] {
        var result: [String: String] = [:]
        var next = Glibc.environ
        while let variable = next.pointee {
            next += 1
            guard let equals = strchr(variable, CInt(UInt8(ascii: "="))) else { continue }
            let name = UnsafeRawBufferPointer(start: variable, count: equals - variable)
            let key = String(decoding: name, as: UTF8.self)
            if result[key] == nil { result[key] = String(cString: equals + 1) }
        }
        return result
    }
}

/// Whether somebody is looking.
package enum Watched {
    package static var isOutput: Bool { isatty(1) == 1 }
    package static var isError: Bool { isatty(2) == 1 }
}
