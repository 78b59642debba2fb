import CaiModel
import CaiPlatform
import SystemPackage

/// The git configuration of the source, read as git reads it: the files of the user in their order, with what they
/// include, where a condition is decided for the workspace.
extension ImportObserver {
    func addGitConfiguration(_ entry: Entry) {
        if let (pattern, _) = excludes.excludingAnyAncestor(of: entry.target) {
            return seen.events.append(.excluded(entry.source?.relative ?? "", entry.target, pattern: pattern))
        }
        let workspace = machine.layout.home.appending("workspace").string
        let filter = GitFilter(withoutSecrets: request.withoutSecrets, workspace: workspace)
        var text: [UInt8] = []
        var sources: [FilePath] = []
        var modified: Int64 = 0
        for path in gitFiles {
            guard let file = read(path) else { continue }
            sources.append(path)
            modified = max(modified, file.facts.modified)
            if let line = GitConfiguration(file.bytes).brokenLine {
                seen.findings.append(
                    Finding(
                        .warning, at: "\(path.printable):\(line)",
                        "git cannot read this line; nothing behind it is imported",
                        advice: "correct it and import again"))
            }
            if let last = text.last, last != 0x0A { text.append(0x0A) }
            text += filter.filtered(.init(path: path, bytes: file.bytes)) { self.included($0, $1, $2, depth: 0) }
        }
        wanted[entry.target] = WantedPath(
            content: .text(filter.completed(text), mode: 0o600), authority: sources.isEmpty ? .volume : .newer,
            isSecret: false, origin: sources.first?.printable ?? "[safe]", modified: modified)
        if !sources.isEmpty { seen.events.append(.gitConfiguration(sources: sources)) }
    }

    /// The user's files in the order in which git reads them.
    private var gitFiles: [FilePath] {
        if request.isOwnHome, let named = request.environment["GIT_CONFIG_GLOBAL"], !named.isEmpty {
            return [resolver.relative(FilePath(named))].compactMap { $0 }
        }
        var directory: FilePath = ".config"
        if request.isOwnHome, let named = request.environment["XDG_CONFIG_HOME"], !named.isEmpty,
            let inside = resolver.relative(FilePath(named))
        {
            directory = inside
        }
        return [directory.appending("git").appending("config"), ".gitconfig"]
    }

    private func included(_ text: String, _ condition: String?, _ from: FilePath, depth: Int) -> GitFilter.File? {
        if let condition,
            !gitCondition.holds(condition, in: machine.layout.home.pushing(from).removingLastComponent().string)
        {
            return nil
        }
        let path: FilePath?
        if text.hasPrefix("~/") {
            path = FilePath(String(text.dropFirst(2)))
        } else if text.hasPrefix("/") {
            path = resolver.relative(FilePath(text))
        } else {
            path = from.removingLastComponent().pushing(FilePath(text)).lexicallyNormalized()
        }
        guard let path, let file = read(path) else {
            seen.findings.append(
                Finding(
                    .warning, at: from.printable,
                    "includes \(FilePath(text).printable), which is not in the source; it was left out"))
            return nil
        }
        return GitFilter.File(path: path, bytes: file.bytes)
    }

    private var gitCondition: GitCondition {
        let git = readGitDirectory()
        let homes = request.source.names.map(\.string) + request.workspaces.compactMap(guessedHome)
        return GitCondition(
            gitDirectories: request.workspaces.map { $0.appending(".git").string }, homes: homes, branch: git.branch,
            remotes: git.remotes)
    }

    /// The home that a path of the host most likely lies in.
    private func guessedHome(_ path: FilePath) -> String? {
        let names = path.components.map(\.string)
        if names.first == "root" { return "/root" }
        guard names.count > 2, ["home", "Users"].contains(names[0]) else { return nil }
        return "/\(names[0])/\(names[1])"
    }

    /// Branch and remotes of the workspace.
    private func readGitDirectory() -> (branch: String?, remotes: [String]) {
        guard let workspace = request.workspaces.first, let directory = try? machine.root.openInRoot(workspace) else {
            return (nil, [])  // then no condition about it holds
        }
        let tree = Tree(root: directory)
        let head = try? tree.readFile(".git/HEAD", limit: 4096)  // no repository: likewise
        let config = try? tree.readFile(".git/config", limit: 1 << 20)  // likewise
        let text = String(decoding: head ?? [], as: UTF8.self)
        let prefix = "ref: refs/heads/"
        let branch = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count).prefix { !$0.isNewline }) : nil
        var remotes: [String] = []
        var isRemote = false
        for item in GitConfiguration(config ?? []).items {
            switch item {
            case .header(let section, _, _): isRemote = section == "remote"
            case .variable("url", let url?, _) where isRemote: remotes.append(url)
            default: continue
            }
        }
        return (branch, remotes)
    }
}
