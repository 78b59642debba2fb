import CaiModel
import CaiPlatform
import SystemPackage

/// Finds out how each agent directory is reached on a machine. It only reads; to be called as the owner of the files.
struct AgentSurvey {
    private let machine: Machine
    private let mounts: HomeMounts
    private let placements: AgentPlacements
    private let environment: [String: String]
    private let home: NodeReader

    /// `environment` is that of the container: its variables move the directories of agents.
    init(_ machine: Machine, _ mounts: HomeMounts, placements: AgentPlacements, environment: [String: String]) {
        self.machine = machine
        self.mounts = mounts
        self.placements = placements
        self.environment = environment
        home = NodeReader(machine.home)
    }

    /// The directories with their places. A directory that should have a link and cannot says why.
    func directories(_ declared: [AgentDirectory]) -> [PlacedDirectory] {
        let mayRunPrograms = !Mounts.forbidsExecution(machine.volume.root.descriptor)
        return declared.map { place(mayRunPrograms || $0.programs.isEmpty ? $0 : $0.withoutExecution) }
    }

    private func place(_ declared: AgentDirectory) -> PlacedDirectory {
        let (location, variable) = declared.location(environment: environment, layout: machine.layout)
        let wanted = placements[declared.agent]
        switch location {
        case .volume:
            return PlacedDirectory(
                declared, placement: wanted, location: location, movedBy: variable, coverage: .reached)
        case .elsewhere(let path):
            return PlacedDirectory(
                declared, placement: wanted, location: location, movedBy: variable, coverage: .reached,
                obstacle: outside(path, variable ?? "", declared))
        case .home(let path):
            var placed = PlacedDirectory(
                declared, placement: wanted, location: location, movedBy: variable, coverage: .linked)
            switch wanted {
            case .files: placed.coverage = .files
            case .variable: settleVariable(&placed, path)
            case .link, .mount: settleLink(&placed, path, wanted)
            }
            return placed
        }
    }

    /// A directory outside of home and volume is the container's own, unless something is mounted there.
    private func outside(_ path: FilePath, _ variable: String, _ declared: AgentDirectory) -> Finding {
        let place = machine.layout.text(.volume(declared.target))
        if isOnOwnMount(path) {
            return Finding(
                .note, at: path.printable,
                "\(variable) names this directory, which is mounted; \(declared.agent) keeps its state there, and cai does not look after it"
            )
        }
        return Finding(
            .warning, at: path.printable,
            "\(variable) names this directory, which is neither in the home nor on the volume; the state of "
                + "\(declared.agent) is lost with the container",
            advice: "unset \(variable), or set it to \(place)")
    }

    /// True if the directory, or the nearest one above that exists, lies on another mount than the root.
    private func isOnOwnMount(_ path: FilePath) -> Bool {
        var path = path
        while !path.isEmpty, path != "/" {
            if let directory = try? machine.root.openInRoot(path) {  // one that is missing is made in the one above
                return Mounts.id(of: directory.descriptor) != Mounts.id(of: machine.root.descriptor)
            }
            path.removeLastComponent()
        }
        return false
    }

    /// With a variable the home needs no link. A real directory that a process without the variable made is moved to the
    /// volume at the start, for which it gets a link.
    private func settleVariable(_ placed: inout PlacedDirectory, _ path: HomePath) {
        guard placed.declaration.variable != nil else {
            settleLink(&placed, path, .link)
            placed.obstacle =
                placed.obstacle
                ?? Finding(
                    .note, at: path.inHome,
                    "is linked, because \(placed.declaration.agent) has no variable that names its directory")
            return
        }
        switch home.node(atLink: path.relative) {
        case .directory: settleLink(&placed, path, .link)
        default: placed.coverage = .reached
        }
    }

