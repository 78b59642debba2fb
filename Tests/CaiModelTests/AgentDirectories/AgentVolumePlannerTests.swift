import CaiModel
import SystemPackage
import Testing

@Suite struct `Planning the migration of agent directories` {
    static let layout = Layout(home: "/home/agent", volume: "/mnt/agent-data")

    private func facts(_ modified: Int64, size: Int64 = 10) -> FileFacts {
        FileFacts(device: 1, inode: UInt64(modified) + 1, size: size, mode: 0o600, modified: modified)
    }

    private func seen(
        layout: Int? = nil, renames: [SeenRename] = [], links: [SeenVolumeLink] = [], placeholders: [SeenFile] = [],
        targets: [(path: VolumePath, node: Node)] = []
    ) -> AgentVolumeObservation {
        AgentVolumeObservation(
            layout: layout, targets: targets, parents: [], privateDirectories: [], renames: renames, links: links,
            placeholders: placeholders)
    }

    /// The steps as `PATH word`, in order.
    private func words(_ plan: Plan) -> [String] {
        plan.steps.map { step in
            guard case .place(let placement) = step else { return step.words(Self.layout) }
            switch placement.content {
            case .copy(let from, _, _): return "\(placement.target) from \(from)"
            case .nothing: return "\(placement.target) goes \(placement.keeping)"
            case .link(let text, _): return "\(placement.target) -> \(text)"
            default: return "\(placement.target) ?"
            }
        }
    }

    private func file(
        _ path: String, _ modified: Int64?, _ content: String = "x", isPlaceholder: Bool = false, isOpen: Bool = false
    ) throws -> SeenFile {
        SeenFile(
            try VolumePath(path), modified.map { .file(facts($0)) } ?? .missing,
            digest: modified.map { _ in ContentDigest(hex: content) }, isPlaceholder: isPlaceholder, isOpen: isOpen)
    }

    @Test func `an entry gets its new name, and the old one is displaced`() throws {
        let rename = SeenRename(from: try file("a/old", 5), to: try file("a/new", nil))
        let plan = planAgentMigration(seen(renames: [rename]), layout: Self.layout)
        #expect(words(plan) == ["a/new from a/old", "a/old goes quiet"])
        #expect(plan.findings.map(\.severity) == [.note])
    }

    @Test func `a placeholder under the old name goes without a trace of its own`() throws {
        let rename = SeenRename(from: try file("a/old", 5, isPlaceholder: true), to: try file("a/new", nil))
        #expect(words(planAgentMigration(seen(renames: [rename]), layout: Self.layout)) == ["a/old goes quiet"])
    }

    @Test func `of two versions the newer one wins and the other is displaced`() throws {
        let newer = SeenRename(from: try file("a/old", 9, "one"), to: try file("a/new", 5, "two"))
        #expect(
            words(planAgentMigration(seen(renames: [newer]), layout: Self.layout)) == [
                "a/new from a/old", "a/old goes quiet",
            ])
        let older = SeenRename(from: try file("a/old", 5, "one"), to: try file("a/new", 9, "two"))
        let plan = planAgentMigration(seen(renames: [older]), layout: Self.layout)
        #expect(words(plan) == ["a/old goes shown"])
        #expect(plan.findings.map(\.severity) == [.note])
    }

    @Test func `a file that a program has open keeps its name, with a warning`() throws {
        let rename = SeenRename(from: try file("a/old", 9, isOpen: true), to: try file("a/new", nil))
        let plan = planAgentMigration(seen(renames: [rename]), layout: Self.layout)
        #expect(plan.steps == [])
        #expect(plan.findings.map(\.severity) == [.warning])
    }

    @Test func `placeholders go, other files stay`() throws {
        let plan = planAgentMigration(
            seen(placeholders: [
                try file("a/auth.json", 1, isPlaceholder: true), try file("a/settings.json", 1),
            ]), layout: Self.layout)
        #expect(words(plan) == ["a/auth.json goes quiet"])
    }

    @Test func `a real directory makes room for a local part`() throws {
        let link = SeenVolumeLink(try VolumePath("a/pids"), text: "/tmp/x", node: .directory(facts(3)))
        #expect(words(planAgentMigration(seen(links: [link]), layout: Self.layout)) == ["a/pids -> /tmp/x"])
    }

    @Test func `a volume of a later layout is used as it is`() throws {
        let link = SeenVolumeLink(try VolumePath("a/pids"), text: "/tmp/x", node: .missing)
        let observation = seen(
            layout: VolumeLayout.current + 1, links: [link],
            placeholders: [try file("a/auth.json", 1, isPlaceholder: true)], targets: [(try VolumePath("a"), .missing)])
        let plan = planAgentMigration(observation, layout: Self.layout)
        #expect(plan.steps == [])
        #expect(plan.findings.map(\.severity) == [.warning])
        #expect(planAgentTargets(observation, layout: Self.layout).steps == [])
    }

    @Test func `missing directories, links and the note of the layout are made, and nothing twice`() throws {
        let fresh = seen(
            links: [SeenVolumeLink(try VolumePath("x/a/pids"), text: "/tmp/x", node: .missing)],
            targets: [(try VolumePath("x/a"), .missing)])
        #expect(
            words(planAgentTargets(fresh, layout: Self.layout)) == [
                "create directory /mnt/agent-data/x (0755)", "create directory /mnt/agent-data/x/a (0700)",
                "make the symlink /mnt/agent-data/x/a/pids to /tmp/x",
                "create placeholder /mnt/agent-data/.containai/layout (0600)",
            ])
        // A volume whose content could not be converted is as old as before.
        #expect(
            !words(planAgentTargets(fresh, layout: Self.layout, isMigrated: false)).contains { $0.contains("layout") })
        let settled = seen(
            layout: VolumeLayout.current,
            links: [SeenVolumeLink(try VolumePath("x/a/pids"), text: "/tmp/x", node: .symlink(text: "/tmp/x"))],
            targets: [(try VolumePath("x/a"), .directory(facts(1)))])
        #expect(planAgentTargets(settled, layout: Self.layout).steps == [])
        #expect(planAgentMigration(settled, layout: Self.layout).steps == [])
    }
}
