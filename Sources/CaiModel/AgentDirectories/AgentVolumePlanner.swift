package import SystemPackage

/// A file of the volume, with as much of its content as a migration needs.
package struct SeenFile: Sendable, Hashable {
    package let path: VolumePath
    package let node: Node
    /// The digest of a regular file's content; nil for anything else and where it was not needed.
    package let digest: ContentDigest?
    /// True for a regular file that holds nothing, or only the `{}` of a placeholder.
    package let isPlaceholder: Bool
    /// True if a process of any container has the file open.
    package let isOpen: Bool

    package init(
        _ path: VolumePath, _ node: Node, digest: ContentDigest? = nil, isPlaceholder: Bool = false,
        isOpen: Bool = false
    ) {
        self.path = path
        self.node = node
        self.digest = digest
        self.isPlaceholder = isPlaceholder
        self.isOpen = isOpen
    }
}

/// A part of the volume that has another name by now.
package struct SeenRename: Sendable, Hashable {
    package let from: SeenFile
    package let to: SeenFile
    package init(from: SeenFile, to: SeenFile) {
        self.from = from
        self.to = to
    }
}

/// A symlink that belongs on the volume: a local part of an agent directory, or a second name.
package struct SeenVolumeLink: Sendable, Hashable {
    package let path: VolumePath
    package let text: FilePath
    package let node: Node
    package init(_ path: VolumePath, text: FilePath, node: Node) {
        self.path = path
        self.text = text
        self.node = node
    }
}

/// The state of the agent directories on the volume.
package struct AgentVolumeObservation: Sendable {
    /// The layout that the volume has; nil for a volume of a release without agent directories, and for a fresh one.
    package let layout: Int?
    /// The file that names the layout, as it is.
    package let layoutFile: Node
    /// The directories on the volume, each with its place.
    package let targets: [(path: VolumePath, node: Node)]
    /// The directories above those that are there.
    package let parents: Set<VolumePath>
    /// The directories that hold a secret of any entry, and are private when they are made.
    package let privateDirectories: Set<VolumePath>
    package let renames: [SeenRename]
    package let links: [SeenVolumeLink]
    /// Files of the manifests inside agent directories in which an earlier release may have left a placeholder.
    package let placeholders: [SeenFile]
    /// True if each place where a placeholder may be could be looked at.
    package let isComplete: Bool

    package init(
        layout: Int?, targets: [(path: VolumePath, node: Node)], parents: Set<VolumePath>,
        privateDirectories: Set<VolumePath>, renames: [SeenRename], links: [SeenVolumeLink], placeholders: [SeenFile],
        isComplete: Bool = true, layoutFile: Node = .missing
    ) {
        self.layoutFile = layoutFile
        self.isComplete = isComplete
        self.privateDirectories = privateDirectories
        self.parents = parents
        self.layout = layout
        self.targets = targets
        self.renames = renames
        self.links = links
        self.placeholders = placeholders
    }
}

/// The version of the volume's layout, in `.containai/layout`.
package enum VolumeLayout {
    /// The layout with agent directories as a whole.
    package static let current = 2
    package static let path = VolumePath(unchecked: ".containai/layout")
    package static let text = "\(current)\n"

    /// The version in the text of the file; nil for anything else.
    package static func version(_ bytes: [UInt8]) -> Int? {
        Int(String(decoding: bytes, as: UTF8.self).prefix { !$0.isWhitespace })
    }
}

/// Plans the changes of existing content on the volume, all of them together: entries get the names by which the agents
/// know them, placeholders of earlier releases go, and real entries make room for local parts and second names.
/// Everything that makes room is displaced. A file that a process has open stays for this start, with a finding.
package func planAgentMigration(_ seen: AgentVolumeObservation, layout: Layout) -> Plan {
    var plan = Plan()
    if let newer = newerLayout(seen, layout) { return newer }
    var replaced: Set<VolumePath> = []
    for rename in seen.renames {
        plan.append(rename, layout)
        replaced.formUnion([rename.from.path, rename.to.path])
    }
    for file in seen.placeholders where file.isPlaceholder && !replaced.contains(file.path) {
        plan.steps.append(.place(Placement(file.path, found: file.node, content: .nothing, keeping: .quiet)))
        replaced.insert(file.path)
    }
    for link in seen.links where !replaced.contains(link.path) {
        switch link.node {
        case .missing, .symlink(link.text): continue
        case .unreachable(let obstacle):
            plan.findings.append(
                Finding(.warning, at: layout.text(link.path), obstacle.sentence, advice: obstacle.advice))
        case .symlink, .file, .directory, .special:
            plan.steps.append(.place(Placement(link.path, found: link.node, content: .link(link.text, modified: nil))))
        }
    }
    return plan
}

