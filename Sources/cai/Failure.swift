import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import SystemPackage

/// Exit codes (README, "Exit codes").
enum Exit {
    static let found = ExitCode(1)
    static let temporary = ExitCode(75)
    static let notPermitted = ExitCode(77)
    static let brokenConfiguration = ExitCode(78)
}

/// Runs a command's work; an error becomes one sentence with the next command on standard error, and an exit code.
func reportingFailures(_ work: () throws -> Void) throws {
    do {
        try work()
    } catch {
        throw reported(error)
    }
}

/// Tells an error. Returns what to end with.
private func reported(_ error: any Error) -> any Error {
    switch error {
    case is ExitCode, is ValidationError: return error
    case let broken as BrokenSettings:
        broken.findings.forEach(Talk.finding)
        Talk.line("        nothing was done; cai config show lists the settings and where they come from")
        return Exit.brokenConfiguration
    case let problem as UserProblem:
        Talk.finding(problem.finding)
        return Exit.found
    case let refused as UsersRefused:
        refused.findings.forEach(Talk.finding)
        return Exit.found
    default:
        let failure = Failure(error)
        Talk.error(failure.sentence)
        if let advice = failure.advice { Talk.line("        \(advice)") }
        return failure.code
    }
}

extension SourceProblem {
    /// A sentence and what to do about it.
    fileprivate var words: (sentence: String, advice: String?) {
        switch self {
        case .missing(let path): ("Source not found: \(path.printable)", "check the path")
        case .notReadable(let path):
            (
                "\(path.printable) may not be read",
                SystemCallError("open", path.printable, .permissionDenied).advice ?? "make it readable"
            )
        case .isVolume(let path): ("\(path.printable) is the volume itself", "name another source with --from")
        case .ambiguous(let path):
            (
                "\(path.printable) has files of a home and of a volume",
                "say which it is with --layout home or --layout volume"
            )
        case .foreignLink(let path, let uid):
            (
                "\(path.printable) is a symlink of uid \(uid), which root does not follow: it may lead to what only root may read",
                "name the place itself, or run cai import as that user"
            )
        case .unsupported(let path):
            (
                "Unsupported source type: must be directory or gzip-compressed tar archive: \(path.printable)",
                "plain and zstd-compressed tar archives work too"
            )
        }
    }
}

/// An error in the user's words.
struct Failure {
    let sentence: String
    let advice: String?
    let code: ExitCode

    init(_ error: any Error) {
        switch error {
        case let refusal as ServiceRefusal:
            sentence = refusal.sentence
            advice = refusal.advice
            code = refusal.code
        case let push as PushProblem:
            sentence = push.sentence
            advice = push.advice
            code = push.code.flatMap { [75, 77, 78].contains($0) ? ExitCode(Int32($0)) : nil } ?? Exit.found
        case let call as SystemCallError where call.operation == "connect":
            sentence = "\(call.subject): nobody answers there (\(call.errno))"
            advice = "start cai serve there, and mount the directory of its socket here; or use --exec"
            code = [.permissionDenied, .notPermitted].contains(call.errno) ? Exit.notPermitted : Exit.found
        case MachineProblem.volumeMissing(let path):
            sentence = "\(path.printable): the volume is not there"
            advice = "mount one, for example: docker run -v containai-data:\(path.printable) …"
            code = Exit.found
        case MachineProblem.homeMissing(let path):
            sentence = "\(path.printable): the home directory is not there"
            advice = "create the user, or set home in /etc/containai/agent.toml"
            code = Exit.found
        case MachineProblem.unmapped(let user, let uid):
            sentence = "\(user): the user id \(uid) does not exist in this user namespace"
            advice =
                "give the user an id that /proc/self/uid_map has, in /etc/passwd or as uid in /etc/containai/agent.toml"
            code = Exit.brokenConfiguration
        case let held as VolumeLock.Held:
            let who = held.holder.isEmpty ? "another process" : held.holder
            sentence = "the volume is locked by \(who)"
            advice = "wait for it, or raise lock_timeout_seconds; a dead process holds no lock"
            code = Exit.temporary
        case let archive as ArchiveProblem:
            sentence = archive.description
            advice = archive.advice ?? "nothing of it was taken"
            code = Exit.found
        case ExportTargetProblem.directoryMissing(let path):
            sentence = "Output directory doesn't exist: \(path.printable)"
            advice = "make it, or name another with -o"
            code = Exit.found
        case ExportTargetProblem.directoryNotWritable(let path):
            sentence = "Output directory is not writable: \(path.printable)"
            advice = "name another with -o"
            code = Exit.notPermitted
        case ExportTargetProblem.notAFile(let path):
            sentence = "\(path.printable): is not a regular file, and is not replaced"
            advice = "name another with -o, or - for standard output"
            code = Exit.found
        case let outside as OpencodeOutside:
            sentence = outside.description
            advice = "set opencode_config in /etc/containai/agent.toml"
            code = Exit.brokenConfiguration
        case let outside as NotInContainer:
            sentence = "cai \(outside.command) must be run inside a ContainAI container"
            advice =
                outside.hasForce
                ? "\(outside.reason); mount a volume, or use --force here, or --root DIR for another tree"
                : "\(outside.reason); use --root DIR for another tree"
            code = Exit.found
        case let unknown as UnknownRun:
            sentence = unknown.name.map { "there is no run \(FilePath($0).printable)" } ?? "nothing was displaced"
            advice = "cai undo --list shows what can be undone"
            code = Exit.found
        case AgentSocketProblem.inUse(let path):
            sentence = "\(path.printable): another process answers on this socket"
            advice = "use that one, stop it, or name another socket with --socket"
            code = Exit.temporary
        case AgentSocketProblem.notASocket(let path):
            sentence = "\(path.printable) is not a socket; it is left alone"
            advice = "move it away, or name another socket with --socket"
            code = Exit.found
        case AgentSocketProblem.passed(let problem):
            sentence = "the socket that was passed cannot be used: \(problem)"
            advice = "see ListenStream and FileDescriptorName in cai-agent.socket"
            code = Exit.found
        case let problem as ConfigurationProblem:
            sentence = problem.sentence
            advice = "nothing was done; correct it, or leave --config away"
            code = Exit.brokenConfiguration
        case let problem as ArchiveProblem:
            sentence = problem.description
            advice = problem.advice
            code = Exit.found
        case let problem as SourceProblem:
            (sentence, advice) = problem.words
            code = Exit.found
        case let blocked as BlockedPath:
            sentence = "\(blocked.ancestor.printable) is not a directory; cai does not go through it"
            advice = "make it a real directory"
            code = Exit.found
        case let call as SystemCallError where [.permissionDenied, .notPermitted].contains(call.errno):
            sentence = call.description
            advice = call.advice
            code = Exit.notPermitted
        case let call as SystemCallError:
            sentence = call.plainSentence
            advice = call.advice
            code = Exit.found
        default:
            sentence = "\(error)"
            advice = nil
            code = Exit.found
        }
    }
}
