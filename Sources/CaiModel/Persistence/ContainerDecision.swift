/// What the kernel and the file system say that could mean "inside a container".
package struct ContainerFacts: Hashable, Sendable {
    /// Numbers of this process's namespaces; nil where /proc does not tell.
    package let pidNamespace: UInt64?
    package let userNamespace: UInt64?
    /// The text of proc_pid_cgroup(5) for this process.
    package let controlGroups: String
    /// Whether `/run/.containerenv` is there, which Podman makes.
    package let hasContainerEnv: Bool
    /// Whether `/.dockerenv` is there, which Docker makes, and which images and machines may carry by accident.
    package let hasDockerEnv: Bool
    /// The variable `container` of this process or of process 1, which container managers set.
    package let containerVariable: String?

    package init(
        pidNamespace: UInt64? = nil, userNamespace: UInt64? = nil, controlGroups: String = "",
        hasContainerEnv: Bool = false, hasDockerEnv: Bool = false, containerVariable: String? = nil
    ) {
        self.pidNamespace = pidNamespace
        self.userNamespace = userNamespace
        self.controlGroups = controlGroups
        self.hasContainerEnv = hasContainerEnv
        self.hasDockerEnv = hasDockerEnv
        self.containerVariable = containerVariable
    }
}

/// Whether this process is inside a container, and what says so.
package struct ContainerDecision: Hashable, Sendable, Encodable {
    package let isInsideContainer: Bool
    /// One sentence for each sign, also for those that are no proof.
    package let reasons: [String]

    enum CodingKeys: String, CodingKey {
        case isInsideContainer = "inside"
        case reasons
    }

    /// Decides. One proof is enough; `/.dockerenv` is none. A mount namespace is not looked at: services get one too.
    package init(_ facts: ContainerFacts) {
        var proofs: [String] = []
        if let pid = facts.pidNamespace, pid != initialPIDNamespace {
            proofs.append("The process namespace is not the machine's first one.")
        }
        if let user = facts.userNamespace, user != initialUserNamespace {
            proofs.append("The user namespace is not the machine's first one.")
        }
        if let runtime = runtime(namedIn: facts.controlGroups) { proofs.append("The control group names \(runtime).") }
        if facts.hasContainerEnv { proofs.append("/run/.containerenv exists.") }
        if let value = facts.containerVariable, !value.isEmpty {
            proofs.append("The environment says container=\(printable(value)).")
        }
        isInsideContainer = !proofs.isEmpty
        let hints = facts.hasDockerEnv ? ["/.dockerenv exists, which alone proves nothing."] : []
        reasons = proofs + hints
    }
}

/// The kernel's fixed numbers (include/linux/proc_ns.h).
private let initialPIDNamespace: UInt64 = 0xEFFF_FFFC
private let initialUserNamespace: UInt64 = 0xEFFF_FFFD

private let runtimes: Set<String> = [
    "docker", "lxc", "kubepods", "containerd", "libpod", "crio", "garden", "nerdctl",
]

/// The runtime that a control group belongs to. Services of the same name, desktop applications and the monitors of
/// LXC, Podman and CRI-O run on the machine itself.
private func runtime(namedIn controlGroups: String) -> String? {
    for line in controlGroups.split(separator: "\n") {
        let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        for group in path.split(separator: "/") {
            if group.hasSuffix(".service") || group.hasPrefix("app-") || group.hasPrefix("lxc.monitor") { continue }
            let words = group.split { !$0.isLetter && !$0.isNumber }
            if words.contains("conmon") { continue }
            if let found = words.first(where: { runtimes.contains(String($0)) }) { return String(found) }
        }
    }
    return nil
}
