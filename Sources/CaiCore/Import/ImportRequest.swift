package import CaiModel
import CaiPlatform
package import SystemPackage

/// The source of an import, and how it is imported.
package struct ImportRequest: Sendable {
    package let source: SourceTree
    package let arrangement: SourceArrangement
    /// Whether the source is the home of this machine: then the two logins that a container makes for itself stay.
    package let isOwnHome: Bool
    package let configuration: ImportConfiguration
    package let withoutSecrets: Bool
    package let withoutExcludes: Bool
    /// True if the state of agents with a session format is imported as a whole, conversations included.
    package let withSessions: Bool
    /// Whether what the source does not have goes from the volume too.
    package let mirrors: Bool
    /// Whether the source has only what is to be imported: what is not in it is not looked at.
    package let isPartial: Bool
    /// What the source has and the volume too, so that it did not have to come along.
    package let unsent: UnsentFiles?
    /// The variables of the caller, of which `[env]` names some.
    package let environment: [String: String]
    /// Where the workspace is on this machine, and on the host.
    package let workspaces: [FilePath]

    package init(
        source: SourceTree, arrangement: SourceArrangement, isOwnHome: Bool, configuration: ImportConfiguration,
        withoutSecrets: Bool = false, withoutExcludes: Bool = false, withSessions: Bool = false, mirrors: Bool = false,
        isPartial: Bool = false, unsent: UnsentFiles? = nil, environment: [String: String] = [:],
        workspaces: [FilePath] = []
    ) {
        self.source = source
        self.arrangement = arrangement
        self.isOwnHome = isOwnHome
        self.configuration = configuration
        self.withoutSecrets = withoutSecrets
        self.withoutExcludes = withoutExcludes
        self.withSessions = withSessions
        self.mirrors = mirrors
        self.isPartial = isPartial
        self.unsent = unsent
        self.environment = environment
        self.workspaces = workspaces
    }
}
