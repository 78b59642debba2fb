import Glibc
import SystemPackage

/// Changes of users: the account files and records stay whole, and the next restore brings them together.
final class UsersTrial: PowerLossTrial {
    enum Change: String, CaseIterable, Sendable {
        /// The first start of a container with ten records.
        case restore
        case add, passwd, remove

        fileprivate func command(_ hash: String) -> [String] {
            switch self {
            case .restore: ["users", "restore"]
            case .add: ["users", "add", "alice", "--hash-file", hash]
            case .passwd: ["users", "passwd", "user3", "--hash-file", hash]
            case .remove: ["users", "remove", "user3"]
            }
        }
    }

    private static let hashes = ["a", "b"].map { "$6$saltsalt$" + String(repeating: $0, count: 86) }
    private static let names = (0..<10).map { "user\($0)" }
    /// The files of accounts, and the number of their fields.
    private static let accounts: [(file: FilePath, fields: Int)] = [
        ("passwd", 7), ("group", 4), ("shadow", 9), ("gshadow", 4),
    ]
    private static let places: [FilePath] = ["etc", "home", "var/lib/opencode-users", "var/lib/containai"]
    private static let records: FilePath = "var/lib/opencode-users"

    private let change: Change
    private let world: World
    private let scenario: Scenario
    private var start: [FilePath: [Node]] = [:]
    private var calls: [Calls.Call] = []
    private var duration = 0

    init(_ change: Change, _ world: World) throws {
        self.change = change
        self.world = world
        let hash = world.directory.appending("hash")
        try Tree.write(Array((Self.hashes[1] + "\n").utf8), to: hash)
        scenario = Scenario(
            name: "users-\(change.rawValue)", command: change.command(hash.string), ground: world.ground, home: [],
            volume: [])
        try buildImage()
    }

