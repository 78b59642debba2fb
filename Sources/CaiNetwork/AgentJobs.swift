package import CaiModel

/// What the agent service does for those who ask: the same jobs as the command line's. They block.
///
/// The looks run one at a time, on one thread outside of the loop that serves; each of the others has a thread of its own.
package struct AgentJobs: Sendable {
    package typealias Job = @Sendable (JobCall) throws -> JobAnswer

    /// Whether the container is well.
    let health: @Sendable () -> HealthReport
    /// What the service is.
    let status: @Sendable () -> ServiceStatus
    /// Reads settings and manifests again, and repairs the links.
    let reload: @Sendable () -> AgentReload
    let links: Job
    let persistence: Job
    let repair: Job
    let sync: Job
    let undo: Job
    let importing: Job
    /// What a host has to know before it looks, and what of its index has to travel.
    let guide: Job
    let plan: Job
    /// Calls `begin` when nothing but the writing itself can fail any more.
    let export: @Sendable (JobCall, _ begin: () -> Void) throws -> JobAnswer
    /// For root alone, as all that has to do with logging in.
    let users: @Sendable (UsersWord, JobCall) throws -> JobAnswer
    let bootstrap: @Sendable (BootstrapWord, JobCall) throws -> JobAnswer

    package init(
        health: @escaping @Sendable () -> HealthReport, status: @escaping @Sendable () -> ServiceStatus,
        reload: @escaping @Sendable () -> AgentReload, links: @escaping Job, persistence: @escaping Job,
        repair: @escaping Job, sync: @escaping Job, undo: @escaping Job, importing: @escaping Job,
        guide: @escaping Job, plan: @escaping Job,
        export: @escaping @Sendable (JobCall, _ begin: () -> Void) throws -> JobAnswer,
        users: @escaping @Sendable (UsersWord, JobCall) throws -> JobAnswer,
        bootstrap: @escaping @Sendable (BootstrapWord, JobCall) throws -> JobAnswer
    ) {
        self.health = health
        self.status = status
        self.reload = reload
        self.links = links
        self.persistence = persistence
        self.repair = repair
        self.sync = sync
        self.undo = undo
        self.importing = importing
        self.guide = guide
        self.plan = plan
        self.export = export
        self.users = users
        self.bootstrap = bootstrap
    }
}

/// What is done to users, by the last part of its path.
package enum UsersWord: String, Sendable, CaseIterable {
    case list, lint, add, passwd, lock, unlock, remove, persist, restore
}

/// What is asked about the first login, by the last part of its path.
package enum BootstrapWord: String, Sendable, CaseIterable {
    case status, verify, complete
    case createUser = "create-user"
}

/// One request as a job sees it.
package struct JobCall: Sendable {
    /// The words of the command line that the query stands for.
    package let arguments: [String]
    /// The content of the request, or where the content of the answer goes: a descriptor that the job closes; -1 where there
    /// is none.
    package let stream: CInt
    /// Throws unless the content came to its end: one that is cut off looks complete to who reads it.
    package let confirm: @Sendable () throws -> Void
    /// Hears of what is done, as it is done: the kind of the event, and a JSON object on one line.
    package let tell: @Sendable (_ event: String, _ line: String) -> Void

    package init(
        arguments: [String], stream: CInt = -1, confirm: @escaping @Sendable () throws -> Void = {},
        tell: @escaping @Sendable (_ event: String, _ line: String) -> Void = { _, _ in }
    ) {
        self.arguments = arguments
        self.stream = stream
        self.confirm = confirm
        self.tell = tell
    }
}

/// The result of a job.
package struct JobAnswer: Sendable {
    /// A JSON document.
    package let text: String
    /// Whether the command would end with 0.
    package let isSuccess: Bool
    /// What the log is told.
    package let findings: [Finding]
    /// The status of HTTP, where it says more than whether it was a success.
    package var status: Int?
    /// After so many seconds it may be asked again.
    package var retryAfter: Int64?
    /// The amounts that an export left out, a JSON array in ASCII on one line.
    package var leftOut: String?

    package init(text: String, isSuccess: Bool, findings: [Finding] = []) {
        self.text = text
        self.isSuccess = isSuccess
        self.findings = findings
    }
}

/// Why a job did nothing.
package struct JobFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The request cannot be understood, or its content is not what it should be.
        case badRequest
        /// What it names is not there.
        case notFound
        /// Somebody else is at work.
        case locked
        /// The machine is not in the state that it would need.
        case unavailable
        /// It may not be, and the machine is as it was.
        case refused
        case failed
    }

    package let kind: Kind
    package let sentence: String
    package let advice: String?

    package init(_ kind: Kind, _ sentence: String, advice: String? = nil) {
        self.kind = kind
        self.sentence = sentence
        self.advice = advice
    }
}