/// Plans the directories and links that the volume lacks, each by itself, and, once existing content is converted, the note
/// of the layout.
package func planAgentTargets(_ seen: AgentVolumeObservation, layout: Layout, isMigrated: Bool = true) -> Plan {
    if newerLayout(seen, layout) != nil { return Plan() }
    var plan = Plan()
    var made = seen.parents
    for (path, node) in seen.targets where node.isMissing {
        plan.steps += path.missingParents(besides: &made).map {
            .makeDirectory($0, mode: seen.privateDirectories.contains($0) ? 0o700 : 0o755)
        }
        if made.insert(path).inserted { plan.steps.append(.makeDirectory(path, mode: 0o700)) }
    }
    let usable = Set(seen.targets.filter { $0.node.isMissing || $0.node.isDirectory }.map(\.path))
    for link in seen.links where link.node.isMissing && link.path.isAtOrBelow(usable) {
        plan.steps.append(.linkOnVolume(link.path, text: link.text))
    }
    if seen.layout == nil, isMigrated {
        // A file that names no layout was torn by a loss of power, or is not ours.
        plan.steps.append(
            seen.layoutFile.isMissing
                ? .makeFile(VolumeLayout.path, content: VolumeLayout.text, mode: 0o600)
                : .write(
                    .volume(VolumeLayout.path), content: VolumeLayout.text, mode: 0o600, replacing: seen.layoutFile,
                    isOurs: false))
    }
    return plan
}

/// Plans the modes of secrets in agent directories: permissions of the group and of others are removed. What lies below a
/// directory is out of their reach then.
package func planAgentPrivacy(_ seen: [(path: VolumePath, node: Node)]) -> Plan {
    Plan(
        steps: seen.compactMap { path, node in
            switch node {
            case .file(let facts), .directory(let facts):
                facts.mode & 0o077 == 0 ? nil : .setMode(path, from: facts.mode, to: facts.mode & 0o700)
            case .missing, .symlink, .special, .unreachable: nil
            }
        })
}

/// The plan for a volume that a later release has written: nothing of it is converted.
private func newerLayout(_ seen: AgentVolumeObservation, _ layout: Layout) -> Plan? {
    guard let version = seen.layout, version > VolumeLayout.current else { return nil }
    return Plan(findings: [
        Finding(
            .warning, at: layout.text(VolumeLayout.path),
            "the volume has layout \(version), and this release knows layout \(VolumeLayout.current); its agent "
                + "directories are used as they are, and nothing is converted",
            advice: "use the release of cai that wrote the volume")
    ])
}

extension Plan {
    /// Appends the steps that give an entry its new name. The newer of two versions wins; the other is displaced.
    fileprivate mutating func append(_ rename: SeenRename, _ layout: Layout) {
        let (from, to) = (rename.from, rename.to)
        if case .unreachable(.mountPoint) = from.node {
            findings.append(
                Finding(
                    .warning, at: layout.text(from.path),
                    "is a mount, which keeps its name; the agent does not know it by that name",
                    advice: "mount it at \(layout.text(to.path)) instead"))
            return
        }
        if case .unreachable(.mountPoint) = to.node {
            findings.append(
                Finding(
                    .note, at: layout.text(to.path),
                    "is a mount, which is used as it is; \(layout.text(from.path)) keeps its name and is not used"))
            return
        }
        guard case .file(let facts) = from.node else {
            if from.node.isDirectory || from.node.isSpecial {
                findings.append(
                    Finding(
                        .warning, at: layout.text(from.path),
                        "is \(from.node.word), and was not renamed to \(layout.text(to.path))",
                        advice: "move it away, and run cai init again"))
            }
            return
        }
        if from.isOpen || to.isOpen {
            findings.append(
                Finding(
                    .warning, at: layout.text(from.isOpen ? from.path : to.path),
                    "is open in a running program, so that it keeps its name until the next start",
                    advice: "stop the containers that use the volume, and start one again"))
            return
        }
        func remove(_ keeping: Placement.Keeping) {
            steps.append(.place(Placement(from.path, found: from.node, content: .nothing, keeping: keeping)))
        }
        switch to.node {
        case .file where from.isPlaceholder || from.digest == to.digest: remove(.quiet)
        case .missing where from.isPlaceholder: remove(.quiet)
        case .file(let other) where !to.isPlaceholder && other.modified > facts.modified:
            findings.append(
                Finding(
                    .note, at: layout.text(from.path),
                    "is older than \(layout.text(to.path)), which stays; it is kept displaced"))
            remove(.shown)
        case .file, .missing:
            findings.append(
                Finding(
                    .note, at: layout.text(from.path),
                    "gets the name \(layout.text(to.path)), by which the agent knows it; an earlier release on this volume "
                        + "would not find it"))
            steps.append(
                .place(
                    Placement(
                        to.path, found: to.node, content: .copy(from.path.relative, facts, mode: facts.mode & 0o777),
                        keeping: to.isPlaceholder ? .quiet : .shown)))
            remove(.quiet)
        case .directory, .symlink, .special, .unreachable:
            findings.append(
                Finding(
                    .warning, at: layout.text(to.path),
                    "is \(to.node.word), so that \(layout.text(from.path)) could not get this name",
                    advice: "move it away, and run cai init again"))
        }
    }
}

extension Node {
    fileprivate var isSpecial: Bool { if case .special = self { true } else { false } }
}

extension VolumePath {
    /// The directories above that are neither there nor planned, outermost first.
    fileprivate func missingParents(besides made: inout Set<VolumePath>) -> [VolumePath] {
        var result: [VolumePath] = []
        var next = parent
        while let path = next {
            if made.insert(path).inserted { result.append(path) }
            next = path.parent
        }
        return result.reversed()
    }
}
