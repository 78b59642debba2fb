import CPlatform
import Glibc

/// A signal that reached the init, with all that the kernel says about it.
package struct IncomingSignal {
    /// Whose it is.
    package enum Origin: Hashable, Sendable {
        /// The kernel made it: for a terminal, a broken pipe, an alarm.
        case kernel
        /// The init sent it to itself, or caused it.
        case itself
        /// A process sent it, with kill(2) or, where `isQueued`, with sigqueue(3).
        case process(isQueued: Bool)
    }

    package let signal: Signal
    package let origin: Origin
    fileprivate let information: siginfo_t

    fileprivate init?(_ number: CInt, _ information: siginfo_t) {
        guard let signal = Signal(number: Int(number)) else { return nil }
        self.signal = signal
        self.information = information
        var information = information
        let sender = cai_signal_sender(&information)
        origin = Origin(code: information.si_code, sender: sender, own: getpid())
    }
}

extension IncomingSignal.Origin {
    /// What si_code and si_pid say (sigaction(2)). The kernel's SIGPIPE claims to come from the writer itself.
    package init(code: CInt, sender: Int32, own: Int32) {
        let (user, queue, timer) = (CInt(0), CInt(-1), CInt(-2))
        if code > user {
            self = .kernel
        } else if sender == own, code != timer {
            self = .itself
        } else {
            self = .process(isQueued: code == queue)
        }
    }
}

extension Signal {
    /// Whether an init passes it on: everything but the end of children, what it caused itself, and what the kernel tells
    /// the init alone because of what the init does with a terminal or a pipe.
    package func isForwarded(from origin: IncomingSignal.Origin) -> Bool {
        switch origin {
        case .itself: false
        case .kernel: ![.child, .terminalInput, .terminalOutput, .pipe].contains(self)
        case .process: self != .child
        }
    }
}

/// The signals of this process, which are all blocked and taken one by one: those of real time as often as they were sent.
package enum SignalQueue {
    /// Takes over: from now on signals wait here. What this process was started with is kept for the command.
    package static func take() { cai_hold_signals() }

    /// Gives signals back their ordinary effect.
    package static func giveBack() { cai_release_signals() }

    /// Takes the next signal, waiting for it until the deadline, or for ever. Nil when the time is over, and after this
    /// process was stopped and continued. Given a list, signals that are not in it stay where they are.
    package static func next(
        _ wanted: [Signal]? = nil, before deadline: ContinuousClock.Instant?
    ) -> IncomingSignal? {
        var information = siginfo_t()
        let number = cai_next_signal(wanted.map(bits) ?? .max, &information, deadline?.nanosecondsFromNow ?? -1)
        return number > 0 ? IncomingSignal(number, information) : nil
    }

    /// Waits until a signal of the list, or any, can be taken, until one of the descriptors has something to say, or until
    /// the deadline. Returns the descriptors that have. Takes nothing.
    static func wait(
        for wanted: [Signal]?, or descriptors: [CInt], before deadline: ContinuousClock.Instant?,
        with watch: inout SignalWatch
    ) -> [CInt] {
        var states = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let limit = watch.wait(wanted.map(bits) ?? .max, deadline?.nanosecondsFromNow ?? -1, &states)
        guard cai_wait_for(&states, states.count, limit) > 0 else { return [] }
        return states.dropLast().filter { $0.revents != 0 }.map(\.fd)
    }

    private static func bits(_ signals: [Signal]) -> UInt64 {
        signals.reduce(UInt64(0)) { $0 | 1 << UInt64($1.number - 1) }
    }

    /// Sends a signal to a process, or with `isGroup` to the group that it leads; if it has left that, to the process.
    ///
    /// What was queued with a value arrives with it, unless the queue of the receiver is full or the signal was rewritten.
    /// Returns whether it was sent.
    static func send(_ signal: Signal, to process: pid_t, isGroup: Bool, as incoming: IncomingSignal? = nil) -> Bool {
        if isGroup, kill(-process, signal.number) == 0 { return true }
        if let incoming, incoming.origin == .process(isQueued: true), incoming.signal == signal {
            var information = incoming.information
            if cai_queue_signal(process, signal.number, &information) == 0 { return true }
        }
        return kill(process, signal.number) == 0
    }
}

/// A descriptor that tells of waiting signals, for waiting for other things besides.
struct SignalWatch {
    private(set) var descriptor: CInt = -1

    /// Adds itself to what is waited for. Returns the time to wait, which is short where the kernel gives no descriptor.
    fileprivate mutating func wait(_ wanted: UInt64, _ nanoseconds: Int64, _ states: inout [pollfd]) -> Int64 {
        let made = cai_watch_signals(descriptor, wanted)
        if made >= 0 { descriptor = made }
        states.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        return made >= 0 || (0..<shortest).contains(nanoseconds) ? nanoseconds : shortest
    }
}

/// What a signal has to wait where nothing tells of it.
private let shortest: Int64 = 10_000_000

extension ContinuousClock.Instant {
    /// The time from now on in nanoseconds, 0 when it is over.
    fileprivate var nanosecondsFromNow: Int64 {
        let (seconds, attoseconds) = (self - .now).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
