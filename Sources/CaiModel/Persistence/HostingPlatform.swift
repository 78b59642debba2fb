/// Where this container seems to run, told from environment variables and nothing else: no address is ever asked.
package enum HostingPlatform: String, Codable, Sendable {
    case droplet, railway, kubernetes

    /// The variables that are looked at.
    package static let variables = [
        "OPENCODE_CLOUD_ENV", "RAILWAY_ENVIRONMENT", "RAILWAY_ENVIRONMENT_NAME", "RAILWAY_PROJECT_ID",
        "RAILWAY_SERVICE_NAME", "KUBERNETES_SERVICE_HOST",
    ]

    /// A droplet wins over Railway, as the operator has to say so; nil when nothing is known.
    package init?(environment: [String: String]) {
        let cloud = environment["OPENCODE_CLOUD_ENV", default: ""].lowercased()
        let isRailway = environment.contains {
            $0.key.hasPrefix("RAILWAY_") && Self.variables.contains($0.key) && !$0.value.isEmpty
        }
        if cloud.contains("digitalocean") || cloud.contains("droplet") {
            self = .droplet
        } else if isRailway {
            self = .railway
        } else if environment["KUBERNETES_SERVICE_HOST", default: ""].isEmpty {
            return nil
        } else {
            self = .kubernetes
        }
    }

    /// What somebody on this platform has to know before the fixes.
    package var hint: String {
        switch self {
        case .droplet:
            "This looks like a DigitalOcean droplet: nothing is mounted by default; use named volumes or block storage."
        case .railway:
            "This looks like Railway: a service has one volume and everything outside it is lost at every deploy."
        case .kubernetes: "This is a Kubernetes pod: only persistent volume claims outlive it."
        }
    }
}
