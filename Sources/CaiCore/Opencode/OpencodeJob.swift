package import CaiModel
import CaiPlatform
package import SystemPackage

/// Makes OpenCode's configuration hold what the settings ask for (README, "cai opencode").
///
/// Everything is done as the owner and by descriptors: a symlink is followed only where it is one of the links that lead to
/// the volume. A file keeps its mode, and what it held before is displaced.
package struct OpencodeJob {
    /// The template of the predecessor's image.
    private static let template: FilePath = "/etc/opencode-cloud/opencode.jsonc.default"
    /// A configuration larger than this was not written by a person.
    private static let largest = 64 << 20

    private let workplace: Workplace
    private let machine: Machine
    /// The directory in the home.
    private let directory: HomePath
    private let seen = ReadFiles()
    private let last = LastPlan()

    /// Opens the machine. Where there is no volume of the agents', the configuration directory keeps what is displaced.
    /// Throws `OpencodeOutside` when that is not in the home. A preview makes no directory.
    package init(_ workplace: Workplace, isPreview: Bool) throws {
        self.workplace = workplace
        let settings = workplace.settings
        let path = settings.path(.opencodeConfiguration)
        guard path.starts(with: settings.path(.home)), path != settings.path(.home) else {
            throw OpencodeOutside(directory: path, home: settings.path(.home))
        }
        directory = HomePath(
            unchecked: FilePath(root: nil, path.components.dropFirst(settings.path(.home).components.count)))
        machine = try workplace.machineOfConfiguration(isPreview: isPreview)
    }

    package var layout: Layout { machine.layout }

    /// Runs the job. A preview changes nothing.
    package func run(_ options: RunOptions) throws -> RunReport<OpencodePlan> {
        try workplace.asOwner {
            if !options.isPreview, !plan().plan.isEmpty { try makeDirectory() }
            return try Engine(machine, entries: [], options: options).run { _ in plan() }
        }
    }

    /// Makes the directory where it is missing, as the predecessor's image has it: nobody else's business.
    private func makeDirectory() throws {
        let (parent, name) = try machine.home.makeParent(of: directory.relative, mode: 0o755)
        guard try parent.status(of: name) == nil else { return }
        _ = try parent.makeOrOpenDirectory(name, mode: 0o750)
    }

    private func plan() -> OpencodePlan {
        let files = OpencodeConfiguration.names.map(look)
        let nodes = files.map(\.node)
        if let plan = last.plan(for: nodes) { return plan }
        let rules = workplace.settings.opencodeRules
        let configuration = OpencodeConfiguration(files.map(\.file), rules: rules)
        var findings = configuration.problems.compactMap { problem in
            files.first { $0.file.name == problem.name }.map { file in
                Finding(.error, at: layout.text(file.place), problem.sentence, advice: problem.advice)
            }
        }
        let isSeeding = configuration.isMissing
        let start = isSeeding ? seeded(rules, &findings) : configuration
        let patch = start.patch()
        var steps: [Step] = []
        var applied: [(place: Place, rules: [OpencodeRule])] = []
        for file in files {
            guard let change = patch.changes.first(where: { $0.name == file.file.name }) else { continue }
            let mode = file.node.facts?.mode ?? 0o640
            let text = String(decoding: change.bytes, as: UTF8.self)
            steps.append(.write(file.place, content: text, mode: mode, replacing: file.node, isOurs: false))
            applied.append((file.place, change.rules))
        }
        for (name, rules) in patch.unwritten {
            guard let file = files.first(where: { $0.file.name == name }) else { continue }
            let words = rules.map(\.words).joined(separator: ", ")
            findings.append(
                Finding(
                    .error, at: layout.text(file.place),
                    "is a single file that is mounted, so that it cannot be replaced",
                    advice: "change it where it comes from (\(words)), or mount its directory instead"))
        }
        findings += patch.findings.compactMap { item in
            files.first { $0.file.name == item.name }.map { file in
                Finding(.warning, at: layout.text(file.place), item.sentence)
            }
        }
        let plan = OpencodePlan(
            plan: Plan(steps: steps, findings: findings), rules: applied,
            asksForAuthentication: patch.result.asksForAuthentication,
            asksAlready: configuration.asksForAuthentication,
            isFixed: patch.unwritten.contains { $0.rules.contains { $0.path == OpencodeRule.authentication } },
            hasToAsk: rules.contains { $0.path == OpencodeRule.authentication })
        // What was not read, or is made from a template, may look otherwise the next time.
        let isKnown = files.allSatisfy { if case .unreadable = $0.file.content { false } else { true } }
        if isKnown, !isSeeding { last.keep(plan, for: nodes) }
        return plan
    }

    /// A configuration to begin with: the image's template where it can be used, else an empty one. It is written even
    /// where no rule asks for more.
    private func seeded(_ rules: [OpencodeRule], _ findings: inout [Finding]) -> OpencodeConfiguration {
        let name = OpencodeConfiguration.names[OpencodeConfiguration.names.count - 1]
        let missing = OpencodeConfiguration.names.dropLast().map { OpencodeFile($0, .missing) }
        do {
            guard let bytes = try workplace.root.readFileInRoot(Self.template, limit: 1 << 20) else {
                return OpencodeConfiguration(missing + [OpencodeFile(name, .missing)], rules: rules)
            }
            let template = OpencodeConfiguration(missing + [OpencodeFile(name, .bytes(bytes))], rules: rules)
            if let problem = template.problems.first {
                findings.append(
                    Finding(.warning, at: Self.template.printable, problem.sentence, advice: "correct the template"))
                return OpencodeConfiguration(missing + [OpencodeFile(name, .missing)], rules: rules)
            }
            return template.asNew()
        } catch {
            findings.append(Finding(unreadable: error, at: Self.template.printable))
            return OpencodeConfiguration(missing + [OpencodeFile(name, .missing)], rules: rules)
        }
    }

    /// One of the files, with where it really is.
    private func look(_ name: String) -> (file: OpencodeFile, place: Place, node: Node) {
        let path = directory.appending(FilePath(name))
        let node = NodeReader(machine.home).node(at: path.relative)
        if case .symlink(let text) = node, let target = layout.volumePath(of: text) {
            let stored = NodeReader(machine.volume).node(at: target.relative)
            return (file(name, .volume(target), stored), .volume(target), stored)
        }
        return (file(name, .home(path), node), .home(path), node)
    }

    private func file(_ name: String, _ place: Place, _ node: Node) -> OpencodeFile {
        let (tree, path) = machine.tree(of: place)
        let isMounted =
            node.isFile
            && path.lastComponent.map { NodeReader(tree).openParent(of: path)?.isMountPoint($0) ?? false } ?? false
        return OpencodeFile(name, content(place, node), isReplaceable: !isMounted)
    }

    private func content(_ place: Place, _ node: Node) -> OpencodeFile.Content {
        switch node {
        case .missing: return .missing
        case .symlink(let text):
            return .unreadable(
                "is a symlink to \(text.printable), which is not followed", advice: "put a regular file there")
        case .directory, .special:
            return .unreadable("is \(node.word), not a file", advice: "move it away")
        case .unreachable(let obstacle): return .unreadable(obstacle.sentence, advice: obstacle.advice)
        case .file(let facts):
            do {
                let (tree, path) = machine.tree(of: place)
                let (parent, name) = try tree.parent(of: path)
                if let owner = try parent.status(of: name)?.uid, owner != Identity.uid {
                    return .unreadable(
                        "belongs to user \(owner), not to the agent",
                        advice: FailureAdvice.sentence(forForeign: name, in: parent))
                }
                return .bytes(try seen.bytes(facts) { try tree.readFile(path, limit: Self.largest) ?? [] })
            } catch {
                let call = error as? SystemCallError
                return .unreadable("cannot be read: \(call?.plainReason ?? error.sentence)", advice: call?.advice)
            }
        }
    }
}

