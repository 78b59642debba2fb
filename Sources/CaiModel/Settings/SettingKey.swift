import SystemPackage

/// One key of `/etc/containai/agent.toml`; the environment variable is `CAI_` and the key in capitals.
package enum SettingKey: String, CaseIterable, Sendable {
    case preset
    case user, uid, gid, home
    case volume, workspace
    case persistencePaths = "persistence_paths"
    case imageManifests = "image_manifests"
    case linkSpecifications = "link_specifications"
    case startupHooks = "startup_hooks"
    case shutdownHooks = "shutdown_hooks"
    case reloadHooks = "reload_hooks"
    case hookTimeout = "hook_timeout_seconds"
    case strict
    case stateDirectory = "state_directory"
    case socketUsers = "socket_uids"
    case socketToken = "socket_token_file"
    case requestBytes = "request_max_bytes"
    case clientPatience = "client_patience_seconds"
    case lockTimeout = "lock_timeout_seconds"
    case displacedRuns = "displaced_runs"
    case displacedBytes = "displaced_bytes"
    case archiveBytes = "archive_max_bytes"
    case archiveRatio = "archive_max_ratio"
    case archiveMembers = "archive_max_members"
    case archiveDepth = "archive_max_depth"
    case archivePathBytes = "archive_max_path_bytes"
    case linkScan = "link_scan_seconds"
    case linkGuard = "link_guard"
    case agentService = "agent_service"
    case serviceOutput = "service_output"
    case opencodeConfiguration = "opencode_config"
    case manageUsers = "manage_users"
    case usersDirectory = "users_directory"
    case bootstrapCode = "bootstrap_code"
    case bootstrapExpiry = "bootstrap_expiry_seconds"
    case bootstrapAttempts = "bootstrap_attempts"
    case agentPlacement = "agent_placement"
    case localDirectory = "local_directory"

    /// What a value of the key looks like.
    package enum Kind: Sendable { case word, path, optionalPath, number, paths, words, identifiers, flag }

    package var kind: Kind {
        switch self {
        case .preset, .user, .serviceOutput, .agentPlacement: .word
        case .agentService, .linkGuard, .manageUsers, .bootstrapCode: .flag
        case .home, .volume, .workspace, .imageManifests, .stateDirectory, .usersDirectory: .path
        case .opencodeConfiguration, .localDirectory: .path
        case .socketToken: .optionalPath
        case .uid, .gid, .hookTimeout, .lockTimeout, .displacedRuns, .displacedBytes, .linkScan: .number
        case .requestBytes, .archiveBytes, .archiveRatio, .archiveMembers, .archiveDepth, .archivePathBytes: .number
        case .bootstrapExpiry, .bootstrapAttempts, .clientPatience: .number
        case .persistencePaths, .linkSpecifications, .startupHooks, .shutdownHooks, .reloadHooks: .paths
        case .strict: .words
        case .socketUsers: .identifiers
        }
    }

    package var environmentName: String { "CAI_" + rawValue.uppercased() }
}

/// A value of a setting.
package enum SettingValue: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case list([String])
    case flag(Bool)

    /// The value as an operator would write it.
    package var text: String {
        switch self {
        case .text(let value): value
        case .number(let value): String(value)
        case .list(let values): values.joined(separator: ":")
        case .flag(let isOn): isOn ? "true" : "false"
        }
    }
}

/// Where the value of a setting comes from; later ones win.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case preset(String)
    /// `/etc/passwd`, or the ids of an unprivileged process.
    case machine(String)
    case file(SourceLocation)
    case environment(String)
    case flag(String)

    package var description: String {
        switch self {
        case .preset(let name): "preset \(name)"
        case .machine(let what): what
        case .file(let location): location.description
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        }
    }
}

/// What a machine is unless somebody says otherwise.
package enum Preset: String, CaseIterable, Sendable {
    case containai, opencode

    /// The values of the preset. `uid` and `gid` hold where no account of the name exists.
    package var values: [SettingKey: SettingValue] {
        let user = self == .containai ? "agent" : "opencoder"
        let home = "/home/\(user)"
        return [
            .preset: .text(rawValue), .user: .text(user), .uid: .number(1000), .gid: .number(1000), .home: .text(home),
            .volume: .text("/mnt/agent-data"), .workspace: .text(home + "/workspace"),
            .persistencePaths: .list(persistentPaths.map(\.path.string)),
            .imageManifests: .text("/etc/containai/manifests"),
            .linkSpecifications: .list(["/usr/local/lib/containai/link-spec.json"]),
            .startupHooks: .list([
                "/etc/containai/template-hooks/startup.d", home + "/workspace/.containai/hooks/startup.d",
            ]),
            .shutdownHooks: .list([
                "/etc/containai/template-hooks/shutdown.d", home + "/workspace/.containai/hooks/shutdown.d",
            ]),
            .reloadHooks: .list([
                "/etc/containai/template-hooks/reload.d", home + "/workspace/.containai/hooks/reload.d",
            ]),
            .hookTimeout: .number(60), .strict: .list([]), .stateDirectory: .text("/run/containai"),
            .socketUsers: .list([]), .socketToken: .text(""), .requestBytes: .number(16 << 30),
            .clientPatience: .number(60),
            .lockTimeout: .number(10), .displacedRuns: .number(20), .displacedBytes: .number(256 << 20),
            .archiveBytes: .number(32 << 30), .archiveRatio: .number(200), .archiveMembers: .number(500_000),
            .archiveDepth: .number(100), .archivePathBytes: .number(4096),
            .linkScan: .number(600), .linkGuard: .flag(true),
            .agentService: .flag(true), .serviceOutput: .text("text"),
            .opencodeConfiguration: .text(home + "/.config/opencode"),
            .manageUsers: .flag(self == .opencode), .usersDirectory: .text("/var/lib/opencode-users"),
            .bootstrapCode: .flag(self == .opencode), .bootstrapExpiry: .number(86_400),
            .bootstrapAttempts: .number(10),
            .agentPlacement: .text(AgentPlacement.link.rawValue),
            // In /tmp because it is writable for every user, in an image without /run too, and never on the volume.
            .localDirectory: .text("/tmp/.containai"),
        ]
    }

    /// A path of a preset where the home is another one than the preset's.
    package static func home(of preset: String, movedTo home: String, _ path: String) -> String {
        guard case .text(let old)? = Preset(rawValue: preset)?.values[.home], path.hasPrefix(old + "/") else {
            return path
        }
        return home + path.dropFirst(old.count)
    }

    /// What is checked for persistence (predecessors 1.1 and 2.3).
    package var persistentPaths: [PersistentPath] {
        switch self {
        case .containai: PersistencePreset.containai.paths
        case .opencode: PersistencePreset.opencode.paths
        }
    }
}

extension Settings {
    /// The paths whose persistence is checked, with what the presets know about those that they name.
    package var persistentPaths: [PersistentPath] {
        if case .preset? = self[.persistencePaths]?.origin { return presetPaths }
        let known = presetPaths + Preset.allCases.flatMap(\.persistentPaths)
        return list(.persistencePaths).map { text in
            known.first { $0.path == FilePath(text) } ?? PersistentPath(named: FilePath(text))
        }
    }
}
