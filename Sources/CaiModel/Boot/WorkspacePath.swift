package import SystemPackage

/// Why no link is made for `CAI_HOST_WORKSPACE`.
package enum WorkspacePathProblem: Error, Hashable, Sendable {
    case notAbsolute, notNormal, elsewhere, insideWorkspace, insideVolume

    /// The reason as a sentence that follows the path.
    package var sentence: String {
        switch self {
        case .notAbsolute: "is not an absolute path"
        case .notNormal: "contains \".\", \"..\" or a control character"
        case .elsewhere:
            "is not below " + WorkspacePath.roots.map { "/\($0)/" }.joined(separator: ", ")
        case .insideWorkspace: "lies inside the workspace itself"
        case .insideVolume: "lies on the volume"
        }
    }
}

/// Where the host has the workspace. A link of that name inside the container leads to the workspace, so that paths which
/// tools recorded on the host hold in the container too.
package struct WorkspacePath: Hashable, Sendable {
    /// The directories of the root below which such a link may be made (predecessors 1.12 step 6).
    package static let roots: [FilePath.Component] = ["home", "tmp", "mnt", "workspaces", "Users"]

    /// The absolute path of the link.
    package let path: FilePath

    /// Checks the text of `CAI_HOST_WORKSPACE`; nil when it is the workspace's own path, so that no link is needed.
    package init?(_ text: String, workspace: FilePath, volume: FilePath) throws(WorkspacePathProblem) {
        guard text.hasPrefix("/") else { throw .notAbsolute }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .notNormal }
        let path = FilePath(text)
        let names = Array(path.components)
        guard names.allSatisfy({ $0.kind == .regular }) else { throw .notNormal }
        if path == FilePath(root: "/", workspace.components) { return nil }
        guard names.count >= 2, Self.roots.contains(names[0]) else { throw .elsewhere }
        if path.starts(with: workspace) { throw .insideWorkspace }
        if path.starts(with: volume) { throw .insideVolume }
        self.path = path
    }
}
