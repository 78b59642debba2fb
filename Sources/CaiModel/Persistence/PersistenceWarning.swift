extension PersistenceReport {
    /// The block for a log: empty when there is nothing to warn of. Its first line begins with
    /// `WARNING: Persistence is not configured` when a path does not persist, as log watchers expect it.
    ///
    /// Each path that fails has a line `  - PATH …`; then come a hint for the platform and the exact fixes.
    package func warning(strict: Bool = false) -> [String] {
        let problems = verdicts.filter { $0.isProblem(strict: strict) }
        if problems.isEmpty { return [] }
        let writable = problems.filter { !($0.isReadOnly && $0.isPersistent != false) }
        let readOnly = problems.filter(\.isReadOnly)
        var lines: [String] = []
        if writable.isEmpty {
            lines.append("WARNING: One or more persistent paths are read-only.")
        } else {
            lines.append("WARNING: Persistence is not configured for one or more paths.")
            lines.append("Non-persistent paths:")
            lines += writable.flatMap(\.warningLines)
        }
        if !readOnly.isEmpty {
            lines.append("Read-only paths:")
            lines += readOnly.map {
                "  - \($0.path.printable) (\($0.kind.words), \($0.source)): nothing new can be saved"
                    + ($0.needsOnlyWriting ? "; mount the same without :ro (Kubernetes: readOnly)" : "")
            }
        }
        if let platform { lines.append(platform.hint) }
        return lines + fixes(for: problems)
    }

    /// What to write where, for the platform at hand or for an engine and compose.
    private func fixes(for problems: [PersistenceVerdict]) -> [String] {
        let fixes = problems.compactMap(\.fix)
        if fixes.isEmpty { return [] }
        switch platform {
        case .railway:
            let commands = fixes.compactMap(\.railway).prefix(1).map { "  \($0)" }
            return commands.isEmpty
                ? ["Its one volume is in use: keep these paths below it, by links or by their own settings."]
                : ["Add the service's volume:"] + commands
        case .kubernetes:
            return ["Add to the container's volumeMounts (without readOnly):"] + fixes.map { "  \($0.kubernetesMount)" }
                + ["and to the pod's volumes:"] + fixes.map { "  \($0.kubernetesVolume)" }
        case .droplet, nil:
            let volumes = fixes.compactMap(\.composeVolume)
            return ["Add to docker run:"] + fixes.map { "  \($0.docker)" }
                + ["or to volumes of the compose service:"] + fixes.map { "  \($0.compose)" }
                + (volumes.isEmpty ? [] : ["and to volumes of the compose file:"] + volumes.map { "  \($0)" })
        }
    }
}

extension PersistenceVerdict {
    /// The path with its kind and its fate, and what limits it.
    var warningLines: [String] {
        let behind = kind == .missing ? "" : ", \(source)"
        return ["  - \(path.printable) (\(kind.words)\(behind)): \(fate)"] + notes.map { "      \($0)" }
    }

    /// What becomes of the content, or of what a program will try to write.
    private var fate: String {
        switch kind {
        case .missing: isPersistent == true ? "not there yet" : "nothing is mounted there"
        case .notADirectory: "a directory has to be there"
        case .kubernetesObject, .readOnlyImage: "nothing can be saved there"
        default: survival.words
        }
    }
}
