import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

/// `cai users`: the Linux users of the container, and the records that bring them back.
struct UsersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users", abstract: "Manage the users that come back in every new container.",
        discussion: """
            Records lie on the users volume (users_directory). Passwords and hashes come from standard input or a file, \
            never from the command line.
            """,
        subcommands: [
            List.self, Show.self, Add.self, Password.self, Lock.self, Unlock.self, Remove.self, Persist.self,
            Restore.self, Lint.self,
        ])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the users; the image's own are left out.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            try reportingFailures {
                let users = try UsersJob(try global.workplace(), isPreview: true).list()
                if global.json { return try JSON.array(users.map(\.json)).print() }
                for user in users { print(user.line) }
                if users.isEmpty { Talk.info("There are no users yet; cai users add makes one.") }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a user; never the hash of the password.")
        @OptionGroup var global: GlobalOptions
        @Argument(help: "The user.") var name: String

        func run() throws {
            try reportingFailures {
                let users = try UsersJob(try global.workplace(), isPreview: true).list()
                guard let user = users.first(where: { $0.name == name }) else {
                    Talk.error("user \(FilePath(name).printable): there is no such user")
                    Talk.line("        cai users list")
                    throw Exit.found
                }
                if global.json { return try user.json.print() }
                user.lines.forEach { print($0) }
            }
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Make a user, with a password from standard input unless said otherwise.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var secret: SecretOptions
        @OptionGroup var preview: PreviewOption
        @Argument(help: "The name: 1 to 32 lower-case letters, digits, _ and -.") var name: String
        @Option(help: "The user's number; the first free one if not given.") var uid: UInt32?
        @Option(help: ArgumentHelp("A group to be in; may be given again.", valueName: "name")) var group: [String] = []
        @Option(help: ArgumentHelp("The login shell.", valueName: "path")) var shell: String?
        @Option(help: ArgumentHelp("The home directory.", valueName: "path")) var home: String?

        func run() throws {
            try reportingFailures {
                let job = try UsersJob(global, isPreview: preview.dryRun)
                let (password, generated) = try secret.read(for: name)
                let report = try job.add(
                    .init(name: name, password: password, uid: uid, groups: group, shell: shell, home: home))
                try report.show(json: global.json, generated: generated)
            }
        }
    }

    struct Password: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "passwd", abstract: "Set the password of a user; a locked one stays locked.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var secret: SecretOptions
        @OptionGroup var preview: PreviewOption
        @Argument(help: "The user.") var name: String

        func run() throws {
            try reportingFailures {
                let job = try UsersJob(global, isPreview: preview.dryRun)
                let (password, generated) = try secret.read(for: name)
                try job.setPassword(of: name, to: password).show(json: global.json, generated: generated)
            }
        }
    }

    struct Lock: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lock",
            abstract: "Let no password of a user in any more; it stays known.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var preview: PreviewOption
        @Argument(help: "The user.") var name: String
        @Flag(help: "Also the last user that can log in.") var force = false

        func run() throws {
            try reportingFailures {
                let job = try UsersJob(global, isPreview: preview.dryRun)
                try job.lock(name, force: force).show(json: global.json)
            }
        }
    }

    struct Unlock: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unlock", abstract: "Let the password of a locked user in again.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var preview: PreviewOption
        @Argument(help: "The user.") var name: String

        func run() throws {
            try reportingFailures {
                let job = try UsersJob(global, isPreview: preview.dryRun)
                try job.unlock(name).show(json: global.json)
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove account and record of a user; the home directory stays.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var preview: PreviewOption
        @Argument(help: "The user.") var name: String
        @Flag(help: "Also the last user.") var force = false

        func run() throws {
            try reportingFailures {
                let job = try UsersJob(global, isPreview: preview.dryRun)
                try job.remove(name, force: force).show(json: global.json)
            }
        }
    }

    struct Persist: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "persist",
            abstract: "Keep what passwd, usermod and useradd changed; no account is touched.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var preview: PreviewOption

        func run() throws {
            try reportingFailures {
                try UsersJob(global, isPreview: preview.dryRun).persist().show(json: global.json)
            }
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore",
            abstract: "Bring accounts and records together, as every boot does.")
        @OptionGroup var global: GlobalOptions
        @OptionGroup var preview: PreviewOption

        func run() throws {
            try reportingFailures {
                try UsersJob(global, isPreview: preview.dryRun).restore().show(json: global.json)
            }
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint",
            abstract: "Check records and account files; exit 1 for warnings, 78 for errors. Nothing is changed.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            try reportingFailures {
                let report = LintReport(try UsersJob(try global.workplace(), isPreview: true).lint())
                if global.json { print(try report.json()) } else { print(report.text, terminator: "") }
                if report.exitCode != 0 { throw ExitCode(report.exitCode) }
            }
        }
    }
}