    private func settleLink(_ placed: inout PlacedDirectory, _ path: HomePath, _ wanted: AgentPlacement) {
        if let mount = mounts.mount(around: path) {
            placed.coverage = .reached
            // Of a home of the host one note says it for all.
            placed.obstacle = mount.isEmpty ? nil : around(path, mount, placed.declaration)
            return
        }
        let node = home.node(atLink: path.relative)
        if node.isDirectory, let parent = home.openParent(of: path.relative), let name = path.relative.lastComponent,
            parent.isMountPoint(name)
        {
            placed.coverage = .reached
            if isTarget(path, placed.declaration) {
                placed.location = .volume(placed.declaration.target)
            } else if let foreign = foreign(path, placed.declaration) {
                placed.obstacle = foreign
            } else if wanted != .mount {
                placed.obstacle = Finding(
                    .note, at: path.inHome, "is mounted; it is used as it is",
                    advice: "set placement = \"mount\" for \(placed.declaration.agent) in /etc/containai/agent.toml")
            }
            return
        }
        switch node {
        case .missing, .file, .special: break
        case .symlink(let text): settleSymlink(&placed, path, text)
        case .unreachable(let obstacle):
            placed.coverage = .fallback
            placed.obstacle = Finding(.warning, at: path.inHome, obstacle.sentence, advice: obstacle.advice)
        case .directory:
            if let obstacle = AdoptionCheck(machine).obstacle(to: path, label: machine.layout.path(.home(path))) {
                placed.coverage = .fallback
                placed.obstacle = obstacle
                return
            }
        }
        if wanted == .mount, placed.coverage == .linked {
            placed.obstacle = Finding(
                .warning, at: path.inHome, "is not mounted although placement = \"mount\" asks for it; it is linked",
                advice: "mount a directory of the volume there, or remove the setting")
        }
    }

    /// The note about a directory that lies on a mount which begins above it.
    private func around(_ path: HomePath, _ mount: FilePath, _ declared: AgentDirectory) -> Finding {
        Finding(
            .note, at: path.inHome,
            "lies on the mount at \(HomePath(unchecked: mount).inHome), and is used as it is; the state of \(declared.agent) is kept there and not on the "
                + "volume",
            advice: "cai persistence check tells whether that survives")
    }

    /// The warning about a mounted directory that the agent cannot write to: an engine makes a new volume as root's.
    private func foreign(_ path: HomePath, _ declared: AgentDirectory) -> Finding? {
        // A directory that cannot be looked at is reported by whoever uses it.
        guard let directory = try? machine.home.directory(path.relative), let owner = try? directory.foreignOwner()
        else { return nil }
        return Finding(
            .warning, at: path.inHome,
            "is mounted and belongs to uid \(owner), so that \(declared.agent) can save nothing in it",
            advice: SystemCallError(refusedIn: directory).advice)
    }

    /// True if the mount shows the very directory of the volume, as an engine mounts a part of a volume.
    private func isTarget(_ path: HomePath, _ declared: AgentDirectory) -> Bool {
        // Where one of the two is missing they are not the same.
        guard let here = try? machine.home.directory(path.relative).status(),
            let there = try? machine.volume.directory(declared.target.relative).status()
        else { return false }
        return here.isSameFile(as: there)
    }

    /// A symlink to another place that exists is the user's own choice and stays.
    private func settleSymlink(_ placed: inout PlacedDirectory, _ path: HomePath, _ text: FilePath) {
        let own = machine.layout.linkText(to: placed.declaration.target)
        guard text != own else { return }
        let full = text.isAbsolute ? text : machine.layout.path(.home(path)).removingLastComponent().pushing(text)
        let target = full.lexicallyNormalized()
        guard machine.root.existsInRoot(target) else { return }
        placed.coverage = .reached
        if target.starts(with: machine.layout.volume) {
            placed.obstacle = Finding(
                .note, at: path.inHome, "is a symlink of your own to \(text.printable) on the volume, and stays")
        } else if isOnOwnMount(target) {
            placed.obstacle = Finding(
                .note, at: path.inHome, "is a symlink of your own to \(text.printable), which is mounted, and stays")
        } else {
            placed.obstacle = Finding(
                .warning, at: path.inHome,
                "is a symlink of your own to \(text.printable), which is lost with the container",
                advice: "remove the link and run cai init, to keep the directory on the volume")
        }
    }
}
