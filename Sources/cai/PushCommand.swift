import ArgumentParser
import CaiCore
import CaiManifests
import CaiModel
import CaiNetwork
import CaiPlatform
import SystemPackage

/// `cai push`: configuration from here into a container that runs.
struct PushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Push configuration from this machine into a running container.",
        discussion: """
            Talks to the agent service of the container: on its socket, where that lies in a directory that is mounted \
            into both, or through a program that leads there, such as docker exec -i NAME cai receive, which does it by \
            itself where no service runs. Only what the container does not have travels, and what is there already is not \
            touched. The import is that of cai import, with its lines, its exit codes and its undo. Nothing restarts.

            What may leave this machine is decided here: what the built-in manifests name, additional_paths in \
            ~/.config/containai/config.toml, and --allow. What the container asks for beyond that is named, and stays.

            Without --from, pushes from the home directory of this machine; an archive is sent as it is. A token that the \
            service wants is read from the variable CAI_SOCKET_TOKEN.
            """
    ).often

    @Option(help: ArgumentHelp("The agent socket of the container.", valueName: "path"))
    var socket: String?
    @Option(
        help: ArgumentHelp("A command line that leads to the service by its input and output.", valueName: "command"))
    var exec: String?
    @Option(help: ArgumentHelp("The directory or archive; - reads an archive from standard input.", valueName: "path"))
    var from: String?
    @Option(help: "How the source is arranged: auto, home or volume.") var layout = ImportCommand.Arrangement.auto
    @Option(
        name: .customLong("allow"),
        help: ArgumentHelp(
            "Let this path of the home travel if the container asks for it; may be given more than once.",
            valueName: "path"))
    var allowed: [String] = []
    @Flag(help: "Leave out secrets; they do not travel.") var noSecrets = false
    @Flag(help: "Ignore the exclude patterns of the configuration and the built-in ones.") var noExcludes = false
    @Flag(help: "Also remove from the volume what the source does not have.") var delete = false
    @Flag(help: "Show what would be done.") var dryRun = false
    @Flag(help: "Go on, and push again whenever something changes.") var watch = false
    @Flag(help: "Show how much has travelled.") var verbose = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if socket != nil, exec != nil { throw ValidationError("--socket and --exec exclude each other.") }
        if watch, delete || dryRun { throw ValidationError("--watch goes with neither --delete nor --dry-run.") }
        if watch, from == "-" { throw ValidationError("--watch needs a directory.") }
        _ = try allowedPaths()
    }

    func run() throws {
        try reportingFailures {
            StandardError.outliveReaders()
            Memory.takeInLargePieces()
            let push = Push(try connect(), query: query, isJSON: json, isVerbose: verbose)
            guard let root = try directory() else {
                if watch { throw ValidationError("--watch needs a directory.") }
                let file = from == "-" ? try Descriptor.standardInput() : try Descriptor(opening: path)
                return try push.send(archive: file, layout: layout == .auto ? nil : layout.rawValue)
            }
            let guide = try push.guide()
            let known = guide.entries.compactMap(\.entry)
            try push.run(try source(root, guide, known, arrangement(of: root)), isWatching: watch)
        }
    }

    private func connect() throws -> PushClient {
        let token = Environment.all["CAI_SOCKET_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        if let exec { return try PushClient(command: exec, token: token) }
        return try PushClient(socket: FilePath(socket ?? "/run/containai/agent.sock"), token: token)
    }

    private var query: [String] {
        [("no-secrets", noSecrets), ("no-excludes", noExcludes), ("delete", delete), ("dry-run", dryRun)]
            .filter(\.1).map(\.0)
    }

    // MARK: the source

    private var home: FilePath { FilePath(Environment.all["HOME"] ?? "/") }

    private var path: FilePath {
        guard let from else { return home }
        if from == "~" || from.hasPrefix("~/") { return home.appending(FilePath(String(from.dropFirst(2))).components) }
        let path = FilePath(from)
        return path.isAbsolute ? path : ProcessFacts.workingDirectory.pushing(path)
    }

    /// Nil for an archive.
    private func directory() throws -> Directory? {
        if from == "-" { return nil }
        do {
            return try Directory.open(path)
        } catch {
            switch error.errno {
            case .notDirectory: return nil
            case .noSuchFileOrDirectory: throw SourceProblem.missing(path)
            case .permissionDenied: throw SourceProblem.notReadable(path)
            default: throw error
            }
        }
    }

    /// Recognizes the arrangement by the built-in manifests: by those of the container, a home could be taken for a volume,
    /// of which everything travels.
    private func arrangement(of root: Directory) throws -> SourceArrangement {
        switch layout {
        case .home: return .home
        case .volume: return .volume
        case .auto:
            return try OpenedSource(tree: SourceTree(root: root, names: [path]), isOwnHome: false, label: path)
                .arrangement(BuiltInManifests.alone.manifest.entries)
        }
    }

    /// Returns the rules of this host for what a push may send.
    private func permission() throws -> PushPermission {
        PushPermission(builtIn: BuiltInManifests.alone.manifest.entries, allowed: try allowedPaths())
    }

    /// The paths of `--allow`, below the directory that is pushed.
    private func allowedPaths() throws -> [HomePath] {
        try allowed.map { text in
            do throws(AdditionalPathProblem) {
                return try AdditionalPath(text, homes: [path]).source
            } catch {
                throw ValidationError("--allow \(FilePath(text).printable) \(error.sentence).")
            }
        }
    }

    private func source(
        _ root: Directory, _ guide: PushGuide, _ known: [Entry], _ arrangement: SourceArrangement
    ) throws -> Push.Source {
        let real = root.resolvedPath ?? path
        var options = PushSource.Options()
        (options.withoutSecrets, options.withoutExcludes) = (noSecrets, noExcludes)
        return Push.Source(
            files: PushSource(
                root, home: real, containerHome: FilePath(guide.home), asked: known, arrangement: arrangement,
                permission: try permission(), options: options),
            guide: guide, arrangement: arrangement, home: real)
    }
}
