import CaiModel
import CaiPlatform
import Synchronization
import SystemPackage

/// A file as it is to be, but for its content.
struct StagedFile: Sendable {
    let name: FilePath.Component
    let mode: UInt16
    let modified: Int64
    let attributes: [(name: String, value: [UInt8])]

    /// Gives an open file what it is to have beside its content; returns the attributes that it cannot hold.
    func dress(_ file: borrowing Descriptor, _ path: FilePath) throws(SystemCallError) -> [String] {
        let lost = try file.setAttributes(attributes, path)
        try file.keepMode(mode, path)
        try file.keepTimes(accessed: modified, modified: modified, path)
        return lost
    }
}

extension Descriptor {
    /// Sets attributes; returns the names of those that the file system cannot hold, or this process may not set.
    func setAttributes(
        _ attributes: [(name: String, value: [UInt8])], _ path: FilePath
    ) throws(SystemCallError) -> [String] {
        var lost: [String] = []
        for (name, value) in attributes {
            do {
                try setAttribute(name, to: value, path)
            } catch {
                let isKnown: [Errno] = [.notSupported, .permissionDenied, .notPermitted, .invalidArgument, .noSpace]
                guard isKnown.contains(error.errno) else { throw error }
                lost.append(name)
            }
        }
        return lost
    }
}

/// Writes small files in threads beside the one that reads the archive; the first few itself, which is quicker done than a
/// thread is started.
///
/// `add` and `drain` are for one thread. After an error nothing more is written, and the next call throws it.
final class FileWriters {
    struct Job: Sendable {
        let member: Int
        let directory: Directory
        let file: StagedFile
        let content: [UInt8]
    }

    /// What became of the files so far.
    struct Results: Sendable {
        var digests: [Int: ContentDigest] = [:]
        var lostAttributes: Set<String> = []
        fileprivate var failure: SystemCallError?
    }

    private final class Shared: Sendable {
        let results = Mutex(Results())
    }

    private let shared = Shared()
    private var queue: BoundedQueue<Job>?
    private var threads: [Thread] = []
    private var count = 0

    private static let few = 4

    deinit { stop(dropping: true) }

    /// Has a file written, now or later.
    func add(_ job: Job) throws(SystemCallError) {
        count += 1
        if count <= Self.few {
            guard Self.work(job, shared) else { return try check() }
            return
        }
        if queue == nil { try start() }
        guard let queue, queue.push(job) else { return try check() }
    }

    /// What became of the files that are written so far and were not told yet.
    func take() throws(SystemCallError) -> Results {
        try check()
        return shared.results.withLock { results in
            let taken = results
            results = Results()
            return taken
        }
    }

    /// Waits until everything is written; says what was not told yet.
    func drain() throws(SystemCallError) -> Results {
        stop(dropping: false)
        return try take()
    }

    private func start() throws(SystemCallError) {
        let queue = BoundedQueue<Job>(capacity: 32)
        let shared = shared
        threads = (0..<Workers.count).compactMap { _ in
            Thread {
                while let job = queue.pop() {
                    if !Self.work(job, shared) { queue.close(dropping: true) }
                }
            }
        }
        if threads.isEmpty { throw SystemCallError("start a thread", "an import", .resourceTemporarilyUnavailable) }
        self.queue = queue
    }

    private func stop(dropping: Bool) {
        queue?.close(dropping: dropping)
        threads.forEach { $0.join() }
        threads = []
        queue = nil
    }

    private func check() throws(SystemCallError) {
        if let failure = shared.results.withLock({ $0.failure }) { throw failure }
    }

    private static func work(_ job: Job, _ shared: Shared) -> Bool {
        do {
            let lost = try write(job)
            let digest = digest(of: job.content)
            shared.results.withLock {
                $0.digests[job.member] = digest
                $0.lostAttributes.formUnion(lost)
            }
            return true
        } catch {
            shared.results.withLock { $0.failure = $0.failure ?? error }
            return false
        }
    }

    private static func write(_ job: Job) throws(SystemCallError) -> [String] {
        let path = job.directory.label.appending(job.file.name)
        let file = try job.directory.createFile(job.file.name, mode: 0o600)
        try file.write(job.content, path)
        let lost = try job.file.dress(file, path)
        try file.close()
        return lost
    }
}
