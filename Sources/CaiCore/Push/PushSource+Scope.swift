import CaiModel
import CaiPlatform
import SystemPackage

/// What of a source is looked at: the same that an import of it would take.
extension PushSource {
    private static var configurationFile: FilePath { ".config/containai/config.toml" }

    /// What the manifests of the container and of the source name, and what the configuration adds and leaves out.
    func selection(_ guide: PushGuide, withoutExcludes: Bool) -> PushSelection {
        let configuration = configuration(guide)
        let own = declared.filter { !$0.isDisabled }
        let brought = SourceManifests(source, resolver).entries(besides: own).entries
        return PushSelection(
            own + brought + additional(configuration), arrangement: arrangement, configuration: configuration,
            withoutExcludes: withoutExcludes, names: resolver.names)
    }

    /// The source's configuration, or where it has none the container's, with what the repository of the workspace adds.
    private func configuration(_ guide: PushGuide) -> ImportConfiguration {
        guard arrangement == .home, case .found(_, .file) = resolver.resolve(Self.configurationFile) else {
            return permitted(guide.configuration.imported)
        }
        // One that cannot be read counts as empty, and the import says what is wrong with it.
        let user = read(Self.configurationFile).flatMap {
            try? ImportConfigurationFile(
                $0, name: Self.configurationFile.string, homes: source.names,
                workspaces: guide.workspaces.map { FilePath($0) })
        }
        let configuration = user?.configuration ?? ImportConfiguration()
        // The configuration of the source was written on this host; that of the repository comes from the container.
        guard let repository = (guide.repository?.imported).map(permitted) else { return configuration }
        let isTrusted = (user?.trusted ?? []).contains { trusted in
            guide.workspaces.contains { FilePath($0).lexicallyNormalized().starts(with: trusted) }
        }
        return configuration.adding(repository, isTrusted: isTrusted)
    }

    /// Returns a configuration of the container without the paths that are not allowed on this host.
    private func permitted(_ configuration: ImportConfiguration) -> ImportConfiguration {
        var result = configuration
        result.additionalPaths.removeAll { !permission.isAllowed($0.source) }
        if arrangement == .home {
            refuse(configuration.additionalPaths.map(\.source).filter { !permission.isAllowed($0) })
        }
        return result
    }

    /// The paths that the configuration adds; those that a manifest names go where that says.
    private func additional(_ configuration: ImportConfiguration) -> [Entry] {
        configuration.additionalPaths.enumerated().compactMap { index, path in
            let entry = declared.first { $0.source == path.source }
            if let entry, !entry.isDisabled { return nil }
            guard let isDirectory = isDirectory(path, "[import].additional_paths[\(index)]") else { return nil }
            return entry
                ?? Entry(
                    kind: .entry, source: path.source, target: path.target, link: nil,
                    flags: isDirectory ? .directory : .file, isDisabled: false, layer: .user,
                    location: SourceLocation(file: "configuration", line: 1, column: 1))
        }
    }

    /// Nil for one that an import does not take: one that is not there, or is reached through a symlink.
    private func isDirectory(_ path: AdditionalPath, _ setting: String) -> Bool? {
        switch resolver.node(at: path.source.relative) {
        case .directory: return true
        case .file: return false
        case .missing: return nil
        case .symlink: findings.append(Finding(.warning, at: setting, "~/\(path.source) (is a symlink)"))
        case .unreachable(.symlink):
            findings.append(Finding(.warning, at: setting, "~/\(path.source) (contains symlink component)"))
        case let node: findings.append(Finding(.warning, at: setting, "~/\(path.source) is \(node.word)"))
        }
        return nil
    }

    // MARK: links

    /// These records with those of what the links among them lead to: an import makes a link only to something.
    func withLinked(_ needed: [PushRecord]) -> [PushRecord] {
        let own = Dictionary(grouping: needed, by: \.block).flatMap { number, records in
            let items = items(of: number)
            return records.map { items[$0.number] }
        }
        var waiting = own.filter(\.isLink)
        if waiting.isEmpty { return needed }
        var byPath: [PathKey: (record: PushRecord, item: Item)] = [:]
        for block in blocks.indices {
            for (number, item) in items(of: block).enumerated() {
                byPath[PathKey(item.path)] = (PushRecord(block: block, number: number), item)
            }
        }
        var result = needed
        var known = Set(needed)
        while let item = waiting.popLast() {
            guard case .link(_, let text, let target) = item.kind, !target.isEmpty else { continue }
            let step = item.path.removingLastComponent().pushing(text).lexicallyNormalized()
            for found in [byPath[PathKey(step)], byPath[PathKey(target)]] {
                guard let found, known.insert(found.record).inserted else { continue }
                result.append(found.record)
                if found.item.isLink { waiting.append(found.item) }
            }
        }
        return result
    }
}

extension PushSource.Item {
    fileprivate var isLink: Bool { if case .link = kind { true } else { false } }
}
