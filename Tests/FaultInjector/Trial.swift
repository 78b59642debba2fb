import Glibc
import SystemPackage

/// A scenario on a world: what an undisturbed run makes of it, and the trial of each fault against that.
final class Trial {
    let scenario: Scenario
    let world: World
    let start: World.Contents
    private let treasures: Set<Node.Content>
    private let secrets: Set<Node>
    private(set) var expected: [Node] = []
    private var codes: (first: Int32?, second: Int32?) = (nil, nil)
    private(set) var calls: [Calls.Call] = []
    /// Whether the last attempt was ended by its kill: where threads share the work, a call may come less often.
    private(set) var wasKilled = false

    init(_ scenario: Scenario, _ world: World) throws {
        self.scenario = scenario
        self.world = world
        start = try scenario.prepare(world)
        let kept = scenario.volumeIsDurable ? start : World.Contents(home: start.home, volume: [])
        treasures = kept.treasures.subtracting(scenario.replacedLinks.map { .symlink($0) })
        secrets = Set(start.volume.filter(\.isSecret))
    }

    /// Runs the command undisturbed, twice, and notes what it leads to. Returns what is wrong with that already.
    func rehearse() throws -> [String] {
        try reset()
        let (first, lines) = try world.traced(
            scenario.command, under: scenario.wrapper, calls: Calls.changing + Calls.looking + Calls.marks)
        calls = Calls.parse(lines)
        let done = world.contents()
        expected = Self.comparable(done)
        let second = try world.cai(scenario.command, under: scenario.wrapper)
        codes = (first.code, second.code)
        var problems = lost(with: done, "undisturbed run") + leftovers(done) + settled(done, second)
        problems += try scenario.check(world, true)
        if calls.isEmpty { problems.append("nothing was traced: \(first.output)") }
        if scenario.linksAreRight {
            let check = try world.cai(["links", "check"])
            if check.code != 0 { problems.append("links check: exit \(describe(check.code)): \(check.output)") }
        }
        return problems
    }

    func reset() throws { try world.reset(start, volumeIsDurable: scenario.volumeIsDurable) }

    /// Tries one fault. Returns every promise that did not hold.
    func attempt(_ fault: Fault) throws -> [String] {
        try reset()
        let faulty = try disturbed(fault)
        wasKilled = faulty.code == 128 + SIGKILL
        if faulty.code == nil { return ["the disturbed run did not end: \(faulty.output)"] }
        var problems: [String] = lost(with: world.contents(), "disturbed run (exit \(describe(faulty.code)))")
        if case .kill = fault {
        } else if let code = faulty.code, code > 128 {
            problems.append("the disturbed run crashed: exit \(code): \(faulty.output)")
        }
        problems += try scenario.check(world, false)
        if scenario.isAtomic { problems += try between(isLie: fault.isLie) }
        return problems + (try settle("second run", converges: !fault.isLie))
    }

    /// Returns every promise that did not hold after the power was lost once, or a second time while the command that finishes
    /// the work runs.
    func attempt(_ losses: [PowerLoss]) throws -> [String] {
        try reset()
        for (number, loss) in losses.enumerated() {
            try loss.strike(scenario, world)
            let contents = world.contents()
            let moment = "after loss \(number + 1)"
            // Other programs may leave their files half-written on the volume if they did not make them durable.
            let problems = lost(with: contents, moment) + (scenario.volumeIsDurable ? torn(contents, moment) : [])
            if !problems.isEmpty { return problems }
        }
        // The checks of the scenario follow after the next run, which every start of a machine begins with.
        var problems: [String] = []
        if scenario.isAtomic { problems += try between(isLie: false) }
        return problems + (try settle("second run", converges: scenario.volumeIsDurable))
    }

    /// Files at their places that hold neither what was there before nor what a run writes: a part of a content, or blocks
    /// that were never written. An empty file is no content.
    private func torn(_ contents: World.Contents, _ moment: String) -> [String] {
        let known = Set((Self.comparable(start) + expected).map(\.content))
        return Self.comparable(contents).filter { node in
            guard case .file(let bytes) = node.content, !bytes.isEmpty, !node.isTemporary else { return false }
            return !known.contains(node.content)
        }.map { "\(moment): half-written: \($0.path.shown) is \($0.shown)" }
    }

    /// What is neither as before nor as after, once another command has finished or taken back what was begun. Where something
    /// was said to be missing, a run may do what is right without it: then each path by itself is as before or as after.
    private func between(isLie: Bool) throws -> [String] {
        _ = try world.cai(["sync"])
        let before = Self.comparable(start)
        let now = Self.comparable(world.contents())
        if now == before { return [] }
        guard isLie else { return differences(world.contents()).map { "between old and new: \($0)" } }
        let (old, new) = (Self.byPath(before), Self.byPath(expected))
        let here = Self.byPath(now)
        return Set(here.keys).union(old.keys).union(new.keys)
            .filter { here[$0] != old[$0] && here[$0] != new[$0] }.map { "neither old nor new: \($0.shown)" }.sorted()
    }

