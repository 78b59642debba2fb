package import SystemPackage

/// Something that an installation has in place. Paths are absolute, below the root that is worked on.
package struct UnitItem: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A file of ours, 0644.
        case file(String)
        /// What enables a unit.
        case link(FilePath)
        /// The binary.
        case program
    }

    package let path: FilePath
    package let kind: Kind

    package init(_ path: FilePath, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }
}

/// What is at the path of an item now.
package enum UnitSighting: Hashable, Sendable {
    case missing
    case file(String, mode: UInt16)
    case link(FilePath)
    case program(isSame: Bool)
    /// Something that no installation makes.
    case other
}

/// One change of an installation.
package enum UnitStep: Hashable, Sendable {
    case write(FilePath, content: String, replacing: Bool)
    case link(FilePath, to: FilePath)
    /// What has this name now keeps existing as `NAME.old`.
    case installProgram(FilePath, replacing: Bool)
    case remove(FilePath)

    package var path: FilePath {
        switch self {
        case .write(let path, _, _), .link(let path, _), .installProgram(let path, _), .remove(let path): path
        }
    }
}

/// How the files of cai begin: what begins otherwise is somebody else's.
private let mark = "# Part of cai."

/// Everything that an installation has in place: the binary, the units below `/etc/systemd`, what enables them, and the
/// group of the agent for the socket.
package func unitItems(_ files: [(name: String, text: String)], gid: Int64) -> [UnitItem] {
    let base: FilePath = "/etc/systemd"
    let system = base.appending("system")
    let placed = files.map { name, text in
        let path = FilePath(name)
        let folder = path.components.first == "system-preset" ? base : system
        return UnitItem(folder.appending(path.components), .file(text))
    }
    let group = UnitItem(
        system.appending("cai-agent.socket.d/group.conf"),
        .file("\(mark)\n[Socket]\n# The group of the agent when cai was installed.\nSocketGroup=\(gid)\n"))
    let units = files.map(\.name).filter { $0.hasPrefix("cai-") }
    let enabled = units.map { name in
        UnitItem(system.appending("multi-user.target.wants").appending(name), .link(system.appending(name)))
    }
    return [UnitItem("/usr/local/bin/cai", .program)] + placed + [group] + enabled
}

/// Puts in place what is missing or of another version. What is not ours is left alone, with a finding.
package func planUnits(_ items: [(UnitItem, UnitSighting)]) -> (steps: [UnitStep], findings: [Finding]) {
    var steps: [UnitStep] = []
    var findings: [Finding] = []
    for (item, found) in items {
        switch (item.kind, found) {
        case (.file(let text), .missing): steps.append(.write(item.path, content: text, replacing: false))
        case (.file(let text), .file(let old, let mode)) where old.hasPrefix(mark):
            if old != text || mode != 0o644 { steps.append(.write(item.path, content: text, replacing: true)) }
        case (.link(let target), .missing): steps.append(.link(item.path, to: target))
        case (.link(let target), .link(let old)) where old == target: continue
        case (.program, .missing): steps.append(.installProgram(item.path, replacing: false))
        case (.program, .program(let isSame)):
            if !isSame { steps.append(.installProgram(item.path, replacing: true)) }
        case (.file, .link("/dev/null")):
            findings.append(foreign(item.path, "is masked", "systemctl unmask it"))
        default:
            findings.append(
                foreign(item.path, "is not of cai and is left alone", "move it away, or put a drop-in beside it"))
        }
    }
    return (steps, findings)
}

/// Takes away what an installation has put in place, but the binary.
package func planUnitRemoval(_ items: [(UnitItem, UnitSighting)]) -> [UnitStep] {
    items.reversed().compactMap { item, found in
        switch (item.kind, found) {
        case (.file, .file(let old, _)) where old.hasPrefix(mark): .remove(item.path)
        case (.link(let target), .link(let old)) where old == target: .remove(item.path)
        default: nil
        }
    }
}

private func foreign(_ path: FilePath, _ sentence: String, _ advice: String) -> Finding {
    Finding(.error, at: path.printable, sentence, advice: advice)
}
