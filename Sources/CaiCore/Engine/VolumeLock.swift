import CaiModel
package import CaiPlatform
import SystemPackage

/// The lock of a volume: one run changes it at a time.
package enum VolumeLock {
    /// Another process kept the lock for the whole timeout.
    package struct Held: Error, Sendable {
        /// Who noted itself in the lock file: command, process id and host name; empty when nobody did.
        package let holder: String
    }

    /// Runs `body` while this process holds the lock, waiting for it up to `timeout`; throws `Held` when somebody else
    /// keeps it. `command` is noted in the lock file once `body` calls the function it is given.
    package static func with<Result>(
        _ volume: Tree, timeout: Duration, command: String, _ body: (_ note: () throws -> Void) throws -> Result
    ) throws -> Result {
        let lock = try take(volume, timeout: timeout)
        let result = Swift.Result {
            try body { try lock.note("\(command) \(ProcessFacts.id) \(ProcessFacts.hostName)\n", ".containai/lock") }
        }
        lock.release()
        return try result.get()
    }

    private static func take(_ volume: Tree, timeout: Duration) throws -> FileLock {
        let directory = try volume.makeDirectories(StateDirectory.path, mode: 0o700)
        let name: FilePath.Component = "lock"
        let path = directory.label.appending(name)
        guard let lock = try FileLock(directory.openLockFile(name), path, timeout: timeout) else {
            throw Held(holder: holder(directory, name))
        }
        return lock
    }

    private static func holder(_ directory: Directory, _ name: FilePath.Component) -> String {
        guard let file = try? directory.openFile(name), let note = try? file.readAll(limit: 512, directory.label) else {
            return ""  // only a courtesy: the lock itself was found held
        }
        return FilePath(String(decoding: note, as: UTF8.self).filter { $0 != "\n" }).printable
    }
}
