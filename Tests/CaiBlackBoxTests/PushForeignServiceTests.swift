import CaiTestSupport
import SystemPackage
import Testing

/// A program that answers on the agent socket in place of the service.
private let foreignService = #"""
    import json, os, socketserver, sys
    from http.server import BaseHTTPRequestHandler

    path, mode = sys.argv[1], sys.argv[2]
    guide = {"entries": ["f\t.claude.json\tclaude/claude.json"], "home": "/home/agent", "workspaces": [],
             "configuration": {"excludes": [], "additional_paths": [], "excludes_private": False}, "repository": None,
             "remembers": False}
    words = "\x1b]0;title\x07\x1b[2J\u009b31mHELLO\n[OK] forged"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def address_string(self): return "host"
        def log_message(self, *words): pass
        def answer(self, status, document):
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        def do_GET(self):
            if mode == "headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 100000 + b"\r\n")
            elif mode == "error":
                self.answer(500, {"error": {"code": "x", "message": words, "advice": words}})
            else:
                self.answer(200, guide)
        def do_POST(self):
            while (size := int(self.rfile.readline(), 16)) > 0: self.rfile.read(size + 2)
            self.rfile.readline()
            if self.path.startswith("/v1/plan"):
                self.answer(200, {"needed": [0], "candidates": [], "unknown": []})
            else:
                self.answer(200, {"lines": [words], "reload": [{"place": words, "sentence": words}], "changes": 1})

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        def get_request(self): return self.socket.accept()[0], "host"

    server = Server(path, Handler)
    print("ready", flush=True)
    server.serve_forever()
    """#

@Suite(.needs("python3")) struct `cai push to a program that is not the service` {
    /// Pushes to the program; `limit` ends a push that hangs.
    private func push(_ mode: String, _ more: String...) throws -> Finished {
        let world = try World(["run/containai": [:], "host/.claude.json": "{}"])
        let socket = world.agentSocket.string
        let program = try Running(["python3", "-c", foreignService, socket, mode])
        #expect(try program.line() == "ready")
        defer { program.signal(9) }
        return try Command.run(
            [Command.binary.string, "push", "--socket", socket, "--from", world.path("/host").string] + more)
    }

    /// True if nothing in it is a character that a terminal obeys.
    private func isPlain(_ run: Finished) -> Bool {
        run.everything.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    }

    @Test func `what it says is one line each, without control characters`() throws {
        let run = try push("normal")
        #expect(run.code == 0 && isPlain(run), "\(run)")
        #expect(run.errors.contains("HELLO\\x0a[OK] forged"), "\(run)")
        #expect(!run.errors.split(separator: "\n").contains { $0.hasPrefix("[OK] forged") }, "\(run)")
        let json = try push("normal", "--json")
        #expect(isPlain(json) && json.json["changes"].number == 1, "\(json)")
        let refusal = try push("error")
        #expect(refusal.code == 1 && isPlain(refusal) && refusal.errors.contains("HELLO\\x0a[OK] forged"), "\(refusal)")
    }

    @Test func `an answer with endless headers ends the push`() throws {
        let run = try push("headers")
        #expect(run.code == 1 && run.errors.contains("an answer that cannot be read"), "\(run)")
    }
}
