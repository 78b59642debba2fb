import CaiTestSupport
import Glibc
import SystemPackage

/// `cai serve` on a world, with somebody who hears what it tells its service manager.
final class Service {
    let world: World
    let program: Running
    private let manager: DatagramReceiver

    /// Starts it. `at` is where its socket is expected.
    init(
        _ world: World, _ arguments: String..., environment: [String: String] = [:], wrapper: [String] = []
    ) throws {
        self.world = world
        let name = "@cai-serve-\(UInt64.random(in: 0 ... .max))"
        manager = try DatagramReceiver(at: name)
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let variables = ["PATH": path, "NOTIFY_SOCKET": name].merging(Command.usualEnvironment) { $1 }
            .merging(environment) { $1 }
        program = try Running(
            wrapper + [Command.binary.string, "serve", "--root", world.root.string] + arguments,
            environment: variables.map { "\($0.key)=\($0.value)" })
    }

    /// What it tells next.
    func told() throws -> String { try manager.next().text }

    /// Waits until it answers.
    @discardableResult func ready() throws -> Self {
        while !(try told().hasPrefix("READY=1")) {}
        return self
    }

    /// Has it end. Returns how.
    func stop() throws -> Running.Ending {
        program.signal(SIGTERM)
        return try program.end()
    }
}

/// An answer over HTTP.
struct Answer {
    let status: String
    let body: JSONValue
    let run: Finished
}

extension World {
    var agentSocket: FilePath { root.appending("run/containai/agent.sock") }

    /// Asks on a socket with curl, whose further words are `options`.
    func ask(
        _ path: String, _ options: String..., at socket: FilePath? = nil, wrapper: [String] = []
    ) throws -> Answer {
        let run = try Command.run(
            wrapper + ["curl", "--silent", "--unix-socket", (socket ?? agentSocket).string]
                + ["--write-out", "%{stderr}%{http_code}", "http://cai\(path)"] + options)
        return Answer(status: run.errors, body: run.json, run: run)
    }
}

/// A wrapper that runs a program as somebody, in one group.
func asUser(_ uid: Int, group: Int = 1000) -> [String] {
    ["setpriv", "--reuid", "\(uid)", "--regid", "\(group)", "--clear-groups"]
}
