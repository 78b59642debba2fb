package import SystemPackage

/// Finds settings of agents that behave differently where their directory is a link to the volume.
///
/// Each was seen with the real programs: Claude Code compares permission rules with the path behind the link, so that an
/// allow rule for `~/.claude` does not match any more; Codex refuses a sandbox whose writable root holds a symlink that can
/// be replaced; for both, the root of the volume as a workspace makes their own settings writable without a question.
package struct SettingsHints {
    private let layout: Layout
    private let placed: PlacedDirectory

    package init(_ layout: Layout, _ placed: PlacedDirectory) {
        self.layout = layout
        self.placed = placed
    }

    /// The names of the files with settings, below the directory.
    package static func files(of format: SessionFormat?) -> [String] {
        switch format {
        case .claude: ["settings.json", "settings.local.json"]
        case .codex: ["config.toml"]
        case .opencode, nil: []
        }
    }

    /// The findings about the bytes of one file; none for a text that cannot be read, about which the agent complains
    /// itself.
    package func findings(in bytes: [UInt8], at path: VolumePath) -> [Finding] {
        switch placed.declaration.sessions {
        case .claude: claude(bytes, path)
        case .codex: codex(bytes, path)
        case .opencode, nil: []
        }
    }

    private func claude(_ bytes: [UInt8], _ path: VolumePath) -> [Finding] {
        guard let root = JSONDocument(anyDialect: bytes)?.root, let permissions = root["permissions"] else { return [] }
        var findings: [Finding] = []
        let directory = placed.declaration.path.relative.string
        let spellings = ["~/\(directory)", "/\(layout.home.appending(directory).string)"]
        let rules = permissions["allow"]?.elements.compactMap(\.string) ?? []
        let lost = rules.filter { rule in spellings.contains { rule.contains("(\($0)/") || rule.contains("(\($0))") } }
        if placed.coverage == .linked, !lost.isEmpty {
            findings.append(
                Finding(
                    .warning, at: layout.text(path),
                    "allows \(lost.count == 1 ? "a rule" : "\(lost.count) rules") below ~/\(directory), which Claude Code "
                        + "compares with the path on the volume, so that it asks again",
                    advice: "write the rule for /\(layout.text(placed.target))/** as well"))
        }
        let additional = permissions["additionalDirectories"]?.elements.compactMap(\.string) ?? []
        if additional.contains(where: { holdsVolume(FilePath($0)) }) { findings.append(rootAsWorkspace(at: path)) }
        return findings
    }

    private func codex(_ bytes: [UInt8], _ path: VolumePath) -> [Finding] {
        guard let table = try? TOMLReader.table(from: bytes) else { return [] }  // Codex says what is wrong with it
        let roots = table["sandbox_workspace_write"]?.table?["writable_roots"]?.array?.compactMap(\.string) ?? []
        var findings: [Finding] = []
        if placed.coverage == .linked, roots.contains(where: { layout.home.starts(with: FilePath($0)) }) {
            findings.append(
                Finding(
                    .warning, at: layout.text(path),
                    "names the home as a writable root; the sandbox of Codex then refuses each command, because "
                        + "~/\(placed.declaration.path) is a link",
                    advice: "set [agents.codex] placement = \"variable\" in /etc/containai/agent.toml"))
        }
        if roots.contains(where: { holdsVolume(FilePath($0)) }) { findings.append(rootAsWorkspace(at: path)) }
        return findings
    }

    private func holdsVolume(_ path: FilePath) -> Bool { path.isAbsolute && layout.volume.starts(with: path) }

    private func rootAsWorkspace(at path: VolumePath) -> Finding {
        Finding(
            .warning, at: layout.text(path),
            "makes the whole volume a workspace, in which an agent changes its own settings and hooks without asking",
            advice: "name a directory of your own instead")
    }
}

/// The findings about the workspace itself: the volume as a workspace, and the home as the workspace of Codex.
package func workspaceHints(_ workspace: FilePath, _ directories: [PlacedDirectory], _ layout: Layout) -> [Finding] {
    if layout.volume.starts(with: workspace) || workspace == layout.volume {
        return [
            Finding(
                .warning, at: workspace.printable,
                "is the workspace and holds the volume, so that agents change their own settings without asking",
                advice: "set workspace to another directory in /etc/containai/agent.toml")
        ]
    }
    let hasLinkedCodex = directories.contains { $0.declaration.sessions == .codex && $0.coverage == .linked }
    guard hasLinkedCodex, layout.home.starts(with: workspace) else { return [] }
    return [
        Finding(
            .warning, at: workspace.printable,
            "is the workspace and holds ~/.codex, which is a link; the sandbox of Codex then refuses each command",
            advice: "set [agents.codex] placement = \"variable\" in /etc/containai/agent.toml, or use another workspace"
        )
    ]
}
