import Glibc
import SystemPackage

/// A folder of programs that print their name and their arguments, and shells that find nothing else.
final class FakeBinaries {
    private let folder: FilePath

    init(_ names: [String]) throws {
        var template = Array("/tmp/cai-wrappers-XXXXXX".utf8CString)
        folder = try template.withUnsafeMutableBufferPointer {
            guard let base = $0.baseAddress, mkdtemp(base) != nil else { throw Errno(rawValue: errno) }
            return FilePath(String(cString: base))
        }
        let script = "#!/bin/sh\nprintf '%s' \"${0##*/}\"\nfor each; do printf '<%s>' \"$each\"; done\necho\n"
        for name in names { try write(script, to: folder.appending(name), permissions: [.ownerReadWriteExecute]) }
    }

    deinit {
        _ = try? run(["/bin/sh"], "exec /bin/rm -rf \"$FOLDER\"")
    }

    /// What the script prints on both of its outputs.
    func run(_ shell: [String], _ script: String) throws -> String {
        let (scriptPath, output) = (folder.appending("script"), folder.appending("output"))
        try write(script, to: scriptPath, permissions: [.ownerReadWrite])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output.string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let words = copies(shell + [scriptPath.string])
        let environment = copies(["PATH=\(folder)", "FOLDER=\(folder)"])
        defer { (words + environment).forEach { free($0) } }
        var child = pid_t()
        let problem = posix_spawn(&child, shell[0], &actions, nil, words, environment)
        guard problem == 0 else { throw Errno(rawValue: problem) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1 { guard errno == EINTR else { throw Errno(rawValue: errno) } }
        return try read(output)
    }

    private func write(_ text: String, to path: FilePath, permissions: FilePermissions) throws {
        let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: permissions)
        _ = try file.closeAfter { try file.writeAll(text.utf8) }
    }

    private func read(_ path: FilePath) throws -> String {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }
}

/// The words as C wants them, with nil behind the last.
private func copies(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
    words.map { strdup($0) } + [nil]
}

/// Whether there is a program that can be run.
func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
