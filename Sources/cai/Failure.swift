import ArgumentParser
import CaiCore
import CaiModel
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
    } catch let code as ExitCode {
        throw code
    } catch let usage as ValidationError {
        throw usage
    } catch let broken as BrokenSettings {
        broken.findings.forEach(Talk.finding)
        Talk.line("        nothing was done; cai config show lists the settings and where they come from")
        throw Exit.brokenConfiguration
    } catch {
        let failure = Failure(error)
        Talk.error(failure.sentence)
        if let advice = failure.advice { Talk.line("        \(advice)") }
        throw failure.code
    }
}

/// An error in the user's words.
private struct Failure {
    let sentence: String
    let advice: String?
    let code: ExitCode

    init(_ error: any Error) {
        switch error {
        case MachineProblem.volumeMissing(let path):
            sentence = "\(path.printable): the volume is not there"
            advice = "mount one, for example: docker run -v containai-data:\(path.printable) …"
            code = Exit.found
        case MachineProblem.homeMissing(let path):
            sentence = "\(path.printable): the home directory is not there"
            advice = "create the user, or set home in /etc/containai/agent.toml"
            code = Exit.found
        case let held as VolumeLock.Held:
            let who = held.holder.isEmpty ? "another process" : held.holder
            sentence = "the volume is locked by \(who)"
            advice = "wait for it, or raise lock_timeout_seconds; a dead process holds no lock"
            code = Exit.temporary
        case let outside as NotInContainer:
            sentence = "cai \(outside.command) must be run inside a ContainAI container"
            advice = "\(outside.reason); mount a volume, or use --force here, or --root DIR for another tree"
            code = Exit.found
        case let unknown as UnknownRun:
            sentence = unknown.name.map { "there is no run \(FilePath($0).printable)" } ?? "nothing was displaced"
            advice = "cai undo --list shows what can be undone"
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
