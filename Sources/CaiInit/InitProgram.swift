/// The programs that are inits.
package enum InitProgram: Hashable, Sendable, CaseIterable {
    /// `cai run`: an init and nothing else.
    case run
    /// `cai entrypoint`: boots first.
    case entrypoint

    /// The word that chooses it.
    package var name: String { self == .run ? "run" : "entrypoint" }

    /// How the names of its environment variables begin.
    package var variablePrefix: String { self == .run ? "CAI_RUN_" : "CAI_ENTRYPOINT_" }

    /// The flags that it knows.
    package var flags: [RunFlag] {
        RunFlag.allCases.filter { flag in
            switch flag {
            case .strict, .bootTimeout, .readyDescriptor, .noAgent, .systemd: self == .entrypoint
            default: true
            }
        }
    }
}
