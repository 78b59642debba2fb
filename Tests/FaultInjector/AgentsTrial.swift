import Glibc
import Synchronization
import SystemPackage

/// The guard, while agents save: all that an agent has made durable is there after the next start, in its place.
final class AgentsTrial: PowerLossTrial {
    /// One agent, which saves one file again and again: a temporary file, made durable, renamed over the file, and the
    /// directory made durable.
    private final class Agent: Sendable {
        let path: FilePath
        private let isSecret: Bool
        /// True if it saves where the link leads to, as Claude Code does; else the file takes the place of the link.
        private let followsLink: Bool
        private struct Saves {
            /// The number of the last save that was begun, and of the last one that was durable.
            var begun = 0
            var durable = 0
            /// True from the moment on when the disks begin to lose their power: what they say then counts for nothing.
            var isOver = false
        }

        private let saves = Mutex(Saves())

        init(_ path: FilePath, isSecret: Bool = false, followsLink: Bool = false) {
            self.path = path
            self.isSecret = isSecret
            self.followsLink = followsLink
        }

        var numbers: (begun: Int, durable: Int) { saves.withLock { ($0.begun, $0.durable) } }

        func forget() { saves.withLock { $0 = Saves() } }

        func setOver(_ isOver: Bool) { saves.withLock { $0.isOver = isOver } }

        /// The content of one save: more than a block.
        func text(_ number: Int) -> String {
            let filler = String(repeating: "\(number) ", count: 2000)
            return isSecret ? "SECRET \(filler)" : #"{"save":\#(number),"filler":"\#(filler)"}"#
        }

        func save(in world: World) {
            let number = saves.withLock { saves in
                saves.begun += 1
                return saves.begun
            }
            let place = world.home.appending(path.components)
            let target = followsLink ? world.resolved(place) : place
            let isDurable = saveDurably(text(number), at: target)
            saves.withLock { if isDurable, !$0.isOver { $0.durable = number } }
        }
    }

    private let world: World
    private let scenario: Scenario
    private let start: World.Contents
    private let agents = [
        Agent(".claude.json"), Agent(".claude/.credentials.json", isSecret: true),
        Agent(".claude/settings.json", followsLink: true), Agent(".codex/config.toml"),
    ]
    private static let microseconds = 400_000

    init(_ world: World) throws {
        self.world = world
        var home = TreeLiteral()
        for agent in agents { home.file(agent.path, agent.text(0), mode: 0o600) }
        scenario = Scenario(
            name: "agents", command: ["links", "watch"], ground: world.ground, home: home.nodes, volume: [],
            settling: [["sync"], ["links", "repair"]])
        start = try scenario.prepare(world)
    }

    func rehearse() throws -> [String] {
        try attempt([PowerLoss(.time(Self.microseconds), .nothing)])
            + agents.filter { $0.numbers.durable == 0 }.map { "nothing was saved at \($0.path.shown)" }
    }

    func losses(using random: inout SeededNumbers) -> [PowerLoss] {
        [
            PowerLoss.random(
                [], microseconds: Self.microseconds, hasOtherDisk: world.disks?.volume != nil, using: &random)
        ]
    }

    func attempt(_ losses: [PowerLoss]) throws -> [String] {
        try world.reset(start)
        for agent in agents { agent.forget() }
        for loss in losses {
            for agent in agents { agent.setOver(false) }
            let companions = agents.map { [world] agent in
                Companion { number in
                    agent.save(in: world)
                    usleep(UInt32(number % 13) * 300)  // at moments that differ
                }
            }
            // The files of the agents are closed before the disks are unmounted.
            try loss.strike(scenario, world, begin: { [agents] in for agent in agents { agent.setOver(true) } }) {
                for companion in companions { companion.stop() }
            }
        }
        var problems = missing("after the loss")
        let repair = try world.cai(["links", "repair"])
        if repair.code != 0 { problems.append("links repair: exit \(repair.code ?? -1): \(repair.output)") }
        problems += missing("after the repair") + misplaced()
        let check = try world.cai(["links", "check"])
        if check.code != 0 { problems.append("links check: exit \(check.code ?? -1): \(check.output)") }
        return problems + world.contents().all.filter(\.isTemporary).map { "left behind: \($0.path.shown)" }
    }

    /// The agents of which neither the last durable save nor a later one is anywhere.
    private func missing(_ moment: String) -> [String] {
        let treasures = world.contents().treasures
        return agents.compactMap { agent in
            let (begun, durable) = agent.numbers
            let isThere = (durable...max(begun, durable)).contains { number in
                treasures.contains(.file(Array(agent.text(number).utf8)))
            }
            return isThere ? nil : "\(moment): lost save \(durable) of \(agent.path.shown)"
        }
    }

    /// The agents that do not find their last durable save, or a later one, in its place.
    private func misplaced() -> [String] {
        agents.compactMap { agent in
            let (begun, durable) = agent.numbers
            let found = Tree.bytes(world.resolved(world.home.appending(agent.path.components)))
            if (durable...max(begun, durable)).contains(where: { Array(agent.text($0).utf8) == found }) { return nil }
            let head = String(decoding: found.prefix(40), as: UTF8.self).debugDescription
            return "after the repair: \(agent.path.shown) has \(head), not save \(durable) or a later one of \(begun)"
        }
    }
}

extension World {
    /// Where a link in the home leads to on the volume; any other path itself.
    func resolved(_ path: FilePath) -> FilePath {
        guard let node = Tree.read(FilePath(path.lastComponent?.string ?? ""), below: path.removingLastComponent()),
            case .symlink(let text) = node.content, text.isAbsolute
        else { return path }
        return root.appending(text.components)
    }
}

/// Saves as a careful program does; true if the save is durable.
private func saveDurably(_ text: String, at path: FilePath) -> Bool {
    let temporary = FilePath(path.string + ".saving")
    let descriptor = open(temporary.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    let bytes = Array(text.utf8)
    let isWritten =
        write(descriptor, bytes, bytes.count) == bytes.count && fchown(descriptor, Tree.agent, Tree.agent) == 0
        && fsync(descriptor) == 0
    close(descriptor)
    guard isWritten, rename(temporary.string, path.string) == 0 else { return false }
    let directory = open(path.removingLastComponent().string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return false }
    defer { close(directory) }
    return fsync(directory) == 0
}
