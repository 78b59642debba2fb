import Hummingbird
import Logging

/// Turns what handlers throw, and what is not there, into answers. What nobody foresaw is told in the log, not to the client.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = AgentContext

    func handle(
        _ request: Request, context: AgentContext, next: (Request, AgentContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if let known = APIError(error) { return known.response() }
            context.logger.error("a request failed: \(error)")
            return APIError(.internalServerError).response()
        }
    }
}
