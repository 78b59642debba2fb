package import CaiModel
import CaiPlatform
import SystemPackage

/// Lists the secrets on a volume, displaced ones too, and removes them.
package struct SecretsJob {
    let machine: Machine
    let entries: [Entry]
    let directories: [PlacedDirectory]

    /// `entries` are those of the manifests, `directories` the agent directories in their places.
    package init(_ machine: Machine, entries: [Entry], directories: [PlacedDirectory]) {
        self.machine = machine
        self.entries = entries
        self.directories = directories
    }

    /// Returns the secrets, sorted by path, and a finding for each file or directory that cannot be read.
    package func list() -> (secrets: [FoundSecret], findings: [Finding]) {
        var search = SecretSearch(machine, entries: entries, directories: directories)
        search.search()
        return (search.secrets.sorted { $0.path < $1.path }, search.findings)
    }

    /// Removes the secrets for good, all together, or only plans it.
    package func purge(_ options: RunOptions) throws -> RunReport<PurgePlan> {
        try Engine(machine, entries: entries, options: options).run { _ in
            let (secrets, findings) = list()
            return planPurge(secrets, findings: findings)
        }
    }
}

private struct SecretSearch {
    let machine: Machine
    let entries: [Entry]
    private let places: SecretPlaces
    private let judge: SecretJudge
    var secrets: [FoundSecret] = []
    var findings: [Finding] = []

    init(_ machine: Machine, entries: [Entry], directories: [PlacedDirectory]) {
        self.machine = machine
        self.entries = entries.filter { !$0.flags.contains(.glob) }
        places = SecretPlaces(entries, directories: directories)
        judge = SecretJudge(entries, agents: AgentTargets(directories))
    }

    mutating func search() {
        visit(machine.volume.root, FilePath(), as: { VolumePath(unchecked: $0) })
        searchDisplaced()
    }

    /// Displaced content is judged by the place that it had.
    private mutating func searchDisplaced() {
        guard let runs = try? DisplacedStore(machine.volume).runs() else { return }  // no store, no secrets in it
        for run in runs {
            let base = DisplacedStore.directory.appending(run.text)
            do {
                let directory = try machine.volume.directory(base)
                let places = places
                visit(directory, base) { path in
                    let names = path.components.dropFirst(base.components.count)
                    return places.original(ofDisplaced: FilePath(root: nil, names))
                }
            } catch {
                findings.append(Finding(unreadable: error, at: base.printable))
            }
        }
    }

    private mutating func visit(
        _ directory: Directory, _ path: FilePath, as original: (FilePath) -> VolumePath
    ) {
        do {
            for name in try directory.names() {
                let below = path.appending(name)
                let node = Node(name, in: directory)
                switch node {
                case .directory:
                    if path.isEmpty, name == ".containai" { continue }
                    visit(try directory.openDirectory(name), below, as: original)
                case .file(let facts) where facts.size > 0:
                    try judge(name, in: directory, below, node, facts, as: original(below))
                default: continue
                }
            }
        } catch {
            findings.append(Finding(unreadable: error, at: directory.label.printable))
        }
    }

    private mutating func judge(
        _ name: FilePath.Component, in directory: Directory, _ path: FilePath, _ node: Node, _ facts: FileFacts,
        as original: VolumePath
    ) throws {
        let place = VolumePath(unchecked: path)
        if place.isReserved, !path.starts(with: DisplacedStore.directory) { return }
        func add(_ kind: FoundSecret.Kind, _ remainder: FoundSecret.Remainder? = nil) {
            secrets.append(FoundSecret(path: place, kind: kind, found: node, remainder: remainder))
        }
        let declared = entries.first { $0.isSecret && original.isInside($0.target) }
        // A login without content reads as a broken one, so that nothing stays in an agent directory.
        let keepsPlace = declared.map { $0.target == original && !$0.isCovered && !place.isReserved } ?? false
        if let declared {
            let head = try directory.openFile(name).readHead(64, directory.label)
            if facts.size < 64, isPlaceholder(head) { return }
            let empty = FoundSecret.Remainder(bytes: Array(declared.placeholder.utf8), mode: 0o600)
            return add(.declared, keepsPlace ? empty : nil)
        }
        if original.relative == ".env" { return add(.environment) }
        let verdict = try judge.judge(original, size: facts.size) {
            try directory.openFile(name).readHead(4096, directory.label)
        } content: {
            try directory.openFile(name).readAll(limit: Int(facts.size) + 4096, directory.label.appending(name))
        }
        switch verdict {
        case .secret(let kind): add(kind)
        case .examined(let rest, hadSecrets: true):
            add(.mixed, FoundSecret.Remainder(bytes: rest, mode: facts.mode))
        case .unknown(looksSecret: true):
            findings.append(
                Finding(
                    .warning, at: machine.layout.text(place),
                    "cannot be read in its format, and something in it looks like a secret",
                    advice: "correct it, or remove the secret"))
        case .plain, .unknown, .examined: return
        }
    }
}
