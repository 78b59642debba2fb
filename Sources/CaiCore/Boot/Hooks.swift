package import CaiModel
import CaiPlatform
import SystemPackage

/// Runs hooks: of every directory of `startup_hooks` or `shutdown_hooks`, in order, the files `*.sh` in byte order.
///
/// Nothing here needs root, so nothing is done with it: directories are opened and hooks are run with the agent's ids
/// alone, because one of the directories lies in the workspace, where the agent writes. A hook that fails does not keep the
/// next one from running.
package struct Hooks {
    private let kind: HookKind
    private let workplace: Workplace
    private let environment: [String: String]
    private let redactor: Redactor

    /// `environment` is what the hooks see, `redactor` knows what must not appear in their output. Call it with root's ids,
    /// or as the agent; not from within `asOwner`, whose borrowed ids no child may have.
    package init(_ kind: HookKind, _ workplace: Workplace, environment: [String: String], redactor: Redactor) {
        self.kind = kind
        self.workplace = workplace
        self.environment = environment
        self.redactor = redactor
    }

    /// Runs them all. `log` gets the name of the hook and each line of its output, without secrets. Below a root that is
    /// not this machine's own nothing is run: the hooks that would be are findings.
    package func run(log: (String, String) -> Void) -> HooksReport {
        var report = HooksReport()
        let directories = directories(&report)
        guard workplace.isOwnRoot else {
            report.surroundings += directories.flatMap { directory, names in
                names.map {
                    Finding(
                        .note, at: directory.appending($0).printable,
                        "the \(kind.rawValue) hook is not run, because the root is not this machine's own")
                }
            }
            return report
        }
        let start = directories.contains { !$0.names.isEmpty } ? startDirectory() : nil
        for (directory, names) in directories {
            for name in names { report.runs.append(run(name, in: directory, from: start, log)) }
        }
        return report
    }

    /// The hooks by their directories; a directory that is missing has none.
    private func directories(_ report: inout HooksReport) -> [(path: FilePath, names: [FilePath.Component])] {
        workplace.settings.list(kind.setting).compactMap { text in
            let path = FilePath(text)
            do {
                let (names, others) = try workplace.asOwner { try hooks(in: path) }
                report.surroundings += others.map { name in
                    Finding(
                        .warning, at: path.appending(name).printable,
                        "the startup hook is no file, and no symlink to one, and was skipped",
                        advice: "put a script there, or remove it")
                }
                return (path, names)
            } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
                return nil
            } catch {
                report.surroundings.append(
                    Finding(
                        .warning, at: path.printable, "the \(kind.rawValue) hooks cannot be read: \(error.sentence)"))
                return nil
            }
        }
    }

    /// The names that end in `.sh`, in byte order: those of regular files, a symlink to one included, and the others.
    private func hooks(in path: FilePath) throws -> (hooks: [FilePath.Component], others: [FilePath.Component]) {
        let directory = try workplace.root.openInRoot(path)
        let names = try directory.names().filter { $0.bytes.suffix(3).elementsEqual(".sh".utf8) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        // Below another root a symlink may lead anywhere; there nothing is run anyway.
        guard workplace.isOwnRoot else { return (names, []) }
        var result: (hooks: [FilePath.Component], others: [FilePath.Component]) = ([], [])
        for name in names {
            if directory.followedStatus(of: name)?.kind == .regular {
                result.hooks.append(name)
            } else {
                result.others.append(name)
            }
        }
        return result
    }

    private func run(
        _ name: FilePath.Component, in directory: FilePath, from start: Directory?, _ log: (String, String) -> Void
    ) -> HookRun {
        let path = directory.appending(name)
        let begin = ContinuousClock.now
        let outcome: HookRun.Outcome
        do {
            let isExecutable = try workplace.asOwner { try workplace.root.openInRoot(directory).isExecutable(name) }
            outcome =
                isExecutable ? try execute(path, from: start) { log(name.printable, text(of: $0)) } : .notExecutable
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            outcome = .notStarted(reason: "it or the interpreter it names does not exist")
        } catch let error as SystemCallError {
            outcome = .notStarted(reason: "cannot be started: \(error.errno)")
        } catch {
            outcome = .notStarted(reason: "cannot be started: \(error)")
        }
        return HookRun(kind, path: path, outcome: outcome, duration: .now - begin)
    }

    private func execute(
        _ path: FilePath, from start: Directory?, _ line: (ChildProcess.Line) -> Void
    ) throws -> HookRun.Outcome {
        let limit = workplace.settings.duration(.hookTimeout)
        let process = ChildProcess(
            path, environment: environment, directory: start,
            identity: Identity.isRoot ? (workplace.owner.uid, workplace.owner.gid) : nil,
            limit: limit > .zero ? limit : nil)
        switch try process.run(line) {
        case .exited(code: 0): return .succeeded
        case .exited(let code): return .failed(code: code)
        case .timedOut: return .timedOut(limit)
        }
    }

    /// A line of output for the log: without secrets, and without the carriage return of a terminal.
    private func text(of line: ChildProcess.Line) -> String {
        if line.isCut { return String(decoding: redactor.redacting(cut: line.bytes), as: UTF8.self) + "…" }
        let bytes = line.bytes.last == 0x0D ? line.bytes.dropLast() : line.bytes[...]
        return String(decoding: redactor.redacting(Array(bytes)), as: UTF8.self)
    }

    /// The workspace, else the home, else the root, each as far as the agent may open it.
    private func startDirectory() -> Directory {
        for path in [workplace.settings.path(.workspace), workplace.settings.path(.home)] {
            // One that is missing or closed to the agent is no place to start in; the next one is tried.
            if let directory = try? workplace.asOwner({ try workplace.root.openInRoot(path) }) { return directory }
        }
        return workplace.root
    }
}

extension Workplace {
    /// Whether the root directory is that of this process.
    package var isOwnRoot: Bool {
        // In doubt it is another root, where no hook runs with this process's programs.
        guard let own = try? Directory.open("/").status(), let given = try? root.status() else {
            return false
        }
        return own.isSameFile(as: given)
    }
}