/// The option of everything that changes something.
struct PreviewOption: ParsableArguments {
    @Flag(help: "Show what would be done.") var dryRun = false
}

/// Where a password comes from.
struct SecretOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read the password from the first line of this file.", valueName: "file"))
    var passwordFile: String?
    @Option(help: ArgumentHelp("Read a hash of crypt(5) from this file, - for standard input.", valueName: "file"))
    var hashFile: String?
    @Flag(help: "Make a password and print it, once, on standard output.") var generate = false

    mutating func validate() throws {
        if [passwordFile != nil, hashFile != nil, generate].filter({ $0 }).count > 1 {
            throw ValidationError("--password-file, --hash-file and --generate exclude each other")
        }
    }

    /// The password; and once more when it was generated, to be told.
    func read(for name: String) throws -> (NewPassword, generated: String?) {
        if generate {
            let password = try Self.generated()
            return (.password(password), password)
        }
        if let hashFile {
            let bytes =
                hashFile == "-" ? try SecretInput.line(prompt: "") : try SecretInput.line(in: FilePath(hashFile))
            return (.hash(String(decoding: bytes, as: UTF8.self)), nil)
        }
        let isFile = passwordFile.map { $0 != "-" } ?? false
        let bytes =
            isFile
            ? try SecretInput.line(in: FilePath(passwordFile ?? "-"))
            : try SecretInput.line(prompt: "New password of \(FilePath(name).printable): ")
        guard let password = String(validating: bytes, as: UTF8.self) else {
            throw ValidationError("the password is not UTF-8")
        }
        return (.password(password), nil)
    }

    /// A password that nobody chose.
    static func generated() throws -> String {
        var source = SystemRandomNumberGenerator()
        while true {
            let random = (0..<PasswordPolicy.generatedLength * 2).map { _ in
                UInt8.random(in: .min ... .max, using: &source)
            }
            if let password = PasswordPolicy.generate(from: random) { return password }
        }
    }
}

extension UsersJob {
    /// A job that may change accounts: on `/` those of a container only, never the host's.
    fileprivate init(_ global: GlobalOptions, isPreview: Bool) throws {
        let workplace = try global.workplace()
        if !isPreview { try workplace.requireInside(for: "users") }
        self.init(workplace, isPreview: isPreview)
    }
}

extension UsersReport {
    /// Tells what was done; throws when something was left undone.
    fileprivate func show(json: Bool, generated: String? = nil) throws {
        if json {
            try self.json(generated: generated).print()
        } else {
            for action in actions { Talk.line(isPreview ? "[DRY-RUN] \(action)" : "[OK] \(action)") }
            if actions.isEmpty { Talk.info("Nothing to do.") }
            if let generated, !isPreview { print(generated) }
        }
        findings.forEach(Talk.finding)
        if isFailure { throw Exit.found }
    }

    /// Whether something was left undone.
    var isFailure: Bool { findings.contains { $0.severity == .error } }

    /// The report for programs.
    func json(generated: String? = nil) -> JSON {
        .object([
            "dry_run": .bool(isPreview), "changes": .number(changes), "actions": .strings(actions),
            "findings": .array(findings.map(\.json)), "password": .optional(isPreview ? nil : generated),
        ])
    }
}

extension UserEntry {
    /// The user for programs; never the hash.
    var json: JSON {
        .object([
            "username": .string(name), "uid": number(account?.uid ?? record?.uid),
            "gid": number(account?.gid ?? record?.gid),
            "home": .optional(account?.home ?? record?.home), "shell": .optional(account?.shell ?? record?.shell),
            "groups": .strings(account?.groups ?? record?.groups ?? []), "locked": .bool(isLocked),
            "state": .string(state),
            "created_at": .optional(record?.createdAt),
        ])
    }

    private func number(_ id: UInt32?) -> JSON { id.map { .number(Int64($0)) } ?? .null }

    fileprivate var line: String {
        let fields = [
            FilePath(name).printable, (account?.uid ?? record?.uid).map { "\($0)" } ?? "-",
            account?.home ?? record?.home ?? "-",
            account?.shell ?? record?.shell ?? "-", isLocked ? "locked" : "unlocked",
        ]
        return (fields + (state == "ok" ? [] : [state])).joined(separator: "\t")
    }

    fileprivate var lines: [String] {
        [
            "username: \(FilePath(name).printable)", "uid: \((account?.uid ?? record?.uid).map { "\($0)" } ?? "-")",
            "gid: \((account?.gid ?? record?.gid).map { "\($0)" } ?? "-")",
            "groups: \((account?.groups ?? record?.groups ?? []).joined(separator: " "))",
            "home: \(account?.home ?? record?.home ?? "-")", "shell: \(account?.shell ?? record?.shell ?? "-")",
            "locked: \(isLocked ? "yes" : "no")", "created: \(record?.createdAt ?? "-")", "state: \(state)",
        ]
    }
}
