import CaiModel
import CaiPlatform
import FoundationEssentials
import SystemPackage

/// The files of the first login in the directory of the user records, root's alone (predecessors 2.6). Each is replaced
/// atomically and durably; the lock file is never removed, or two could hold it.
struct BootstrapStore {
    private static let code: FilePath.Component = ".initial-otp.json"
    private static let secret: FilePath.Component = ".initial-otp.secret"
    private static let completion: FilePath.Component = ".bootstrap-complete.json"
    private static let lockName: FilePath.Component = ".initial-otp.lock"
    private static let limit = 64 << 10

    let directory: Directory

    /// Waits for the lock that the predecessors' helper takes too. Throws `UserProblem` when it is held for too long.
    func lock(_ timeout: Duration) throws -> FileLock {
        let path = directory.label.appending(Self.lockName)
        guard let lock = try FileLock(directory.openLockFile(Self.lockName), path, timeout: timeout) else {
            throw UserProblem(at: path.printable, "another program is at work on the first login", advice: "try again")
        }
        return lock
    }

    // MARK: Looking

    /// The code; nil when there is no file.
    func readCode() throws -> Result<BootstrapCode, BootstrapCodeProblem>? {
        try read(Self.code).map { bytes in
            Result { () throws(BootstrapCodeProblem) in try BootstrapCode(reading: bytes) }
        }
    }

    /// The code in clear, which only the predecessors' way of keeping it has.
    func readSecret() throws -> String? { try read(Self.secret).map { String(decoding: $0, as: UTF8.self) } }

    /// Whether the first setup was done, and when. A file that says nothing of it counts as done: what is shut stays shut.
    func readCompletion() throws -> (isCompleted: Bool, time: String?) {
        guard let bytes = try read(Self.completion) else { return (false, nil) }
        // What cannot be parsed counts as done, as what says nothing does.
        guard let root = try? JSONDocument(bytes).root else { return (true, nil) }
        return (root["completed"]?.bool ?? true, root["completed_at"]?.string)
    }

    private func read(_ name: FilePath.Component) throws -> [UInt8]? {
        do {
            return try directory.openFile(name).readAll(limit: Self.limit, directory.label.appending(name))
        } catch let error where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    // MARK: Changing

    /// Keeps a code. `secret`: the code in clear, for the predecessors' way; it is there before its hash is.
    func write(_ code: BootstrapCode, secret: String? = nil) throws {
        if let secret {
            try replace(Self.secret, Array(secret.utf8))
        } else {
            try remove(Self.secret)
        }
        try replace(Self.code, content(of: code))
    }

    /// Keeps a code that was changed, and leaves one in clear where it is.
    func update(_ code: BootstrapCode) throws { try replace(Self.code, content(of: code)) }

    private func content(of code: BootstrapCode) throws -> [UInt8] { Array(try sortedJSON(code).utf8) + [0x0A] }

    /// Removes the code: it works for nobody any more.
    func removeCode() throws {
        try remove(Self.code)
        try remove(Self.secret)
    }

    func removeSecret() throws { try remove(Self.secret) }

    func writeCompletion(by name: String, at time: Timestamp) throws {
        let text = try sortedJSON(Completion(completed: true, completed_at: time.description, username: name))
        try replace(Self.completion, Array(text.utf8) + [0x0A])
    }

    func removeCompletion() throws { try remove(Self.completion) }

    private func replace(_ name: FilePath.Component, _ content: [UInt8]) throws {
        try StateDirectory.replace(name, in: directory, with: content, mode: 0o600)
    }

    /// Removes a file, and the copy in the making that an interrupted run left.
    private func remove(_ name: FilePath.Component) throws {
        let part = FilePath.Component(name.string + StateDirectory.partSuffix)
        var isRemoved = false
        for each in [part, name].compactMap({ $0 }) where try directory.status(of: each) != nil {
            try directory.unlink(each)
            isRemoved = true
        }
        if isRemoved { try directory.sync() }
    }

    /// Its keys are the predecessors'.
    private struct Completion: Encodable {
        let completed: Bool
        let completed_at: String
        let username: String
    }
}
