import HTTPTypes
import Hummingbird

/// One thing that the API does.
struct Route: Sendable {
    let method: HTTPRequest.Method
    let path: String
    let handle: @Sendable (Request, AgentContext) async throws -> Response
}

/// The table of the API.
enum Routes {
    /// Everything that can be asked for.
    private static func all(_ state: AgentState) -> [Route] {
        [
            Route(method: .get, path: "/v1/health") { _, _ in try await state.health.report() }
        ]
    }

    /// Answers by the table; `HEAD` where there is `GET`, 405 for another method of a known path, 404 for the rest.
    static func router(_ state: AgentState) -> some HTTPResponder<AgentContext> {
        let router = Router(context: AgentContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ErrorAnswers())
        let table = all(state)
        for route in table { router.on(RouterPath(route.path), method: route.method, use: route.handle) }
        for path in Set(table.map(\.path)) {
            let known = table.filter { $0.path == path }.map(\.method)
            let allowed = known.contains(.get) ? known + [.head] : known
            for method in methods where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw APIError.methodNotAllowed(allowed)
                }
            }
        }
        return router.buildResponder()
    }

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]
}
