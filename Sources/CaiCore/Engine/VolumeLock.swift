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
    /// keeps it. `command` is noted in the lock file once `body` calls the function it is given, and gets a second line, which
    /// no other run has, when `body` has come to its end: whoever sees the same line later knows that no run has noted itself
    /// in between. A run that is in the middle of its work, or was killed there, has none.
    package static func with<Result>(
        _ volume: Tree, timeout: Duration, command: String, _ body: (_ note: () throws -> Void) throws -> Result
    ) throws -> Result {
        let lock = try take(volume, timeout: timeout)
        let holder = "\(command) \(ProcessFacts.id) \(ProcessFacts.hostName)\n"
        var isNoted = false
        let result = Swift.Result {
            try body {
                isNoted = true
                try lock.note(holder, ".containai/lock")
            }
        }
        if isNoted {
            // Where that does not work, others look again.
            try? lock.note("\(holder)\(String(UInt64.random(in: 0 ... .max), radix: 16))\n", ".containai/lock")
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
        // Only a courtesy: the lock itself was found held.
        guard let note = try? note(directory, name) else { return "" }
        let lines = note.split(separator: 0x0A)
        return FilePath(String(decoding: lines.first ?? [], as: UTF8.self)).printable
    }

    private static func note(_ directory: Directory, _ name: FilePath.Component) throws -> [UInt8] {
        try directory.openFile(name).readAll(limit: 512, directory.label)
    }

    /// What the last run noted at its end; nil where nothing, or something else, stands there.
    static func lastNote(_ volume: Tree) -> [UInt8]? {
        guard let directory = try? volume.directory(StateDirectory.path), let note = try? note(directory, "lock"),
            note.split(separator: 0x0A).count == 2, note.last == 0x0A
        else { return nil }
        return note
    }
}
