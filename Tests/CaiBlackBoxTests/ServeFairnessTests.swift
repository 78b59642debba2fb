import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly, .needs("curl"), .needs("setpriv")) struct `The agent service among slow and idle clients` {
    @Test(.needs("python3")) func `keeps a place and a connection for root`() throws {
        let world = try World()
        let service = try Service(world).ready()
        let agent = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]
        let socket = world.agentSocket.string
        // Imports that send nothing, and as many connections as are to be had.
        let script = """
            import socket, sys, time
            clients = []
            for i in range(600):
                client = socket.socket(socket.AF_UNIX); client.settimeout(1)
                try:
                    client.connect(sys.argv[1])
                    if i < 6:
                        client.sendall(b"POST /v1/import HTTP/1.1\\r\\nHost: cai\\r\\nContent-Length: 100000\\r\\n\\r\\n")
                except OSError: break
                clients.append(client)
            print("ready", flush=True); time.sleep(1000)
            """
        let crowd = try Running(agent + ["/usr/bin/python3", "-c", script, socket])
        #expect(try crowd.line() == "ready")
        let answer = try world.ask("/v1/links/repair", "--request", "POST")
        #expect(answer.status == "200", "\(answer.run)")
        crowd.signal(SIGKILL)
        #expect(try service.stop() == .exited(0))
    }

    @Test func `answers HEAD without content, also with an error`() throws {
        let world = try World()
        let service = try Service(world).ready()
        for path in ["/v1/health", "/v1/nothing", "/v1/sync", "/v1/events", "/v1/status?x=y"] {
            let client = try LocalClient(to: world.agentSocket)
            client.send("HEAD \(path) HTTP/1.1\r\nHost: cai\r\nConnection: close\r\n\r\n")
            let answer = try client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 ") && answer.hasSuffix("\r\n\r\n"), "\(path) \(answer)")
        }
        #expect(try service.stop() == .exited(0))
    }

    @Test func `says that every user can read its token`() throws {
        let world = try World([
            "etc/containai/agent.toml": "socket_token_file = \"/etc/containai/token\"\n",
            "etc/containai/token": Item.file("0123456789abcdef\n").mode(0o644),
        ])
        let service = try Service(world).ready()
        #expect(try service.stop() == .exited(0))
        #expect(try service.program.errorRest().contains("every user of the container can read the token"))
    }
}
