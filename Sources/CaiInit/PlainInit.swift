import Glibc

/// The init of one command: forwards signals, reaps, stops and continues with the command, and ends when it has ended.
///
/// It runs in one thread and wakes up for signals and deadlines only. After the command has been started nothing fails any
/// more.
struct PlainInit: ~Copyable {
    /// How far the end has come.
    private enum Phase {
        case running
        /// The command has ended with this code, and what is left was asked to end.
        case ending(code: CInt)
        /// The same, and what was left is killed.
        case killing(code: CInt)
    }

    let command: pid_t
    let options: RunOptions
    let log: RunLog
    /// Whether the terminal was given to the command when it was started.
    private let hadTerminal: Bool
    private var phase = Phase.running
    /// When patience is over; nil for never.
    private var deadline: ContinuousClock.Instant?
    /// Whether everybody has had their grace time.
    private var isOutOfTime = false
    var jobControl: JobControl

    init(command: pid_t, options: RunOptions, hadTerminal: Bool) {
        self.command = command
        self.options = options
        self.hadTerminal = hadTerminal
        jobControl = JobControl(command: command)
        log = RunLog(verbosity: options.verbosity)
    }

    /// Works until the command and what it left behind have ended. Returns the exit code.
    mutating func run(first signal: Signal?) -> CInt {
        if let signal { forward(signal, nil) }
        while true {
            // After every signal, not only SIGCHLD: a storm of others would keep that waiting for ever.
            let hasChildren = reap()
            escalate()
            if let code = finalCode(hasChildren) { return code }
            if let incoming = SignalQueue.next(before: deadline) { handle(incoming) }
        }
    }

    /// Whether the command can still be sent anything: afterwards its number may be somebody else's.
    var isRunning: Bool {
        if case .running = phase { true } else { false }
    }

    /// Hears of children. Returns whether there are any left.
    private mutating func reap() -> Bool {
        var ended: CInt?
        var stopped: Signal?
        let hasChildren = Reaper.reap { child, news in
            switch news {
            case .ended(let code) where child == command: ended = code
            case .ended(let code): tellOrphan(child, code)
            case .stopped(let signal) where child == command: stopped = signal
            case .stopped: break
            }
        }
        if let ended {
            commandEnded(ended, leaving: hasChildren)
        } else if let stopped {
            log.debug("process \(command) was stopped by \(stopped)")
            jobControl.commandStopped(stopped)
        }
        return hasChildren
    }

    private func tellOrphan(_ child: pid_t, _ code: CInt) {
        if options.warnsOnReap {
            log.warning("reaped process \(child), an orphan that ended with \(code)")
        } else {
            log.debug("reaped process \(child), an orphan that ended with \(code)")
        }
    }

    // MARK: The end

    private mutating func commandEnded(_ code: CInt, leaving hasChildren: Bool) {
        log.info("process \(command) ended with \(code)")
        phase = .ending(code: code)
        if hadTerminal { Terminal.takeBack(from: command) }
        guard hasChildren, !isOutOfTime else { return }
        log.info("asking the processes that it left behind to end")
        Remainder(groups: [command]).terminate()
        startGrace()
    }

    /// Starts the grace time; one that is running goes on.
    mutating func startGrace() {
        if deadline == nil, !isOutOfTime { deadline = .now + options.grace }
    }

    /// Kills what has had its time.
    private mutating func escalate() {
        guard let due = deadline, ContinuousClock.now >= due else { return }
        deadline = nil
        if case .killing = phase { return }
        log.info("the grace time is over, killing what is left")
        isOutOfTime = true
        Remainder(groups: [command]).kill()
        if case .running = phase { kill(command, SIGKILL) }
    }

    /// The exit code once there is nothing more to wait for.
    private mutating func finalCode(_ hasChildren: Bool) -> CInt? {
        switch phase {
        case .running: return nil
        case .ending(let code) where hasChildren:
            // Dying takes a moment, and one that hangs in the kernel for ever.
            if isOutOfTime {
                phase = .killing(code: code)
                deadline = .now + dyingTime
            }
            return nil
        case .killing where hasChildren && deadline != nil: return nil
        case .ending(let code), .killing(let code):
            if hadTerminal { Terminal.takeBack(from: command) }
            return options.code(for: code)
        }
    }
}

/// How long killed processes are waited for.
private let dyingTime = Duration.seconds(1)
