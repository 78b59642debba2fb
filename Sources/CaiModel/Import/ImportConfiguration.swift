/// What the configuration files say about an import (predecessors 1.9).
package struct ImportConfiguration: Sendable, Equatable {
    /// Patterns that are left out, of the user and of the repository.
    package var excludes: [String] = []
    /// Paths of the home that are imported besides those of the manifests.
    package var additionalPaths: [AdditionalPath] = []
    /// Whether flag `p` leaves out `*.priv.*`.
    package var excludesPrivate = true
    /// Nil where no file has a section `[env]`.
    package var environment: EnvironmentRequest?

    package init() {}
}
