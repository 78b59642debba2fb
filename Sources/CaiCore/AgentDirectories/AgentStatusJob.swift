package import CaiModel
import CaiPlatform
package import SystemPackage

/// Reports, for each agent directory, whether its state is kept, how it is reached, and how much is in it. It only reads; to
/// be called as the owner.
package struct AgentStatusJob {
    private let machine: Machine
    private let directories: [PlacedDirectory]
    private let home: NodeReader
    private let volume: NodeReader

    package init(_ machine: Machine, directories: [PlacedDirectory]) {
        self.machine = machine
        self.directories = directories
        home = NodeReader(machine.home)
        volume = NodeReader(machine.volume)
    }

    /// The states without amounts: a few system calls for each directory.
    package func summaries() -> [AgentDirectoryStatus] { directories.map { status($0, isCounting: false) } }

    /// The states with amounts: every entry is looked at.
    package func run(workspace: FilePath) -> AgentStatusReport {
        AgentStatusReport(
            directories.map { status($0, isCounting: true) }, hints: hints(workspace: workspace))
    }

    /// Settings of agents that do not go with linked directories. `workspace` is where agents work.
    package func hints(workspace: FilePath) -> [Finding] {
        var hints = workspaceHints(workspace, directories, machine.layout)
        for placed in directories where placed.coverage == .linked || placed.coverage == .reached {
            for name in SettingsHints.files(of: placed.declaration.sessions) {
                let path = placed.target.appending(FilePath(name))
                guard let bytes = try? machine.volume.readFile(path.relative, limit: Self.largestSettings) else {
                    continue  // missing or unreadable: the agent says so itself
                }
                hints += SettingsHints(machine.layout, placed).findings(in: bytes, at: path)
            }
        }
        return hints
    }

    private static let largestSettings = 4 << 20

    private func status(_ placed: PlacedDirectory, isCounting: Bool) -> AgentDirectoryStatus {
        let declared = placed.declaration
        let (reach, isKept, finding) = reach(placed)
        var amounts: [AgentPart: ContentAmount]?
        let directory = content(placed)
        if isCounting, let directory {
            var count = Count(declared)
            count.visit(directory, FilePath())
            amounts = count.amounts
        }
        let names = (try? directory?.names()) ?? []  // unreadable: as if there were nothing to tell
        let places = Set(declared.locals.map(\.text) + declared.aliases.map(\.from.relative.string))
        return AgentDirectoryStatus(
            agent: declared.agent, place: place(placed), target: target(placed), isKept: isKept, reach: reach,
            hasContent: names.contains { !places.contains($0.string) }, finding: finding, amounts: amounts,
            lost: lost(placed))
    }

    private func place(_ placed: PlacedDirectory) -> String {
        switch placed.location {
        case .home(let path): path.inHome
        case .volume(let path): machine.layout.text(path)
        case .elsewhere(let path): path.printable
        }
    }

    private func target(_ placed: PlacedDirectory) -> String {
        if case .elsewhere(let path) = placed.location { return path.printable }
        return machine.layout.text(placed.target)
    }

    /// The words for how the directory is reached, and whether its state is kept.
    private func reach(_ placed: PlacedDirectory) -> (words: String, isKept: Bool, finding: Finding?) {
        let problem = placed.obstacle
        let isFine = problem.map { $0.severity == .note } ?? true
        switch (placed.coverage, placed.location) {
        case (.files, _): return ("single links", true, notWholly(placed))
        case (.fallback, _): return ("single links", false, problem)
        case (.reached, .volume): return (placed.movedBy ?? "mount", true, problem)
        case (.reached, .elsewhere): return (placed.movedBy ?? "variable", isFine, problem)
        case (.reached, .home(let path)):
            if placed.placement == .variable, placed.declaration.variable != nil, problem == nil {
                return ("variable", true, strayed(placed, path))
            }
            return (home.node(atLink: path.relative).isDirectory ? "mount" : "own link", isFine, problem)
        case (.linked, .home(let path)):
            let text = machine.layout.linkText(to: placed.declaration.target)
            switch home.node(atLink: path.relative) {
            case .symlink(text): return ("link", true, problem)
            case .missing: return ("no link yet", false, missing(path))
            default: return ("not linked yet", false, problem ?? missing(path))
            }
        case (.linked, _): return ("link", true, problem)
        }
    }

    private func missing(_ path: HomePath) -> Finding {
        Finding(
            .warning, at: path.inHome, "has no link to the volume, so that new state would be lost",
            advice: "cai links repair")
    }

    /// Single links keep the files of the manifests only.
    private func notWholly(_ placed: PlacedDirectory) -> Finding {
        Finding(
            .note, at: place(placed), "keeps the files of the manifests only; conversations are not among them",
            advice: "remove placement = \"files\"")
    }

    /// A real directory that a process without the variable has made.
    private func strayed(_ placed: PlacedDirectory, _ path: HomePath) -> Finding? {
        guard home.node(atLink: path.relative).isDirectory else { return nil }
        return Finding(
            .warning, at: path.inHome,
            "was made by a program without \(placed.declaration.variable ?? "the variable"); it moves to the volume at the next start"
        )
    }

    /// The directory that holds the state now; nil if there is none.
    private func content(_ placed: PlacedDirectory) -> Directory? {
        switch (placed.coverage, placed.location) {
        case (_, .elsewhere(let path)): try? machine.root.openInRoot(path)  // missing: nothing is there yet
        case (.reached, .home(let path)) where placed.placement != .variable:
            try? machine.root.openInRoot(machine.layout.path(.home(path)))
        default: try? machine.volume.directory(placed.target.relative)
        }
    }

    /// Entries of a real directory in the home that is not linked: what is no link to the volume goes with the container.
    private func lost(_ placed: PlacedDirectory) -> [String] {
        guard placed.coverage == .fallback || placed.coverage == .files || placed.placement == .variable,
            let path = placed.homePath, home.node(at: path.relative).isDirectory,
            let directory = try? machine.home.directory(path.relative), let names = try? directory.names()
        else { return [] }
        return names.compactMap { name in
            if case .symlink(let text) = Node(name, in: directory), text.starts(with: machine.layout.volume) {
                return nil
            }
            if directory.isMountPoint(name) { return nil }
            return placed.declaration.part(of: FilePath(root: nil, [name])) == .state
                ? path.appending(name).inHome : nil
        }
    }
}

/// Counts the content of an agent directory by its parts. Links are counted as files of their length.
private struct Count {
    private let declared: AgentDirectory
    private(set) var amounts: [AgentPart: ContentAmount] = [:]

    init(_ declared: AgentDirectory) { self.declared = declared }

    mutating func visit(_ directory: Directory, _ path: FilePath) {
        for name in (try? directory.names()) ?? [] {  // unreadable, or gone: it has no amount
            let below = path.appending(name)
            guard let status = (try? directory.status(of: name)) ?? nil else { continue }
            switch status.kind {
            case .directory: if let inside = try? directory.openDirectory(name) { visit(inside, below) }
            case .regular: amounts[declared.part(of: below), default: ContentAmount()].add(status.size)
            case .symlink, .fifo, .socket, .blockDevice, .characterDevice: continue
            }
        }
    }
}
