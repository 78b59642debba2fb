package import CaiModel
package import CaiPlatform
package import SystemPackage

/// What the command line says about where to work.
package struct WorkplaceRequest: Sendable {
    package var root: FilePath
    package var configuration: FilePath
    /// Whether somebody named the configuration file, so that it has to be there.
    package var isConfigurationNamed: Bool
    package var environment: [String: String]
    package var flags: [SettingKey: (String, String)]

    package init(
        root: FilePath, configuration: FilePath, environment: [String: String],
        flags: [SettingKey: (String, String)] = [:], isConfigurationNamed: Bool = false
    ) {
        self.root = root
        self.configuration = configuration
        self.isConfigurationNamed = isConfigurationNamed
        self.environment = environment
        self.flags = flags
    }
}

/// Settings, owner and root of the machine, before its trees are opened.
package struct Workplace: Sendable {
    package let settings: Settings
    package let owner: Owner
    package let rootPath: FilePath
    package let root: Directory

    /// Reads the configuration file and the account file below the root. A missing file counts as empty, unless the request
    /// names it; a file that cannot be read is a finding of the settings. Throws `MachineProblem.unmapped` if root runs this
    /// and the user namespace does not have the id of the agent's user.
    package init(_ request: WorkplaceRequest) throws {
        let root = try Directory.open(request.root)
        var problems: [Finding] = []
        let file = root.setting(request.configuration, limit: 1 << 20, &problems)
        if file == nil, request.isConfigurationNamed, problems.isEmpty {
            problems.append(
                Finding(
                    .error, at: request.configuration.printable, "the settings file that was named is not there",
                    advice: "correct --config or CAI_CONFIG"))
        }
        var settings = Settings(
            file: file.map { (request.configuration.string, $0) }, environment: request.environment,
            flags: request.flags)
        let passwd = root.setting("/etc/passwd", limit: 16 << 20, &problems) ?? []
        problems.forEach { settings.note($0) }
        let accounts = Account.parse(passwd: String(decoding: passwd, as: UTF8.self))
        if let account = accounts.first(where: { $0.name == settings.text(.user) }) {
            settings.refine(.uid, .number(Int64(account.uid)), source: "/etc/passwd")
            settings.refine(.gid, .number(Int64(account.gid)), source: "/etc/passwd")
            if account.home.hasPrefix("/") {
                settings.refine(.home, .text(account.home), source: "/etc/passwd")
            }
        }
        settings.followPlaces()
        self.settings = settings
        self.root = root
        rootPath = request.root
        owner = try Self.owner(settings)
    }

    /// The owner of the agent's files: the settings' user for root, else the one who runs this. In a user namespace of one id
    /// everything belongs to that. An id that does not exist is refused: it must never stand for root.
    private static func owner(_ settings: Settings) throws -> Owner {
        guard Identity.isRoot, !Identity.isAlone else { return Owner(uid: Identity.uid, gid: Identity.gid) }
        let number = settings.number(.uid)
        guard let uid = UInt32(exactly: number), Identity.isMapped(uid: uid) else {
            throw MachineProblem.unmapped(user: settings.text(.user), uid: number)
        }
        return Owner(uid: uid, gid: UInt32(clamping: settings.number(.gid)))
    }

    /// Opens the machine's trees. Throws `MachineProblem` when home or volume is missing.
    package func machine() throws -> Machine {
        try Machine(root: root, layout: settings.layout, owner: owner)
    }

    /// An environment for the agent's programs: a process of root's own gets the agent's HOME, USER and LOGNAME; everything
    /// else stays.
    package func agentEnvironment(_ environment: [String: String]) -> [String: String] {
        guard Identity.isRoot, owner.uid != 0 else { return environment }
        let user = settings.text(.user)
        return environment.merging(["HOME": settings.text(.home), "USER": user, "LOGNAME": user]) { $1 }
    }

    /// Runs `body` as the owner when this process is root, so that nothing in the agent's trees is done with privileges.
    package func asOwner<Result>(_ body: () throws -> Result) throws -> Result {
        guard Identity.isRoot, owner.uid != 0 else { return try body() }
        return try Identity.with(uid: owner.uid, gid: owner.gid, body)
    }
}

extension Directory {
    /// Reads a file that settings come from; nil when it is missing, and with a finding when it cannot be read.
    fileprivate func setting(_ path: FilePath, limit: Int, _ findings: inout [Finding]) -> [UInt8]? {
        do {
            return try readFileInRoot(path, limit: limit)
        } catch {
            findings.append(Finding(unreadable: error, at: path.printable))
            return nil
        }
    }

    /// Reads a file that the operator named below this directory; nil when it is missing. More than `limit` bytes is an
    /// error.
    package func readFileInRoot(_ path: FilePath, limit: Int) throws -> [UInt8]? {
        do {
            return try openFileInRoot(path).readAll(limit: limit, path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }
}
