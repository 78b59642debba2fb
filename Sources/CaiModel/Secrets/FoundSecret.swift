import SystemPackage

/// A secret on the volume: where it is and how it is known as one. Never what it is.
package struct FoundSecret: Sendable, Equatable {
    /// How a file is known to hold a secret.
    package enum Kind: String, Sendable {
        /// An entry of the manifests says so.
        case declared
        /// The variables of `.env`.
        case environment
        /// Files of this name do.
        case name
        /// It holds a private key.
        case privateKey = "private_key"
        /// A file that holds other things too.
        case mixed
    }

    /// Below the root of the volume; in the displaced store for what a run displaced.
    package let path: VolumePath
    package let kind: Kind
    package let found: Node
    /// What stands there without the secret; nil where nothing is to stand there.
    package let remainder: Remainder?

    /// What is written in the place of a secret.
    package struct Remainder: Sendable, Equatable {
        package let bytes: [UInt8]
        package let mode: UInt16
        package init(bytes: [UInt8], mode: UInt16) {
            self.bytes = bytes
            self.mode = mode
        }
    }

    package init(path: VolumePath, kind: Kind, found: Node, remainder: Remainder?) {
        self.path = path
        self.kind = kind
        self.found = found
        self.remainder = remainder
    }

    /// Whether a run displaced it.
    package var isDisplaced: Bool { path.isReserved }
}

/// The plan that removes secrets for good, with what it removes.
package struct PurgePlan: Planned {
    package var plan: Plan
    package let secrets: [FoundSecret]
}

/// Plans to remove secrets for good: nothing of them is kept displaced. What the manifests declare gets its placeholder,
/// so that links still lead somewhere.
package func planPurge(_ secrets: [FoundSecret], findings: [Finding]) -> PurgePlan {
    let steps = secrets.map { secret -> Step in
        let content: PlacedContent = secret.remainder.map { .text($0.bytes, mode: $0.mode) } ?? .nothing
        return .place(Placement(secret.path, found: secret.found, content: content, keeping: .none))
    }
    return PurgePlan(plan: Plan(steps: steps, findings: findings), secrets: secrets)
}
