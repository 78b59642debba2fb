package import CaiModel
import Hummingbird
import Logging
import NIOCore

/// The agent service: answers on a Unix socket.
package struct AgentServer {
    private let path: String
    private let health: @Sendable () -> HealthReport

    /// The service on the socket at `path`; `health` looks whether the container is well.
    package init(path: String, health: @escaping @Sendable () -> HealthReport) {
        self.path = path
        self.health = health
    }

    /// Serves until it is told to stop. Throws what keeps it from serving.
    package func run() async throws {
        let router = Router()
        router.get("/v1/health") { [health] _, _ in
            let report = health()
            return Response(
                status: report.isHealthy ? .ok : .serviceUnavailable,
                headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: try report.json())))
        }
        let application = Application(
            router: router, configuration: .init(address: .unixDomainSocket(path: path), serverName: nil),
            logger: Logger(label: "cai"))
        try await application.runService()
    }
}
