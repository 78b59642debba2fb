/// The configuration of imports and exports, from the user's file and that of a repository.
package struct ImportConfiguration: Sendable, Equatable {
    /// Patterns that an import leaves out, of the user and of the repository.
    package var excludes: [String] = []
    /// Patterns that an export leaves out; nil if no file has a section `[export]`.
    package var exportExcludes: [String]?
    /// True if a repository that the user does not trust has a section `[export]`, which does not count.
    package var ignoresRepositoryExport = false
    /// Paths of the home that are imported besides those of the manifests.
    package var additionalPaths: [AdditionalPath] = []
    /// True if flag `p` leaves out `*.priv.*`.
    package var excludesPrivate = true
    /// The variables that an import writes to `.env`; nil if no file has a section `[env]`.
    package var environment: EnvironmentRequest?

    package init() {}
}
