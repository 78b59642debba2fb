/// The section `[env]` of a configuration file: which variables an import writes to `.env` (predecessors 1.6.10).
package struct EnvironmentRequest: Sendable, Equatable {
    /// Valid names, each once.
    package let names: [String]
    /// Whether they are taken from the environment of the caller.
    package let fromCaller: Bool
    /// A file below the workspace.
    package let file: String?

    package init(names: [String], fromCaller: Bool, file: String?) {
        self.names = names
        self.fromCaller = fromCaller
        self.file = file
    }
}
