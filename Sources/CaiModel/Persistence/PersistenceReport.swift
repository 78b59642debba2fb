import SystemPackage

/// The answer of a persistence check: a verdict for every path, in the order they were asked for.
package struct PersistenceReport: Hashable, Sendable {
    package let verdicts: [PersistenceVerdict]
    package let platform: HostingPlatform?
    package let container: ContainerDecision
    /// What went wrong while looking; none of it stops the check.
    package let findings: [Finding]

    package init(
        verdicts: [PersistenceVerdict], platform: HostingPlatform?, container: ContainerDecision, findings: [Finding]
    ) {
        self.verdicts = verdicts
        self.platform = platform
        self.container = container
        self.findings = findings
    }

    /// Whether no path fails; see `PersistenceVerdict.isProblem`.
    package func isClean(strict: Bool) -> Bool { !verdicts.contains { $0.isProblem(strict: strict) } }
}

extension PersistenceReport: Encodable {
    enum CodingKeys: String, CodingKey {
        case paths, platform, container, findings
        case isPersistent = "persistent"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isClean(strict: false), forKey: .isPersistent)
        try container.encode(verdicts, forKey: .paths)
        try container.encode(platform, forKey: .platform)
        try container.encode(self.container, forKey: .container)
        try container.encode(findings, forKey: .findings)
    }

    /// The report as JSON with sorted keys, for `--json` and for the boot record.
    package func json() throws -> String { try sortedJSON(self) }
}

extension PersistenceVerdict: Encodable {
    enum CodingKeys: String, CodingKey {
        case path, kind, source, survives, risk, priority, notes, fix
        case isPersistent = "persistent"
        case isReadOnly = "read_only"
        case mountPoint = "mount_point"
        case fileSystem = "file_system"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path.string, forKey: .path)
        try container.encode(kind, forKey: .kind)
        try container.encode(source, forKey: .source)
        try container.encode(survival, forKey: .survives)
        try container.encode(risk, forKey: .risk)
        try container.encode(wanted.priority, forKey: .priority)
        try container.encode(notes, forKey: .notes)
        try container.encode(fix, forKey: .fix)
        try container.encode(isPersistent, forKey: .isPersistent)
        try container.encode(isReadOnly, forKey: .isReadOnly)
        try container.encode(mount?.mountPoint.string, forKey: .mountPoint)
        try container.encode(mount?.fileSystem, forKey: .fileSystem)
    }
}
