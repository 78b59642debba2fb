import CaiTestSupport
import SystemPackage
import Testing

/// A world with a second home below `/host` that an import reads.
extension World {
    /// Where the second home is on this machine.
    var host: String { path("/host").string }

    /// A world whose `/host` holds a tree.
    static func importing(_ home: Item, into volume: Item = [:]) throws -> World {
        let world = try World()
        try world.put("/host", ([:] as Item).owned(by: World.agent))
        try world.add(below: "/host", home.ofAgent)
        try world.add(below: "/mnt/agent-data", volume)
        return world
    }

    /// Puts the children of a tree at a path.
    func add(below path: FilePath, _ tree: Item) throws {
        guard case .directory(let children) = tree.kind else { return }
        for (name, item) in children { try put(path.appending(name.components), item) }
    }

    /// Imports from `/host`.
    @discardableResult
    func importHost(_ arguments: String..., environment: [String: String] = [:]) throws -> Finished {
        try cai(["import", "--from", host] + arguments, environment: environment)
    }

    /// The content of a file of the volume; nil when there is none.
    func volumeText(_ path: FilePath) -> String? { try? text(FilePath("/mnt/agent-data").appending(path.components)) }

    /// The mode of a path of the volume.
    func volumeMode(_ path: FilePath) throws -> UInt16? {
        try mode(FilePath("/mnt/agent-data").appending(path.components))
    }
}

extension Item {
    /// The same tree, all of it the agent's.
    var ofAgent: Item {
        guard case .directory(let children) = kind else { return owned(by: World.agent) }
        return Item.directory(children.map { ($0.name, $0.item.ofAgent) }).mode(mode).at(modified).owned(
            by: World.agent)
    }
}
