import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// `cai run`: from the words of a command line to an exit code.
package enum Run {
    /// What came of it.
    package enum Outcome: Hashable, Sendable {
        /// The exit code of the program.
        case exit(code: CInt)
        /// To show the help text, or the version.
        case help, version
        /// To tell how it is used, and what was wrong.
        case usage(String)
    }

    /// Whether this program was started as `cai run`. The start-up code has taken the signals over then.
    package static var isWanted: Bool {
        let words = cai_argument_vector()
        return words[0] != nil && words[1].map { bytes($0) == Array("run".utf8) } == true
    }

    /// Does what the command line asks for. Only an exit code ends the program: for everything else signals have their
    /// ordinary effect again.
    package static func perform() -> Outcome {
        SignalQueue.take()
        let words = cai_argument_vector() + 2
        do {
            let variables = try RunOptions { name in getenv(name).map { bytes($0) } }
            switch try RunRequest(words: Words(words), over: variables) {
            case .help: return giveUp(.help)
            case .version: return giveUp(.version)
            case .command(let options, let start): return .exit(code: run(words + start, options))
            }
        } catch {
            return giveUp(.usage(error.description))
        }
    }

    private static func giveUp(_ outcome: Outcome) -> Outcome {
        SignalQueue.giveBack()
        return outcome
    }

    /// Starts the command and stays its init until the end.
    private static func run(
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, _ options: RunOptions
    ) -> CInt {
        let log = RunLog(verbosity: options.verbosity)
        let orphaned = watchParent(options.parentDeathSignal, log)
        if !Reaper.adoptOrphans() { log.info("orphans go to another process: this kernel has no subreapers") }
        do {
            let command = Command(
                arguments, credentials: try options.user.map(credentials) ?? nil, user: options.user ?? "",
                directory: options.workingDirectory, ignoresChildEnds: Reaper.prepare())
            let started = try Terminal.start(command)
            log.info("started process \(started.process)")
            letGo()
            var this = PlainInit(command: started.process, options: options, hadTerminal: started.hasTerminal)
            return this.run(first: orphaned ? options.parentDeathSignal : nil)
        } catch {
            log.error(error.description)
            return error.code
        }
    }

    /// Asks for a signal at the parent's end. Returns whether that has come already, of which the kernel says nothing.
    private static func watchParent(_ signal: Signal?, _ log: RunLog) -> Bool {
        guard let signal else { return false }
        let parent = cai_first_parent()
        if cai_set_parent_death_signal(signal.number) != 0 { log.info("the kernel does not tell of the parent's end") }
        return getppid() != parent
    }

    /// The ids to run with; nil when they are those of this process, which then need not be allowed to change them.
    private static func credentials(_ user: String) throws(CommandFailure) -> Credentials? {
        do {
            let credentials = try Credentials(user)
            let isSame = geteuid() != 0 && getuid() == credentials.uid && getgid() == credentials.gid
            return isSame ? nil : credentials
        } catch {
            throw CommandFailure(.user(error.description), user, .noSuchFileOrDirectory)
        }
    }

    /// Gives up what would keep others waiting, descriptors that somebody reads from and a directory to unmount, and the
    /// memory that only starting took.
    private static func letGo() {
        cai_close_from(3)
        chdir("/")
        cai_release_program_text()
    }
}

/// The words of a command line, each turned into bytes when it is looked at.
private struct Words: Collection {
    private let pointers: UnsafePointer<UnsafeMutablePointer<CChar>?>
    let startIndex = 0
    let endIndex: Int

    init(_ pointers: UnsafePointer<UnsafeMutablePointer<CChar>?>) {
        self.pointers = pointers
        var count = 0
        while pointers[count] != nil { count += 1 }
        endIndex = count
    }

    func index(after index: Int) -> Int { index + 1 }
    subscript(index: Int) -> [UInt8] { pointers[index].map { bytes($0) } ?? [] }
}
