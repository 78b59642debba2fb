package import CaiModel
import CaiPlatform

/// Moves live configuration into the volume and links it.
package struct SyncJob {
    let machine: Machine
    let entries: [Entry]

    package init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries
    }

    /// Plans, and unless it is a preview applies, the sync of all entries.
    package func run(_ options: RunOptions) throws -> RunReport<SyncPlan> {
        // The entries say that nothing in their directories was open a moment ago. A later look asks again, and so does
        // the move itself before it removes anything.
        var isFirst = true
        return try Engine(machine, entries: entries, options: options).run { source in
            let seen = Observer(machine).observe(entries, depth: .sync, asksForUsers: !isFirst)
            isFirst = false
            return planSync(seen, baseline: source.baseline(for: seen), layout: machine.layout)
        }
    }
}
