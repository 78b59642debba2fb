package import CaiModel
import CaiPlatform
import SystemPackage

/// Tells running programs that an import changed something: runs the reload hooks, then what the table `[reload]` declares.
/// Nothing is restarted.
///
/// Hooks and commands find the changed paths in `CAI_CHANGED_PATHS`, one a line, at most as many as fit into 64 KiB, and their
/// number in `CAI_CHANGED_COUNT`. They run as the agent; only the agent's own processes are signalled.
package struct ReloadJob {
    private static let mostBytes = 64 << 10

    private let workplace: Workplace
    private let environment: [String: String]

    /// `changed` are paths of the container.
    package init(_ workplace: Workplace, environment: [String: String], changed: [String]) {
        self.workplace = workplace
        self.environment = environment.merging([
            "CAI_CHANGED_COUNT": "\(changed.count)", "CAI_CHANGED_PATHS": Self.list(changed),
        ]) { $1 }
    }

    private static func list(_ paths: [String]) -> String {
        var text = ""
        for path in paths where !path.utf8.contains(0x0A) {
            if text.utf8.count + path.utf8.count >= mostBytes { break }
            text += path + "\n"
        }
        return text
    }

    /// Does it all. `log` gets the name of who writes and each line, without secrets. Call it with root's ids, or as the
    /// agent.
    package func run(log: (String, String) -> Void) -> [Finding] {
        var findings: [Finding] = []
        do {
            findings += try HooksJob(.reload, workplace, environment: environment).run(log: log).findings
        } catch {
            findings.append(Finding(.warning, at: "reload hooks", "could not be run: \(error.sentence)"))
        }
        for reload in workplace.settings.reloads { findings += carryOut(reload, log) }
        return findings
    }

    private func carryOut(_ reload: ReloadDeclaration, _ log: (String, String) -> Void) -> [Finding] {
        let place = "reload.\(reload.name)"
        guard workplace.isOwnRoot else {
            return [Finding(.note, at: place, "is not carried out, because the root is not this machine's own")]
        }
        switch reload.action {
        case .signal(let name, let number):
            let count = ProcessTree.signal(number, named: reload.name, uid: workplace.owner.uid)
            log(reload.name, "\(name) for \(count) process\(count == 1 ? "" : "es")")
            return []
        case .command(let words): return run(words, place, log)
        }
    }

    private func run(_ words: [String], _ place: String, _ log: (String, String) -> Void) -> [Finding] {
        let limit = workplace.settings.duration(.hookTimeout)
        // Neither machine nor `.env`: the command is no less important.
        let file = (try? workplace.machine()).flatMap { try? VolumeEnvironment(workplace, $0).read().0 }
        let redactor = Redactor(secrets: file?.secrets ?? [])
        let process = ChildProcess(
            FilePath(words[0]), arguments: Array(words.dropFirst()),
            environment: workplace.agentEnvironment(file?.applying(to: environment) ?? environment),
            identity: Identity.isRoot ? (workplace.owner.uid, workplace.owner.gid) : nil,
            limit: limit > .zero ? limit : nil)
        do {
            let ending = try process.run { log(place, String(decoding: redactor.redacting($0.bytes), as: UTF8.self)) }
            switch ending {
            case .exited(code: 0): return []
            case .exited(let code): return [Finding(.warning, at: place, "the command failed: exit code \(code)")]
            case .timedOut: return [Finding(.warning, at: place, "the command took too long and was ended")]
            }
        } catch {
            return [Finding(.warning, at: place, "the command cannot be started: \(error.errno)")]
        }
    }
}
