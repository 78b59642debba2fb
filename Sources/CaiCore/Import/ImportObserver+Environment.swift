package import CaiModel
import CaiPlatform
import SystemPackage

/// Variables for `.env` on the volume (predecessors 1.6.10), and the hook that loads them (1.6.12).
extension ImportObserver {
    private static let target = VolumePath(unchecked: ".env")

    func addEnvironment() {
        guard let asked = request.configuration.environment else { return }
        if asked.names.isEmpty { return seen.events.append(.emptyAllowlist) }
        var file: EnvironmentFile?
        if let name = asked.file {
            guard let found = readEnvironmentFile(name) else { return }
            file = found
        }
        let names =
            request.withoutSecrets ? asked.names.filter { !SecretStripping.isSecret(variable: $0) } : asked.names
        let usable = EnvironmentRequest(names: names, fromCaller: asked.fromCaller, file: asked.file)
        let result = EnvironmentImport(usable, caller: request.environment, file: file)
        seen.findings += result.findings
        let left = asked.names.filter { !names.contains($0) }
        seen.events.append(.environment(imported: result.imported, skipped: result.skipped + left))
        guard isUsable(Self.target) else { return }
        wanted[Self.target] = WantedPath(
            content: .text(Array(result.text.utf8), mode: 0o600), authority: .source, isSecret: true, origin: "[env]")
    }

    /// Whether a regular file, or nothing, stands at a target; else that is an error.
    private func isUsable(_ target: VolumePath) -> Bool {
        switch NodeReader(machine.volume).node(at: target.relative) {
        case .missing, .file: return true
        case let node:
            seen.findings.append(
                Finding(
                    .error, at: machine.layout.text(target), "is \(node.word); the environment was not imported",
                    advice: "remove it and import again"))
            return false
        }
    }

    /// Reads a file below the workspace, never through a symlink.
    private func readEnvironmentFile(_ name: String) -> EnvironmentFile? {
        let path = FilePath(name)
        let inside = path.lexicallyNormalized()
        func refuse(_ reason: String) -> EnvironmentFile? {
            seen.findings.append(Finding(.error, at: "[env].env_file", "\(path.printable) \(reason)"))
            return nil
        }
        if path.isAbsolute { return refuse("is absolute; it must be relative to the workspace") }
        guard !inside.isEmpty, inside.components.first?.kind != .parentDirectory else {
            return refuse("lies outside the workspace")
        }
        guard let workspace = request.workspaces.first else { return refuse("cannot be found: there is no workspace") }
        do {
            let tree = Tree(root: try machine.root.openInRoot(workspace))
            guard let bytes = try tree.readFile(inside, limit: 4 << 20) else { return refuse("does not exist") }
            return EnvironmentFile(bytes, file: workspace.pushing(inside).printable)
        } catch let error as SystemCallError {
            return refuse("cannot be read: \(error.plainReason)")
        } catch {
            return refuse("cannot be read: \(error.sentence)")
        }
    }

    func addEnvironmentHook() {
        if excludes.excludingAnyAncestor(of: EnvironmentHook.target) != nil { return }
        let stored = NodeReader(machine.volume).node(at: Self.target.relative)
        if wanted[Self.target] != nil || stored.isFile {
            let file = machine.layout.text(Self.target)
            wanted[EnvironmentHook.target] = WantedPath(
                content: .text(Array(EnvironmentHook.text(file: file).utf8), mode: 0o644), authority: .source,
                isSecret: false, origin: ".env")
        } else if stored.isMissing {
            addObsolete(EnvironmentHook.target)
        }
    }
}

/// Writes the hook that gives shells the variables of `.env`, or takes it away when there are none any more.
package struct EnvironmentHookJob {
    let machine: Machine
    let entries: [Entry]

    package init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries
    }

    /// Plans, and unless it is a preview applies, what the hook needs. A `.env` that is no regular file is left alone.
    package func run(_ options: RunOptions) throws -> RunReport<Plan> {
        try Engine(machine, entries: entries, options: options).run { _ in plan() }
    }

    private func plan() -> Plan {
        let reader = NodeReader(machine.volume)
        let target = EnvironmentHook.target
        let hook = reader.node(at: target.relative)
        let environment = VolumePath(unchecked: ".env")
        switch reader.node(at: environment.relative) {
        case .file:
            let content = EnvironmentHook.text(file: machine.layout.text(environment))
            // What cannot be read differs.
            let stored = hook.isFile ? try? machine.volume.readFile(target.relative, limit: 1 << 16) : nil
            return planGenerated(
                [
                    GeneratedFile(
                        place: .volume(target), content: content, mode: 0o644, found: hook, foundContent: stored)
                ], layout: machine.layout)
        case .missing where hook.isFile:
            return Plan(steps: [.place(Placement(target, found: hook, content: .nothing))])
        case .missing: return Plan()
        case let node:
            return Plan(findings: [
                Finding(.warning, at: machine.layout.text(environment), ".env is \(node.word) - skipping")
            ])
        }
    }
}
