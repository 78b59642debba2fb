import CPlatform
import Glibc

/// An init, `cai run` or `cai entrypoint`: from the words of a command line to an exit code.
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

    /// The init as which this program was started, if it was. The start-up code has taken the signals over then.
    package static var wanted: InitProgram? {
        let words = cai_argument_vector()
        guard words[0] != nil, let first = words[1].map({ bytes($0) }) else { return nil }
        return [InitProgram.run, .entrypoint].first { first == Array($0.name.utf8) }
    }

    /// Does what the command line asks for. Only an exit code ends the program: for everything else signals have their
    /// ordinary effect again.
    package static func perform(_ program: InitProgram) -> Outcome {
        SignalQueue.take()
        let words = cai_argument_vector() + 2
        do {
            let variables = try RunOptions(of: program) { name in getenv(name).map { bytes($0) } }
            switch try RunRequest(words: CommandWords(words), of: program, over: variables) {
            case .help: return giveUp(.help)
            case .version: return giveUp(.version)
            case .command(let options, let start):
                let command = words + start
                return .exit(code: program == .run ? run(command, options) : try Entrypoint.run(command, options))
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
        let orphaned = InitWork.watchParent(options.parentDeathSignal, log)
        if !Reaper.adoptOrphans() { log.info("orphans go to another process: this kernel has no subreapers") }
        var streams = StandardStreams(for: nil)
        do {
            let credentials = try options.user.map(InitWork.credentials) ?? nil
            let command = Command(
                arguments, credentials: credentials, user: options.user ?? "",
                directories: options.workingDirectory.map { [$0] } ?? [], ignoresChildEnds: Reaper.prepare())
            streams = StandardStreams(for: credentials)
            let started = try Terminal.start(command)
            log.info("started process \(started.process)")
            InitWork.letGo()
            var this = PlainInit(command: started.process, options: options, hadTerminal: started.hasTerminal)
            let code = this.run(first: orphaned ? options.parentDeathSignal : nil)
            streams.takeBack()
            return code
        } catch {
            streams.takeBack()
            log.error(error.description)
            return error.code
        }
    }
}