/// The plan that was made last, so that files in the same state are not parsed again for the same one.
private final class LastPlan {
    private var kept: (nodes: [Node], plan: OpencodePlan)?

    func plan(for nodes: [Node]) -> OpencodePlan? { kept?.nodes == nodes ? kept?.plan : nil }
    func keep(_ plan: OpencodePlan, for nodes: [Node]) { kept = (nodes, plan) }
}

/// Files that were read, so that a second look at the same state of a file does not read it again.
private final class ReadFiles {
    private var known: [FileFacts: [UInt8]] = [:]

    func bytes(_ facts: FileFacts, _ read: () throws -> [UInt8]) throws -> [UInt8] {
        if let bytes = known[facts] { return bytes }
        let bytes = try read()
        known[facts] = bytes
        return bytes
    }
}

/// The configuration directory does not lie in the home of the agent, where alone it is looked after.
package struct OpencodeOutside: Error, Sendable, CustomStringConvertible {
    package let directory: FilePath
    package let home: FilePath

    package var description: String { "\(directory.printable) does not lie in \(home.printable)" }
}

extension Workplace {
    /// The machine for OpenCode's configuration. Where nothing is kept on a volume of the agents', the configuration
    /// directory, which persists, stands for it; it is made where it is missing, or, for a preview, the home stands for it.
    package func machineOfConfiguration(isPreview: Bool) throws -> Machine {
        guard try volumeState() == .unused else { return try machine() }
        let home = settings.path(.home)
        let directory = settings.path(.opencodeConfiguration)
        let tree: Tree
        do {
            tree = Tree(root: try root.openInRoot(home))
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            throw MachineProblem.homeMissing(home)
        }
        let below = FilePath(root: nil, directory.components.dropFirst(home.components.count))
        let own: Tree? = try asOwner {
            if let found = try tree.existing(below) { return Tree(root: found) }
            if isPreview { return nil }
            let (parent, name) = try tree.makeParent(of: below, mode: 0o755)
            return Tree(root: try parent.makeOrOpenDirectory(name, mode: 0o750))
        }
        return Machine(
            layout: Layout(home: home, volume: own == nil ? home : directory), owner: owner, root: root, home: tree,
            volume: own ?? tree)
    }
}

extension Tree {
    /// Opens a directory; nil when it is missing.
    fileprivate func existing(_ path: FilePath) throws -> Directory? {
        do {
            return try directory(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }
}
