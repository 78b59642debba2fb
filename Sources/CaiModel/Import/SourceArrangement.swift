package import SystemPackage

/// How the tree that an import reads is arranged.
package enum SourceArrangement: String, Sendable, CaseIterable {
    /// As a home directory: `.claude.json`, `.config/gh/hosts.yml`.
    case home
    /// As the volume: `claude/claude.json`, `config/gh/hosts.yml`.
    case volume

    /// What the paths of a tree say.
    package enum Recognition: Equatable, Sendable {
        case one(SourceArrangement)
        case both
        case none
    }

    /// Recognises the arrangement of a tree, a directory or an archive, by the paths that the manifests name. A directory of
    /// one plain word, such as `agents`, says nothing: homes have such.
    package static func recognize(_ entries: [Entry], exists: (FilePath) -> Bool) -> Recognition {
        var homes = 0
        var volumes = exists(".containai") || exists(".containai-imported-at") ? 1 : 0
        for entry in entries where !entry.flags.contains(.glob) {
            let target = entry.target.relative
            if let source = (entry.source ?? entry.link)?.relative, source != target, exists(source) { homes += 1 }
            let isTelling = target.components.count > 1 && entry.source?.relative != target
            if isTelling, exists(target) { volumes += 1 }
        }
        if homes > 0, volumes > 0 { return .both }
        return volumes > 0 ? .one(.volume) : homes > 0 ? .one(.home) : .none
    }
}
