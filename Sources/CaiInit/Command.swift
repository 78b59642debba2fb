package import CPlatform
package import CaiPlatform
import Glibc
package import SystemPackage

/// A command as an init starts it: with everything that this process was started with.
///
/// It leads a process group of its own. Arguments and environment go on byte for byte, in their order and with their
/// duplicates; only `LISTEN_PID` and `WATCHDOG_PID`, where they name this process, name the command instead
/// (sd_listen_fds(3), sd_watchdog_enabled(3)).
package struct Command: ~Copyable {
    /// The arguments, NULL-terminated; the first is the name to search for.
    private let arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>
    private let credentials: Credentials?
    /// The user as it was named, for errors.
    private let user: String
    private let directories: [FilePath]
    private let variables: [(name: String, value: String)]
    private let ignoresChildEnds: Bool
    private let program: [[UInt8]]?
    private let places: [cai_placement]
    private let isolation: Isolation?

    /// What a program gets that is none of the terminal's, and not everything that this process was started with: it leads a
    /// session and has the standard and the placed descriptors only.
    package struct Isolation {
        /// Variables that it does not get, unless they are set.
        let withholds: (String) -> Bool
        /// True if it starts with every signal blocked.
        var holdsSignals = false
    }

    /// Describes a command. `arguments` is NULL-terminated, not empty, and stays valid; it starts in the first of
    /// `directories` that can be had, with `variables` set besides; `ignoresChildEnds` tells whether this process was
    /// started with SIGCHLD ignored. `program` are the paths to try in place of the search path, `places` descriptors of this
    /// process and the numbers that they get.
    package init(
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, credentials: Credentials?, user: String,
        directories: [FilePath], variables: [(name: String, value: String)] = [], ignoresChildEnds: Bool,
        program: [[UInt8]]? = nil, places: [cai_placement] = [], isolation: Isolation? = nil
    ) {
        self.arguments = arguments
        self.credentials = credentials
        self.user = user
        self.directories = directories
        self.variables = variables
        self.ignoresChildEnds = ignoresChildEnds
        self.program = program
        self.places = places
        self.isolation = isolation
    }

    /// Starts it, in the foreground of `terminal` if there is one. When it returns the command has been executed: every
    /// signal sent from then on reaches it. Throws `CommandFailure`; then nothing is running.
    ///
    /// Before it is executed its user can stop it, or have it wait for a file. After `patience` it is killed, which is a
    /// failure; so is a slow start when this process is asked to end meanwhile. `leftOut` gets the names
    /// of variables for which an environment has no room.
    package func start(
        terminal: CInt?, patience: Duration = .seconds(5), leftOut: ([String]) -> Void = { _ in }
    ) throws(CommandFailure) -> Int32 {
        let name = arguments[0].map { bytes($0) } ?? []
        let candidates = program ?? CommandSearch.candidates(for: name, path: getenv("PATH").map { bytes($0) })
        let paths = CStrings(candidates)
        let shell = CStrings([Array("/bin/sh".utf8)])
        let script = scriptArguments(shell)
        defer { script.deallocate() }
        let environment = CommandEnvironment(
            setting: variables, withholding: isolation?.withholds,
            room: ExecLimit.total - size(of: arguments) - longest(candidates))
        if !environment.leftOut.isEmpty { leftOut(environment.leftOut) }
        let result = start(terminal, patience, paths, script, environment)
        if result.process > 0 { return result.process }
        throw failure(result.failure, candidates, name)
    }

    private func start(
        _ terminal: CInt?, _ patience: Duration, _ paths: borrowing CStrings,
        _ script: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ environment: borrowing CommandEnvironment
    ) -> (process: pid_t, failure: cai_command_failure) {
        let directories = CStrings(self.directories.map { $0.withPlatformString { bytes($0) } })
        var failure = cai_command_failure()
        let groups = credentials?.groups ?? []
        let process = groups.withUnsafeBufferPointer { groups in
            places.withUnsafeBufferPointer { places in
                var command = cai_command(
                    candidates: paths.pointers, arguments: arguments, script_arguments: script,
                    environment: environment.variables, process_id_places: environment.processIDPlaces,
                    working_directories: directories.pointers, terminal: terminal ?? -1,
                    leads_session: isolation == nil ? 0 : 1, closes_rest: isolation == nil ? 0 : 1,
                    placements: places.baseAddress, placement_count: places.count,
                    ignores_child_ends: ignoresChildEnds ? 1 : 0,
                    holds_signals: isolation?.holdsSignals == true ? 1 : 0,
                    patience_ns: Int64(patience / .nanoseconds(1)),
                    change_identity: credentials == nil ? 0 : 1,
                    uid: credentials?.uid ?? 0, gid: credentials?.gid ?? 0, groups: groups.baseAddress,
                    group_count: groups.count)
                return cai_start_command(&command, &failure)
            }
        }
        return (process, failure)
    }

    /// The bytes that the kernel counts for the arguments, those of a script's shell included.
    private func size(of arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int {
        var (total, index) = (64, 0)
        while let word = arguments[index] {
            total += ExecLimit.size(ofLength: strlen(word))
            index += 1
        }
        return total
    }

    /// The room for the path of the program, which the kernel keeps twice for a script.
    private func longest(_ candidates: [[UInt8]]) -> Int { 2 * (candidates.lazy.map(\.count).max() ?? 0) + 512 }

    /// "/bin/sh", room for a path, and the arguments from the second on.
    private func scriptArguments(
        _ shell: borrowing CStrings
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        var count = 0
        while arguments[count] != nil { count += 1 }
        let result = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count + 2)
        result[0] = shell.pointers[0]
        result[1] = nil
        for index in 0..<count { result[index + 2] = arguments[index + 1] }
        return result
    }

    private func failure(_ report: cai_command_failure, _ candidates: [[UInt8]], _ name: [UInt8]) -> CommandFailure {
        let step = CommandFailure.Step(report.step)
        let errno = Errno(rawValue: report.error)
        switch step {
        case .identity: return CommandFailure(step, user, errno)
        case .directory:
            return CommandFailure(
                step, printable(directories.first.map { $0.withPlatformString { bytes($0) } } ?? []), errno)
        case .execute where errno == .noSuchFileOrDirectory, .fork, .descriptors:
            return CommandFailure(step, printable(name), errno)
        default: return CommandFailure(step, printable(candidates[Int(report.candidate)]), errno)
        }
    }
}
