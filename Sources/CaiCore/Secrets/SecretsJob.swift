package import CaiModel
import CaiPlatform
import SystemPackage

/// Shows the secrets on a volume, those that runs displaced too, and removes them.
package struct SecretsJob {
    let machine: Machine
    let entries: [Entry]

    package init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries
    }

    /// The secrets, sorted by path. What cannot be read is a finding.
    package func list() -> (secrets: [FoundSecret], findings: [Finding]) {
        var search = SecretSearch(machine, entries: entries)
        search.search()
        return (search.secrets.sorted { $0.path < $1.path }, search.findings)
    }

    /// Removes the secrets for good, all together, or shows what would be removed.
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
    private let judge: SecretJudge
    var secrets: [FoundSecret] = []
    var findings: [Finding] = []

    init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries.filter { !$0.flags.contains(.glob) }
        judge = SecretJudge(entries)
    }

    mutating func search() {
        visit(machine.volume.root, FilePath(), as: { VolumePath(unchecked: $0) })
        searchDisplaced()
    }

    /// What runs displaced is judged by where it stood.
    private mutating func searchDisplaced() {
        guard let runs = try? DisplacedStore(machine.volume).runs() else { return }  // no store, no secrets in it
        for run in runs {
            let base = DisplacedStore.directory.appending(run.text)
            do {
                let directory = try machine.volume.directory(base)
                let entries = entries
                visit(directory, base) { path in
                    Self.original(path, below: base, entries: entries)
                }
            } catch {
                findings.append(Finding(unreadable: error, at: base.printable))
            }
        }
    }

    /// The target that a displaced path belongs to.
    private static func original(_ path: FilePath, below base: FilePath, entries: [Entry]) -> VolumePath {
        let names = path.components.dropFirst(base.components.count)
        let inside = FilePath(root: nil, names.dropFirst())
        let side = names.first?.string.split(separator: ".").first ?? ""
        guard side == "home" else { return VolumePath(unchecked: inside) }
        let home = HomePath(unchecked: inside)
        for entry in entries {
            guard let link = entry.link ?? entry.source, home.isInside(link) else { continue }
            let below = FilePath(root: nil, inside.components.dropFirst(link.relative.components.count))
            return below.isEmpty ? entry.target : entry.target.appending(below)
        }
        return VolumePath(unchecked: inside)
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
        let isWhole = declared?.target == original && !place.isReserved
        if let declared {
            let head = try directory.openFile(name).readHead(64, directory.label)
            if facts.size < 64, isPlaceholder(head) { return }
            let remainder = isWhole ? FoundSecret.Remainder(bytes: Array(declared.placeholder.utf8), mode: 0o600) : nil
            return add(.declared, remainder)
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
        case .plain, .unknown, .examined: return
        }
    }
}
