import CaiModel
import CaiPlatform
import SystemPackage

/// Paths that the configuration adds, and entries of the manifests that the source brings along.
extension ImportObserver {
    /// The additional paths as entries; those that a manifest names go where that says.
    func additionalEntries() -> [Entry] {
        request.configuration.additionalPaths.enumerated().compactMap { index, path in
            let setting = "[import].additional_paths[\(index)]"
            let named = entries.first { $0.source == path.source && !$0.flags.contains(.glob) && !$0.isAdditional }
            if let entry = named {
                guard entry.isDisabled else { return nil }
                return usable(path, setting).map { _ in entry.enabled }
            }
            return usable(path, setting).map { isDirectory in
                Entry(
                    kind: .entry, source: path.source, target: path.target, link: path.source,
                    flags: isDirectory ? .directory : .file, isDisabled: false, layer: .user,
                    location: SourceLocation(file: setting, line: 1, column: 1))
            }
        }
    }

    /// Whether the path is a directory; nil when it is not there, or reached through a symlink.
    private func usable(_ path: AdditionalPath, _ setting: String) -> Bool? {
        var isDirectory: Bool?
        switch resolver.node(at: path.source.relative) {
        case .directory: isDirectory = true
        case .file: isDirectory = false
        case .missing: return request.isPartial ? standing(path) : nil
        case .symlink: warn(setting, "~/\(path.source) (is a symlink)")
        case .unreachable(.symlink): warn(setting, "~/\(path.source) (contains symlink component)")
        case let node: warn(setting, "~/\(path.source) is \(node.word)")
        }
        if isDirectory != nil { seen.events.append(.additional(path.source.relative)) }
        return isDirectory
    }

    /// The same for one that the volume has and that did not have to travel.
    private func standing(_ path: AdditionalPath) -> Bool? {
        switch NodeReader(machine.volume).node(at: path.target.relative) {
        case .directory: true
        case .file: false
        default: nil
        }
    }

    private func warn(_ setting: String, _ sentence: String) {
        seen.findings.append(Finding(.warning, at: setting, sentence))
    }

    /// Declares links for the additional paths that no manifest has a link for.
    func addAdditionalManifest(_ additional: [Entry]) {
        let known = entries.filter { !$0.isAdditional }
        let declared = additional.filter { entry in
            guard let link = entry.link else { return false }
            guard wanted[entry.target] != nil || request.isPartial && !isLeftOut(entry) else { return false }
            return !known.contains { other in other.hasLink && other.link.map { link.isInside($0) } ?? false }
        }
        if declared.isEmpty { return }
        var text = "# Paths that the import configuration adds. Written by cai import; changes are overwritten.\n"
        for entry in declared {
            guard let source = entry.source?.relative.string else { continue }
            text += """

                [[entries]]
                source = \(tomlQuoted(source))
                target = \(tomlQuoted(entry.target.relative.string))
                container_link = \(tomlQuoted(source))
                flags = "\(entry.flags.text)"

                """
        }
        wanted[AdditionalPath.manifest] = WantedPath(
            content: .text(Array(text.utf8), mode: 0o644), authority: .source, isSecret: false,
            origin: "[import].additional_paths")
    }

    /// The entries of the manifests in the source that the machine's manifests do not have.
    func manifestEntries(besides own: [Entry]) -> [Entry] {
        let brought = SourceManifests(request.source, resolver).entries(besides: own)
        seen.findings += brought.findings
        seen.events += brought.entries.compactMap { $0.source.map { .manifest($0.relative) } }
        return brought.entries
    }

    // MARK: without secrets

    /// Takes secrets out of what is left: files that are secret by their name or content, and parts of mixed ones.
    func stripSecrets() {
        let all = wanted
        all.forEach { target, path in
            switch path.content {
            case .copy, .text: break
            default: return
            }
            if path.authority == .volume || target.isReserved { return }
            if isSecretFile(target, path) {
                seen.events.append(.secret(FilePath(path.origin)))
                leaveOut(target)
            } else {
                strip(target)
            }
        }
    }

    private func isSecretFile(_ target: VolumePath, _ path: WantedPath) -> Bool {
        if entries.contains(where: { $0.target == target && !$0.isSecret }) { return false }
        if isSecretByName(target.relative) || isSecretByName(FilePath(path.origin)) { return true }
        guard case .copy(let real, let facts, _) = path.content, facts.size > 64, facts.size < 1 << 20,
            let (directory, name) = try? request.source.tree.parent(of: real),  // then the copy says what is wrong
            let file = try? directory.openFile(name), let head = try? file.readHead(4096, directory.label)
        else { return false }
        return isSecretByContent(head)
    }

    private func strip(_ target: VolumePath) {
        guard let kind = SecretStripping.Kind(target), let bytes = wantedBytes(target) else { return }
        guard let result = kind.strip(bytes) else {
            seen.findings.append(
                Finding(
                    .warning, at: machine.layout.text(target),
                    "was not imported: its format cannot be read, so that it may hold secrets",
                    advice: "correct it, or import without --no-secrets"))
            return leaveOut(target)
        }
        if result.count == 0 { return }
        seen.events.append(.stripped(target, count: result.count))
        change(target, to: result.bytes)
    }
}

extension Entry {
    /// The same entry, imported although it is disabled.
    fileprivate var enabled: Entry {
        Entry(
            kind: kind, source: source, target: target, link: link, flags: flags, isDisabled: false, layer: layer,
            location: location)
    }
}

/// Text as a basic string of TOML.
private func tomlQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
