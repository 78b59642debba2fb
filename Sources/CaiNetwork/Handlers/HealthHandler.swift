import CaiModel
import HTTPTypes
import Hummingbird

/// `GET /v1/health`: the document of `cai health --json`; 503 when the container is not well.
struct HealthHandler: Sendable {
    private let look: SharedLook<HealthReport>

    init(_ look: SharedLook<HealthReport>) { self.look = look }

    func report() async throws -> Response {
        let report = try await look.value()
        return .json(text: try report.json(), status: report.isHealthy ? .ok : .serviceUnavailable)
    }
}
