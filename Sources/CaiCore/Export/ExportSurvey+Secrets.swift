import CaiModel
import CaiPlatform
import SystemPackage

/// What is left out of an export without secrets, beside what the manifests declare.
extension ExportSurvey {
    /// Leaves out what is secret by name or content, and takes the secrets out of what holds other things too. What was looked
    /// into is stored as it was then, whatever becomes of it meanwhile.
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
        items.removeAll { item in
            if case .hardLink(let first) = item.content, dropped.contains(PathKey(first)) { return true }
            return dropped.contains(PathKey(item.path))
        }
    }

    /// Whether the file stays, as it is or without its secrets.
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
                        "was left out: it cannot be read, so that nobody knows whether it holds secrets",
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