    private func buildImage() throws {
        var etc = TreeLiteral()
        etc.file("containai/agent.toml", "preset = \"opencode\"\n")
        etc.file("skel/.bashrc", "# skeleton\n")
        etc.file("passwd", "root:x:0:0:root:/root:/bin/sh\nopencoder:x:1000:1000:,,,:/home/opencoder:/bin/bash\n")
        etc.file("group", "root:x:0:\nopencoder:x:1000:\n")
        etc.file("shadow", "root:*:1::::::\nopencoder:!:19000:0:99999:7:::\n", mode: 0o640)
        etc.file("gshadow", "root:*::\nopencoder:!::\n", mode: 0o640)
        var records = TreeLiteral()
        for name in Self.names {
            records.file(
                FilePath("\(name).json"),
                #"{"username":"\#(name)","password_hash":"\#(Self.hashes[0])","locked":false}"#, mode: 0o600)
        }
        var home = TreeLiteral()
        home.directory("agent")
        home.directory("opencoder")
        start = ["etc": owned(etc), "var/lib/opencode-users": owned(records), "home": home.nodes]
        for path in ["var", "var/lib", "bin"] + Self.places {
            try makeDirectory(world.root.appending(path.components))
        }
        try check("chmod", chmod(world.root.appending(Self.records.components).string, 0o700))
        for name in ["bash", "sh"] where Tree.read(FilePath(name), below: world.root.appending("bin")) == nil {
            try Tree.write([], to: world.root.appending("bin").appending(name))
        }
        try reset()
        if change == .restore { return }
        let restored = try world.cai(["users", "restore"])
        guard restored.code == 0 else { throw HarnessError("users restore: \(restored.output)") }
        for place in Self.places { start[place] = Tree.scan(world.root.appending(place.components)) }
    }

    private func owned(_ literal: TreeLiteral) -> [Node] {
        literal.nodes.map { node in
            var node = node
            node.uid = 0
            return node
        }
    }

    private func reset() throws {
        for place in Self.places {
            let path = world.root.appending(place.components)
            try Tree.empty(path)
            try Tree.build(start[place] ?? [], below: path)
        }
        try world.disks?.flush()
    }

    func rehearse() throws -> [String] {
        try reset()
        let (first, lines) = try world.traced(scenario.command, calls: Calls.changing)
        calls = Calls.parse(["0 setgroups()"] + lines.map { "0" + $0.drop { $0.isNumber } })
        var problems = first.code == 0 ? [] : ["exit \(first.code ?? -1): \(first.output)"]
        problems += try settle(isDone: true)
        try reset()
        let begin = ContinuousClock.now
        try world.cai(scenario.command)
        duration = Int((ContinuousClock.now - begin) / .microseconds(1))
        return problems
    }

    func losses(using random: inout SeededNumbers) -> [PowerLoss] {
        let count = Int.random(in: 0..<3, using: &random) == 0 ? 2 : 1
        return (0..<count).map { _ in
            PowerLoss.random(
                calls, microseconds: duration, hasOtherDisk: world.disks?.volume != nil, using: &random)
        }
    }

    func attempt(_ losses: [PowerLoss]) throws -> [String] {
        try reset()
        for loss in losses {
            try loss.strike(scenario, world)
            let problems = damage()
            if !problems.isEmpty { return problems }
        }
        return try settle(isDone: false)
    }

    // MARK: checks

    private func text(_ path: FilePath) -> String {
        String(decoding: Tree.bytes(world.root.appending(path.components)), as: UTF8.self)
    }

    private func fields(_ file: FilePath) -> [[String]] {
        text(FilePath("etc").appending(file.components)).split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Account files with a torn line, or without a user of the image, and records that are gone or torn.
    private func damage() -> [String] {
        var problems: [String] = []
        for (file, count) in Self.accounts {
            let lines = fields(file)
            for line in lines where line.count != count { problems.append("etc/\(file): torn line \(line)") }
            for name in ["root", "opencoder"] where !lines.contains(where: { $0.first == name }) {
                problems.append("etc/\(file): lost \(name)")
            }
        }
        for name in Self.names where change != .remove || name != "user3" {
            let record = text(Self.records.appending("\(name).json"))
            if !record.contains("\"\(name)\"") || record.last(where: { $0 != "\n" }) != "}" {
                problems.append("the record of \(name) is lost or torn: \(record.debugDescription)")
            }
            guard change != .restore else { continue }
            for (file, _) in Self.accounts where !fields(file).contains(where: { $0.first == name }) {
                problems.append("etc/\(file): lost \(name)")
            }
        }
        return problems
    }

    /// Restores, which brings accounts and records together, and once more, which does nothing.
    private func settle(isDone: Bool) throws -> [String] {
        let restored = try world.cai(["users", "restore"])
        var problems = restored.code == 0 ? [] : ["restore: exit \(restored.code ?? -1): \(restored.output)"]
        problems += damage() + disagreements(isDone: isDone) + leftovers()
        let before = snapshot()
        let again = try world.cai(["users", "restore"])
        if again.code != 0 { problems.append("second restore: exit \(again.code ?? -1): \(again.output)") }
        if snapshot() != before { problems.append("the second restore changed something") }
        return problems
    }

    /// Users whose accounts and records do not say the same.
    private func disagreements(isDone: Bool) -> [String] {
        let names = Self.names + ["alice"]
        return names.flatMap { name -> [String] in
            let record = text(Self.records.appending("\(name).json"))
            let count = Self.accounts.filter { file, _ in fields(file).contains { $0.first == name } }.count
            let isWanted = !isDone ? !record.isEmpty : name == "alice" ? change == .add : record.isEmpty == false
            guard count == (isWanted ? Self.accounts.count : 0) else {
                return ["\(name): in \(count) of the account files, the record is \(record.debugDescription)"]
            }
            guard isWanted, let hash = fields("shadow").first(where: { $0.first == name })?[1] else { return [] }
            let isKnown = Self.hashes.contains(hash) && record.contains(hash)
            return isKnown ? [] : ["\(name): the account has \(hash), the record is \(record.debugDescription)"]
        }
    }

    private func leftovers() -> [String] {
        Self.places.flatMap { place in
            Tree.names(world.root.appending(place.components)).map(\.string).filter { name in
                name.hasPrefix(".cai-") || name.hasSuffix(".cai") || name.hasSuffix(".part")
                    || name.hasPrefix(".removing-")
            }.map { "left behind: \(place)/\($0.debugDescription)" }
        }
    }

    private func snapshot() -> [[Node]] {
        Self.places.map { place in
            Tree.scan(world.root.appending(place.components)).filter { !$0.path.string.hasSuffix(".lock") }
        }
    }
}
