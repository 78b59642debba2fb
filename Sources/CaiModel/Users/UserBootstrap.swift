/// The first user, as the environment of a container names it (predecessors 2.5).
package struct UserBootstrap: Sendable {
    /// What must not stay in any environment.
    package static let secretVariables = ["OPENCODE_BOOTSTRAP_PASSWORD", "OPENCODE_BOOTSTRAP_PASSWORD_HASH"]

    /// Nil when no user is named.
    package let username: String?
    package let password: String?
    package let hash: String?

    /// Reads the variables; what is empty is not set.
    package init(_ environment: [String: String]) {
        let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        username = value("OPENCODE_BOOTSTRAP_USER")
        password = value(Self.secretVariables[0])
        hash = value(Self.secretVariables[1])
    }
}
