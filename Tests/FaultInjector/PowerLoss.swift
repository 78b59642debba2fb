import CPlatform
import Glibc
import Synchronization
import SystemPackage

/// The power going off during a run, or, for comparison, only the process.
struct PowerLoss: Hashable, Sendable, CustomStringConvertible {
    /// When it happens.
    enum Moment: Hashable, Sendable {
        /// At the N-th call of a name: the process is killed before the call.
        case call(String, number: Int)
        /// So many microseconds after the start.
        case time(Int)
    }

    /// A disk whose content so far was written by chance, while the other one has what was asked for only.
    enum Written: String, CaseIterable, Sendable { case nothing, home, volume, homeAllAlong, volumeAllAlong }

    let moment: Moment
    let written: Written
    /// False if only the process ends: the next run finds what was never made durable.
    let takesPower: Bool

    /// Names the loss on the command line; `init(_:)` reads it again.
    var description: String {
        let moment =
            switch moment {
            case .call(let name, let number): "call:\(name):\(number)"
            case .time(let microseconds): "time:\(microseconds)"
            }
        return moment + (written == .nothing ? "" : "+\(written.rawValue)") + (takesPower ? "" : "+kill")
    }

    init(_ moment: Moment, _ written: Written, takesPower: Bool = true) {
        self.moment = moment
        self.written = written
        self.takesPower = takesPower
    }

    init?(_ text: String) {
        let options = text.split(separator: "+").map(String.init)
        let parts = (options.first ?? "").split(separator: ":").map(String.init)
        switch (parts.first, parts.count, parts.last.flatMap(Int.init)) {
        case ("call", 3, let number?): moment = .call(parts[1], number: number)
        case ("time", 2, let microseconds?): moment = .time(microseconds)
        default: return nil
        }
        takesPower = !options.dropFirst().contains("kill")
        written = options.dropFirst().compactMap { Written(rawValue: $0) }.first ?? .nothing
    }

    /// A loss at a call of an undisturbed run, or at a moment within its time.
    static func random(
        _ calls: [Calls.Call], microseconds: Int, hasOtherDisk: Bool, using random: inout SeededNumbers
    ) -> PowerLoss {
        let changing = calls.filter(\.isChanging)
        var moment = Moment.time(Int.random(in: 0...max(microseconds * 5 / 4, 1000), using: &random))
        if Int.random(in: 0..<3, using: &random) > 0, let call = changing.randomElement(using: &random) {
            moment = .call(call.name, number: call.number)
        }
        // With one disk all of it is written, or nothing is.
        let choices: [Written] = hasOtherDisk ? Written.allCases : [.nothing, .nothing, .homeAllAlong]
        return PowerLoss(moment, choices.randomElement(using: &random) ?? .nothing)
    }

    /// Runs the command of a scenario until the loss, and leaves the world as it is after the next start of the machine.
    /// `begin` is called right before the first disk loses its power: nothing that ends later was durable. `stop` ends all
    /// others that work on the disks, after the loss.
    func strike(
        _ scenario: Scenario, _ world: World, begin: () -> Void = {}, stop: () -> Void = {}
    ) throws {
        let flusher = try Flusher(writtenAllAlong(world))
        defer { flusher?.stop() }
        switch moment {
        case .call(let name, let number):
            _ = try world.traced(
                scenario.command, under: scenario.wrapper, calls: [name],
                inject: ["\(name):signal=KILL:when=\(number)"])
            flusher?.stop()
            begin()
            try cut(world)
        case .time(let microseconds):
            let child = try world.startCai(scenario.command, under: scenario.wrapper)
            usleep(UInt32(microseconds))  // the moment of the loss is a time, not an event
            if takesPower {
                begin()
                halt(child)
                try cut(world)
            }
            kill(-child, SIGKILL)
            flusher?.stop()
            try waitForEnd(of: child)
        }
        stop()
        if takesPower { try world.disks?.restart() }
    }

    private func writtenAllAlong(_ world: World) -> Disk? {
        switch written {
        case .homeAllAlong: world.disks?.home
        case .volumeAllAlong: world.disks?.volume
        case .nothing, .home, .volume: nil
        }
    }

    private func cut(_ world: World) throws {
        guard takesPower, let disks = world.disks else { return }
        switch written {
        case .home: try disks.home.flush()
        case .volume: try disks.volume?.flush()
        case .nothing, .homeAllAlong, .volumeAllAlong: break
        }
        for disk in disks.all.reversed() { try disk.losePower() }
    }
}

/// Stops a child, and returns when no thread of it runs any more. One that waits in a call stays there, and stops when the
/// call ends.
///
/// The disks lose their power one after the other. A program that went on meanwhile would act on answers that no machine
/// gives: XFS says 0 to an fsync of a directory whose changes were just lost.
private func halt(_ child: pid_t) {
    kill(-child, SIGSTOP)
    let deadline = ContinuousClock.now + .seconds(5)
    let tasks = FilePath("/proc/\(child)/task")
    while ContinuousClock.now < deadline {
        let states = Tree.names(tasks).map { state(ofTask: tasks.appending($0)) }
        if !states.contains("R") { return }
        sched_yield()
    }
}

/// The letter of a thread's state (proc_pid_stat(5)); nil if the thread is gone.
private func state(ofTask task: FilePath) -> Character? {
    let descriptor = open(task.appending("stat").string, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = read(descriptor, &bytes, bytes.count)
    // The name of the program, which may have parentheses itself, ends with the last one.
    let line = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    return line.split(separator: ")").last?.first { $0 != " " }
}

/// Waits until a child is gone, with everything that it held.
func waitForEnd(of child: pid_t) throws {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
        if errno != EINTR { throw HarnessError("waitpid: \(String(cString: strerror(errno)))") }
    }
}

/// Writes out one disk again and again, as the kernel does when it likes.
private final class Flusher: Sendable {
    private let companion: Companion
    private let descriptor: CInt
    private let isStopped = Atomic(false)

    init?(_ disk: Disk?) throws {
        guard let disk else { return nil }
        let descriptor = open(disk.place.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check("open \(disk.place)", descriptor)
        self.descriptor = descriptor
        companion = Companion { number in
            _ = syncfs(descriptor)
            usleep(UInt32(number % 5) * 400)  // at moments that differ
        }
    }

    func stop() {
        if isStopped.exchange(true, ordering: .relaxed) { return }
        companion.stop()
        close(descriptor)
    }
}

/// Numbers that are the same for the same seed (splitmix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
