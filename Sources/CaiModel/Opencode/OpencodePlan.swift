/// How OpenCode's configuration stands, and what is to be written.
package struct OpencodePlan: Planned {
    package var plan: Plan
    /// The rules that each file is written for.
    package let rules: [(place: Place, rules: [OpencodeRule])]
    /// Whether OpenCode asks who somebody is once the plan has been carried out; nil when that cannot be told.
    package let asksForAuthentication: Bool?
    /// The same for the files as they are; nil when that cannot be told.
    package let asksAlready: Bool?
    /// True if the file that decides about it cannot be replaced.
    package let isFixed: Bool
    /// Whether it has to: a rule says so.
    package let hasToAsk: Bool

    package init(
        plan: Plan, rules: [(place: Place, rules: [OpencodeRule])], asksForAuthentication: Bool?, asksAlready: Bool?,
        isFixed: Bool, hasToAsk: Bool
    ) {
        self.asksAlready = asksAlready
        self.isFixed = isFixed
        self.plan = plan
        self.rules = rules
        self.asksForAuthentication = asksForAuthentication
        self.hasToAsk = hasToAsk
    }

    /// The warnings of the predecessor's image: nobody has to log in, or everybody can listen on the way. `isDone` is false if a
    /// step of the plan failed, so that the files may be as they were.
    package func securityWarnings(environment: [String: String], isDone: Bool = true) -> [Finding] {
        var findings: [Finding] = []
        let asks = isDone ? asksForAuthentication : asksAlready
        if hasToAsk, asks != true {
            findings.append(
                Finding(
                    .warning, at: "opencode",
                    asks == false
                        ? "SECURITY WARNING: Authentication is not enabled."
                        : "SECURITY WARNING: It cannot be told whether authentication is enabled.",
                    advice: isFixed || !isDone
                        ? "set auth.enabled to true in opencode.jsonc where that file comes from"
                        : "set auth.enabled to true in opencode.jsonc, or run cai opencode patch"))
        }
        let host = environment["OPENCODE_HOST"].flatMap { $0.isEmpty ? nil : $0 } ?? "0.0.0.0"
        if hasToAsk, ["0.0.0.0", "::"].contains(host), HostingPlatform(environment: environment) == .droplet {
            findings.append(
                Finding(
                    .note, at: "opencode", "SECURITY NOTICE: the server listens on every address without TLS",
                    advice: "put a reverse proxy with a certificate before it"))
        }
        return findings
    }
}
