package import SystemPackage

/// How a workload is to be started: what a boot finds out, for the process that starts the workload.
///
/// It travels as text through a descriptor: pairs of a key and a value, each with a NUL character behind it, so that the
/// reader, which must stay small, needs no parser. What a boot that was ended had not yet written is missing; everything
/// before that holds.
package struct LaunchPlan: Hashable, Sendable {
    /// As whom the workload runs, and where.
    package struct Identity: Hashable, Sendable {
        /// The name of the user.
        package let user: String
        package let credentials: Credentials
        package let home: String
        /// Directories to start in; the first that can be had.
        package let directories: [FilePath]

        package init(user: String, credentials: Credentials, home: String, directories: [FilePath]) {
            self.user = user
            self.credentials = credentials
            self.home = home
            self.directories = directories
        }
    }

    /// The step for whose sake the boot failed.
    package struct Failure: Hashable, Sendable {
        package let step: String
        /// The exit code that stands for it.
        package let code: Int32
        /// How long it took, in words.
        package let duration: String

        package init(step: String, code: Int32, duration: String) {
            self.step = step
            self.code = code
            self.duration = duration
        }
    }

    package var identity: Identity?
    /// Whether the operator declared any step essential.
    package var isStrict = false
    /// Variables that the environment of the workload has besides.
    package var variables: [(name: String, value: String)] {
        get { pairs.map { ($0.name, $0.value) } }
        set { pairs = newValue.map { Variable(name: $0.name, value: $0.value) } }
    }
    package var failure: Failure?
    /// The step that a boot was doing last.
    package private(set) var lastStep: String?
    /// The services to supervise, each behind those that it comes after.
    package var services: [ServicePlan] = []
    /// Whether the agent service is to run; nil where nothing was said.
    package var hasAgentService: Bool?
    /// Whether the lines of services are told as JSON.
    package var tellsJSON = false
    /// Where the state of the services is kept: in the first one that can be written.
    package var stateDirectories: [FilePath] = []
    /// Variables that nothing has which is started after the boot.
    package var withheldVariables: [String] = []
    /// Where shutdown hooks may lie when the time comes; nil where nothing was said.
    package var shutdownHookDirectories: [FilePath]?
    /// Whether the boot came to its end.
    package var isComplete = false
    private var pairs: [Variable] = []

    private struct Variable: Hashable, Sendable {
        let name: String
        let value: String
    }

    package init() {}
}

extension LaunchPlan {
    /// What is known before the first step of the boot, as text.
    package var beginning: [UInt8] {
        var writer = Writer()
        if let identity {
            writer.add("user", identity.user)
            writer.add("uid", "\(identity.credentials.uid)")
            writer.add("gid", "\(identity.credentials.gid)")
            for group in identity.credentials.groups { writer.add("group", "\(group)") }
            writer.add("home", identity.home)
            for directory in identity.directories { writer.add("directory", directory.string) }
            writer.add("identity", "complete")
        }
        if isStrict { writer.add("strict", "yes") }
        if let hasAgentService { writer.add("agent-service", hasAgentService ? "on" : "off") }
        if tellsJSON { writer.add("json", "yes") }
        for directory in stateDirectories { writer.add("state", directory.string) }
        for name in withheldVariables { writer.add("withheld", name) }
        if let directories = shutdownHookDirectories {
            writer.add("hooks", "known")
            for directory in directories { writer.add("hook", directory.string) }
        }
        for service in services { service.fields.forEach { writer.add($0.key, $0.value) } }
        return writer.bytes
    }

    /// The text that says which step begins.
    package static func beginning(of step: String) -> [UInt8] {
        var writer = Writer()
        writer.add("doing", step)
        return writer.bytes
    }

    /// What is known behind its last step, as text.
    package var rest: [UInt8] {
        var writer = Writer()
        for variable in pairs { writer.add("variable", "\(variable.name)=\(variable.value)") }
        if let failure {
            writer.add("step", failure.step)
            writer.add("code", "\(failure.code)")
            writer.add("duration", failure.duration)
        }
        writer.add("boot", "complete")
        return writer.bytes
    }

    /// Reads the text. Pairs that are not complete, and keys that are not known, are nothing; it never fails.
    package init(_ bytes: [UInt8]) {
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        var reader = Reader()
        var key: ArraySlice<UInt8>?
        for field in fields {
            if let name = key {
                reader.take(String(decoding: name, as: UTF8.self), String(decoding: field, as: UTF8.self), into: &self)
                key = nil
            } else {
                key = field
            }
        }
    }

    private struct Writer {
        private(set) var bytes: [UInt8] = []

        mutating func add(_ key: String, _ value: String) {
            bytes += Array(key.utf8) + [0] + Array(value.utf8).filter { $0 != 0 } + [0]
        }
    }

    /// What was read of things that take several pairs.
    private struct Reader {
        private var user = "", home = "", step = "", code: Int32 = 1
        private var uid: UInt32?, gid: UInt32?
        private var groups: [UInt32] = []
        private var directories: [FilePath] = []
        private var service: ServicePlan?

        mutating func take(_ key: String, _ value: String, into plan: inout LaunchPlan) {
            if service != nil, key != "service-end" {
                service?.take(key, value)
                return
            }
            switch key {
            case "service": service = ServicePlan(named: value)
            case "service-end":
                if let service { plan.services.append(service) }
                service = nil
            case "agent-service": plan.hasAgentService = value == "on"
            case "json": plan.tellsJSON = true
            case "state": plan.stateDirectories.append(FilePath(value))
            case "withheld": plan.withheldVariables.append(value)
            case "hooks": plan.shutdownHookDirectories = plan.shutdownHookDirectories ?? []
            case "hook": plan.shutdownHookDirectories?.append(FilePath(value))
            case "user": user = value
            case "uid": uid = UInt32(value)
            case "gid": gid = UInt32(value)
            case "group": UInt32(value).map { groups.append($0) }
            case "home": home = value
            case "directory": directories.append(FilePath(value))
            case "identity":
                guard let uid, let gid else { return }
                let credentials = Credentials(uid: uid, gid: gid, groups: groups)
                plan.identity = Identity(user: user, credentials: credentials, home: home, directories: directories)
            case "strict": plan.isStrict = true
            case "variable":
                let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { plan.pairs.append(Variable(name: String(parts[0]), value: String(parts[1]))) }
            case "doing": plan.lastStep = value
            case "step": step = value
            case "code": code = Int32(value) ?? 1
            case "duration": plan.failure = Failure(step: step, code: code, duration: value)
            case "boot": plan.isComplete = true
            default: break
            }
        }
    }
}
