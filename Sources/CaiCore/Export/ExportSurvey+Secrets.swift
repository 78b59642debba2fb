import CaiModel
import CaiPlatform
import SystemPackage

/// The secrets that no manifest declares, for an export without secrets.
extension ExportSurvey {
    /// Leaves out files that are secret by name or content, and strips the secrets from files with other content too. A file
    /// that was inspected is stored as it was then, also if it changes meanwhile.
    mutating func leaveSecretsOut(_ judge: SecretJudge) throws {
        var dropped: Set<PathKey> = []
        for (index, item) in items.enumerated() {
            switch item.content {
            case .file: if try !examine(index, judge) { dropped.insert(PathKey(item.path)) }
            case .spooled where judge.isSecretByName(VolumePath(unchecked: item.path)):
                dropped.insert(PathKey(item.path))
                noteLeftOut(item.path, .name)
            case .hardLink(let first) where judge.isSecretByName(VolumePath(unchecked: item.path)):
                dropped.formUnion([PathKey(item.path), PathKey(first)])
                noteLeftOut(item.path, .name)
            case .unread, .spooled, .directory, .symlink, .hardLink: break
            }
        }
        for item in items where isDropped(item) { leftOut.add(.file(size: item.status.size), .secret) }
        items.removeAll(where: isDropped)

        func isDropped(_ item: ExportItem) -> Bool {
            if case .hardLink(let first) = item.content, dropped.contains(PathKey(first)) { return true }
            return dropped.contains(PathKey(item.path))
        }
    }

    /// True if the file stays, as it is or without its secrets.
    private mutating func examine(_ index: Int, _ judge: SecretJudge) throws -> Bool {
        let item = items[index]
        do {
            switch try verdict(item, judge) {
            case .plain: return true
            case .secret(let kind): noteLeftOut(item.path, kind)
            case .unknown:
                findings.append(
                    Finding(
                        .warning, at: place(item.path),
                        "was left out: its format cannot be read, so that it may hold secrets",
                        advice: "correct it, or export without --no-secrets"))
            case .examined(let content, let hadSecrets):
                let start = spool.size
                try content.withUnsafeBytes { try spool.append($0) }
                items[index].content = .spooled(start..<spool.size, digest(of: content))
                if hadSecrets {
                    findings.append(Finding(.note, at: place(item.path), "was stored without the secrets in it"))
                }
                return true
            }
        } catch let error as SystemCallError {
            if error.errno != .noSuchFileOrDirectory { complain(item.path, error) }
        } catch is StableReading.Restless {
            findings.append(.restless(at: place(item.path)))
        }
        return false
    }

    private func verdict(_ item: ExportItem, _ judge: SecretJudge) throws -> SecretJudge.Verdict {
        guard let name = item.path.lastComponent else { return .plain }
        let directory = try volume.root.descendant(item.path.removingLastComponent())
        return try judge.judge(VolumePath(unchecked: item.path), size: item.status.size) {
            try directory.openFile(name).readHead(4096, directory.label)
        } content: {
            try StableReading.load(name, in: directory).bytes
        }
    }

    private mutating func noteLeftOut(_ path: FilePath, _ kind: FoundSecret.Kind) {
        let reason = kind == .privateKey ? "holds a private key" : "is secret by its name"
        findings.append(Finding(.note, at: place(path), "\(reason), and was left out"))
    }
}

extension Finding {
    /// A file that did not stand still.
    static func restless(at place: String) -> Finding {
        Finding(
            .error, at: place, "was left out: it changed each time while it was read",
            advice: "stop what writes it, and export again")
    }
}
