package import CaiModel
import CaiPlatform
import SystemPackage

/// Imports a home or a volume into the volume of a machine.
package struct ImportJob {
    let machine: Machine
    let entries: [Entry]
    let directories: [PlacedDirectory]

    /// `entries` are those of the manifests, `directories` the agent directories in their places.
    package init(_ machine: Machine, entries: [Entry], directories: [PlacedDirectory]) {
        self.machine = machine
        self.entries = entries
        self.directories = directories
    }

    /// Plans, and unless it is a preview applies, an import. It changes everything together or nothing.
    package func run(_ request: ImportRequest, _ options: RunOptions) throws -> RunReport<ImportPlan> {
        let time = Timestamp(secondsSinceEpoch: WallClock.seconds)
        return try Engine(machine, entries: entries, options: options, source: request.source).run { source in
            let seen = ImportObserver(machine, entries: entries, directories: directories, request: request)
                .observe()
            let stamp = ImportStamp(
                time: time, found: NodeReader(machine.volume).node(at: ImportStamp.target.relative))
            let empty = Baseline(keyDigest: { _ in "" })
            return planImport(
                seen, baseline: seen.needsBaseline ? source.baseline : empty, layout: machine.layout, stamp: stamp)
        }
    }
}