    private static func byPath(_ nodes: [Node]) -> [FilePath: Node] {
        Dictionary(nodes.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Runs the command twice more: the first must lead to what an undisturbed run leads to, the second to nothing.
    func settle(_ moment: String, converges: Bool = true) throws -> [String] {
        let again = try world.cai(scenario.command, under: scenario.wrapper)
        var problems: [String] = []
        if again.code != codes.first, again.code != codes.second {
            problems.append("\(moment): exit \(describe(again.code)): \(again.output)")
        }
        let contents = world.contents()
        problems += lost(with: contents, moment) + leftovers(contents)
        if converges { problems += differences(contents) }
        if converges { problems += try scenario.check(world, true) }
        let third = try world.cai(scenario.command, under: scenario.wrapper)
        return problems + settled(contents, third)
    }

    private func disturbed(_ fault: Fault) throws -> Finished {
        switch fault {
        case .kill, .error:
            guard let (call, expression) = fault.injection else { return Finished(code: nil, output: "") }
            return try world.traced(
                scenario.command, under: scenario.wrapper, calls: [call], inject: [expression]
            ).0
        case .fullVolume(let pages):
            try world.limitVolume(pages: world.volumePages + pages)
            defer { try? world.limitVolume(pages: nil) }  // the next reset shows it
            return try world.cai(scenario.command, under: scenario.wrapper)
        case .readOnlyVolume:
            try world.makeVolume(readOnly: true)
            let finished = try world.cai(scenario.command, under: scenario.wrapper)
            try world.makeVolume(readOnly: false)
            return finished
        case .descriptors(let count):
            return try world.cai(scenario.command, under: ["prlimit", "--nofile=\(count):\(count)"] + scenario.wrapper)
        }
    }

    /// What is lost, or shown to others.
    func lost(with contents: World.Contents, _ moment: String) -> [String] {
        let missing = treasures.subtracting(contents.treasures).map { "\(moment): lost \(show($0))" }
        let shown = contents.volume.filter {
            $0.isSecret && $0.mode & 0o077 != 0 && $0.path.components.first?.string != ".containai"
        }.filter { node in !secrets.contains { $0.path == node.path && $0.mode == node.mode } }
        return missing.sorted()
            + shown.map { "\(moment): readable by others: \($0.path.shown) \(String($0.mode, radix: 8))" }
    }

    /// What a finished run must not leave behind.
    private func leftovers(_ contents: World.Contents) -> [String] {
        var problems = contents.all.filter(\.isTemporary).map { "left behind: \($0.path.shown)" }
        let state: FilePath = ".containai"
        problems += contents.volume.filter {
            $0.path.starts(with: state.appending("journal")) && $0.content != .directory
        }.map { "journal left: \($0.path.shown)" }
        problems += contents.volume.filter {
            $0.path.extension == "part" && !$0.path.starts(with: state.appending("displaced"))
        }.map { "left behind: \($0.path.shown)" }
        if !world.lockIsFree { problems.append("the lock is held") }
        return problems
    }

    private func differences(_ contents: World.Contents) -> [String] {
        let now = Self.comparable(contents)
        let (expectedByPath, nowByPath) = (Self.byPath(expected), Self.byPath(now))
        let missing = expected.filter { nowByPath[$0.path] == nil }.map { "not converged: missing \($0.path.shown)" }
        let other = now.compactMap { node -> String? in
            guard let wanted = expectedByPath[node.path] else { return "not converged: unexpected \(node.path.shown)" }
            return node == wanted ? nil : "not converged: \(node.path.shown) is \(node.shown), expected \(wanted.shown)"
        }
        return missing + other
    }

    /// Whether one more run found nothing to do and wrote nothing.
    private func settled(_ before: World.Contents, _ run: Finished) -> [String] {
        var problems: [String] = []
        if run.code != codes.second { problems.append("third run: exit \(describe(run.code)): \(run.output)") }
        let earlier = Dictionary(before.all.map { (Key($0), $0) }, uniquingKeysWith: { first, _ in first })
        let contents = world.contents()
        for node in contents.all where earlier[Key(node)] != node {
            problems.append("third run: touched \(node.path.shown)")
        }
        let later = Set(contents.all.map(\.path))
        problems += before.all.filter { !later.contains($0.path) }.map { "third run: removed \($0.path.shown)" }
        if !problems.isEmpty { problems.append("third run: \(run.output.debugDescription)") }
        return problems
    }

    private struct Key: Hashable {
        let path: FilePath
        let inode: UInt64
        init(_ node: Node) {
            path = node.path
            inode = node.inode
        }
    }

    /// The part of the trees that must be the same however often a run was interrupted: everything but the state of `cai`
    /// itself; inodes, change times, times of directories and of what was written during the run left out.
    private static func comparable(_ contents: World.Contents) -> [Node] {
        func plain(_ node: Node, _ prefix: FilePath) -> Node {
            var node = node
            node.path = prefix.appending(node.path.components)
            node.twin = node.twin.map { prefix.appending($0.components) }
            node.inode = 0
            node.changed = 0
            if node.content == .directory || node.modified > 1_700_000_000_000_000_000 { node.modified = 0 }
            return node
        }
        let volume = contents.volume.filter {
            $0.path.components.first?.string != ".containai" && !$0.path.string.hasPrefix(".containai-")
        }
        return contents.home.map { plain($0, "home") } + volume.map { plain($0, "volume") }
    }
}

private func describe(_ code: Int32?) -> String { code.map(String.init) ?? "none, it took too long" }

private func show(_ content: Node.Content) -> String {
    switch content {
    case .file(let bytes): "file \(String(decoding: bytes.prefix(60), as: UTF8.self).debugDescription)"
    case .symlink(let text): "link to \(text.shown)"
    default: "\(content)"
    }
}

extension Node: Hashable {
    func hash(into hasher: inout Hasher) {
        hasher.combine(path)
        hasher.combine(content)
    }

    fileprivate var isSecret: Bool {
        if case .file(let bytes) = content { bytes.starts(with: Array("SECRET".utf8)) } else { false }
    }

    fileprivate var shown: String {
        "\(show(content)) mode \(String(mode, radix: 8)) uid \(uid) time \(modified)"
    }
}

extension FilePath {
    /// The path with nothing that a terminal would act on.
    var shown: String { string.debugDescription }
}
