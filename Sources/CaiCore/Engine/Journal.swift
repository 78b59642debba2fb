import CaiModel
import CaiPlatform
import FoundationEssentials
import SystemPackage

/// `.containai/journal/`: one file for a run that moves data, written before its first step and removed after its last.
/// It names, for every step, the places beside which the step may leave temporary names. Copies in the making of other
/// small files of our own stand here too.
struct Journal {
    /// What a journal file says.
    struct Record: Codable {
        struct Item: Codable {
            /// The number in the step's temporary names.
            let step: Int
            let home: [String]
            let volume: [String]
            /// Whether a link to the place on the volume belongs at the place in the home.
            let isLinked: Bool
        }
        let schema: Int
        let run: String
        let pid: Int32
        let steps: [Item]
        /// What is changed all together.
        var batch: BatchRecord?
    }

    /// What interrupted runs left.
    struct Pending {
        /// The runs that were not finished, oldest first.
        var runs: [RunID] = []
        /// Copies in the making.
        var parts: [FilePath.Component] = []
        var isEmpty: Bool { runs.isEmpty && parts.isEmpty }
    }

    static let name = "journal"
    private static let largest = 64 << 20
    let volume: Tree

    /// What is there to be finished.
    func pending() throws -> Pending {
        var pending = Pending()
        guard let directory = try StateDirectory(volume: volume).open(Self.name) else { return pending }
        for name in try directory.names() {
            if name.string.hasSuffix(StateDirectory.partSuffix) {
                pending.parts.append(name)
            } else if name.extension == "json", let run = RunID(name.stem) {
                pending.runs.append(run)
            }
        }
        pending.runs.sort()
        return pending
    }

    /// Removes a copy in the making, which held nothing but text of our own.
    func remove(part: FilePath.Component) throws {
        guard let directory = try StateDirectory(volume: volume).open(Self.name) else { return }
        if Node(part, in: directory).isFile { try directory.unlink(part) }
    }

    /// Begins a run, or says more about it: `steps` are all steps so far, with their numbers.
    func begin(_ run: RunID, _ steps: [(number: Int, step: Step)], pid: Int32) throws {
        let items = steps.filter(\.step.isJournaled).map { number, step in
            Record.Item(
                step: number,
                home: step.places.compactMap { if case .home(let path) = $0 { path.relative.encoded } else { nil } },
                volume: step.places.compactMap {
                    if case .volume(let path) = $0 { path.relative.encoded } else { nil }
                },
                isLinked: step.recoveryPair != nil)
        }
        let record = Record(schema: 1, run: run.text, pid: pid, steps: items)
        let directory = try StateDirectory(volume: volume).make(Self.name)
        try StateDirectory(volume: volume).replace(
            file(run), in: directory, with: Array(try JSONEncoder().encode(record)))
    }

    /// Begins a run that changes everything together, or commits it.
    func begin(_ run: RunID, batch: BatchRecord, pid: Int32) throws {
        let record = Record(schema: 1, run: run.text, pid: pid, steps: [], batch: batch)
        let directory = try StateDirectory(volume: volume).make(Self.name)
        try StateDirectory(volume: volume).replace(
            file(run), in: directory, with: Array(try JSONEncoder().encode(record)))
    }

    /// Notes the modes that directories of the volume have when a run is done with them: all so far, before the first of
    /// them is changed.
    func note(_ modes: [VolumePath: UInt16], of run: RunID) throws {
        let texts = Dictionary(uniqueKeysWithValues: modes.map { ($0.key.relative.encoded, $0.value) })
        let directory = try StateDirectory(volume: volume).make(Self.name)
        try StateDirectory(volume: volume).replace(
            modesFile(run), in: directory, with: Array(try JSONEncoder().encode(texts)))
    }

    /// The modes that were noted; none when there is no note that can be read.
    func modes(of run: RunID) throws -> [VolumePath: UInt16] {
        guard let directory = try StateDirectory(volume: volume).open(Self.name),
            Node(modesFile(run), in: directory).isFile
        else { return [:] }
        let bytes = try directory.openFile(modesFile(run)).readAll(limit: Self.largest, directory.label)
        let texts = try? JSONDecoder().decode([String: UInt16].self, from: Data(bytes))  // torn: as if never written
        var result: [VolumePath: UInt16] = [:]
        for (text, mode) in texts ?? [:] {
            if let path = VolumePath(recorded: text) { result[path] = mode & 0o7777 }
        }
        return result
    }

    /// Ends a run.
    func end(_ run: RunID) throws {
        guard let directory = try StateDirectory(volume: volume).open(Self.name) else { return }
        if !Node(modesFile(run), in: directory).isMissing { try directory.unlink(modesFile(run)) }
        try directory.unlink(file(run))
        try directory.sync()
    }

    /// Reads a run's record; nil when the file is damaged.
    func read(_ run: RunID) throws -> Record? {
        guard let directory = try StateDirectory(volume: volume).open(Self.name) else { return nil }
        let open = try directory.openFile(file(run))
        let bytes = try open.readAll(limit: Self.largest, directory.label)
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(bytes)), record.schema == 1 else {
            return nil  // the caller then looks beside every place it knows
        }
        return record
    }

    private func file(_ run: RunID) -> FilePath.Component {
        FilePath.Component("\(run).json") ?? "journal.json"
    }

    private func modesFile(_ run: RunID) -> FilePath.Component {
        FilePath.Component("\(run).modes") ?? "journal.modes"
    }
}
