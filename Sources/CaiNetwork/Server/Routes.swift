import CaiModel
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging

/// One thing that the API does.
struct Route: Sendable {
    let method: HTTPRequest.Method
    let path: String
    /// What may be in its query: flags of the command with the same job.
    var query: [QueryField] = []
    /// Whether the other users of the socket may not ask for it.
    var isForRoot = false
    let handle: @Sendable (AgentState, Request, AgentContext, _ arguments: [String]) async throws -> Response
}

/// The table of the API.
enum Routes {
    /// Everything that can be asked for.
    private static var all: [Route] {
        let dryRun = QueryField.flag("dry-run")
        return [
            Route(method: .get, path: "/v1/health") { state, _, _, _ in try await state.health.report() },
            Route(method: .get, path: "/v1/status") { state, _, _, _ in try await state.status.report() },
            Route(method: .get, path: "/v1/links") { state, _, _, _ in try await state.looks.linkStates() },
            Route(method: .get, path: "/v1/persistence") { state, _, _, _ in try await state.looks.persistenceReport()
            },
            Route(method: .post, path: "/v1/links/repair", query: [dryRun]) { try await $0.changes.repair($3) },
            Route(method: .post, path: "/v1/sync", query: [dryRun]) { try await $0.changes.sync($3) },
            Route(method: .post, path: "/v1/undo", query: [.word("id"), dryRun]) { try await $0.changes.undo($3) },
            Route(
                method: .post, path: "/v1/import",
                query: [
                    .value("layout"), .flag("no-secrets"), .flag("no-excludes"), .flag("sessions"), .flag("delete"),
                    dryRun, .flag("partial"), .value("source-home"),
                ]
            ) { try await $0.importing.run($1, $2, $3) },
            Route(method: .get, path: "/v1/plan") { state, _, _, _ in try await state.looks.pushGuide() },
            Route(method: .post, path: "/v1/plan", query: [.value("layout"), .flag("no-secrets")]) {
                try await $0.plan.run($1, $2, $3)
            },
            Route(
                method: .get, path: "/v1/export",
                query: [.value("format"), .flag("no-secrets"), .flag("no-excludes")]
            ) { state, request, _, arguments in
                try await state.export.run(arguments, format: request.uri.queryParameters["format"].map { String($0) })
            },
            Route(method: .get, path: "/v1/events") { state, _, context, _ in try state.events.stream(context) },
            Route(method: .get, path: "/metrics") { state, _, _, _ in try await state.status.metrics() },
        ] + accounts
    }

    /// What has to do with logging in.
    private static var accounts: [Route] {
        let dryRun = QueryField.flag("dry-run")
        let name = QueryField.word("name")
        let looks = [("/v1/users", UsersWord.list), ("/v1/users/lint", .lint)].map { path, word in
            Route(method: .get, path: path, isForRoot: true) { state, _, _, _ in try await state.accounts.look(word) }
        }
        let puts = [("/v1/users", UsersWord.add), ("/v1/users/passwd", .passwd)].map { path, word in
            Route(method: .post, path: path, query: [dryRun], isForRoot: true) {
                try await $0.accounts.put(word, $1, $2, $3)
            }
        }
        let queries: [(UsersWord, [QueryField])] = [
            (.lock, [name, .flag("force"), dryRun]), (.unlock, [name, dryRun]),
            (.remove, [name, .flag("force"), dryRun]), (.persist, [dryRun]), (.restore, [dryRun]),
        ]
        let changes = queries.map { word, query in
            Route(method: .post, path: "/v1/users/\(word.rawValue)", query: query, isForRoot: true) {
                state, _, _, arguments in try await state.accounts.change(word, arguments)
            }
        }
        let status = Route(method: .get, path: "/v1/bootstrap", isForRoot: true) { state, _, _, _ in
            try await state.accounts.bootstrapStatus()
        }
        let bootstrap = [BootstrapWord.verify, .complete, .createUser].map { word in
            Route(method: .post, path: "/v1/bootstrap/\(word.rawValue)", isForRoot: true) {
                state, request, context, _ in
                try await state.accounts.bootstrap(word, request, context)
            }
        }
        return looks + puts + changes + [status] + bootstrap
    }

    /// The table as lines: method, path, and what may be in a query.
    static var lines: [String] {
        all.map { "\($0.method.rawValue) \($0.path) \($0.query.map(\.name).sorted().joined(separator: ","))" }
    }

    /// Answers by the table; `HEAD` where there is `GET`, 405 for another method of a known path, 404 for the rest.
    static func router(_ state: AgentState) -> some HTTPResponder<AgentContext> {
        let router = Router(context: AgentContext.self)
        router.add(middleware: RequestCount(counters: state.counters))
        router.add(middleware: ErrorAnswers())
        let table = all
        for route in table { add(route, state, to: router) }
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

    private static func arguments(_ request: Request, _ route: Route) throws -> [String] {
        do {
            return try QueryField.arguments(request.uri.queryParameters.map { ($0.key, $0.value) }, route.query)
        } catch {
            throw APIError.badQuery(error.sentence)
        }
    }

    private static func add(_ route: Route, _ state: AgentState, to router: Router<AgentContext>) {
        router.on(RouterPath(route.path), method: route.method) { request, context in
            if route.isForRoot, !context.isRoot { throw APIError.rootOnly }
            return try await route.handle(state, request, context, try arguments(request, route))
        }
        // Without its content; one that never ends, or is work, is not made for that.
        guard route.method == .get else { return }
        let isLook = !["/v1/export", "/v1/events"].contains(route.path)
        router.on(RouterPath(route.path), method: .head) { request, context in
            if route.isForRoot, !context.isRoot { throw APIError.rootOnly }
            let arguments = try arguments(request, route)
            guard isLook else { return Response(status: .ok) }
            return try await route.handle(state, request, context, arguments).createHeadResponse()
        }
    }

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]
}

/// Counts what is answered, by route.
struct RequestCount: RouterMiddleware {
    typealias Context = AgentContext
    let counters: Counters

    func handle(
        _ request: Request, context: AgentContext, next: (Request, AgentContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        // Paths that are none would be as many as somebody likes.
        counters.answered(context.endpointPath ?? "none", response.status.code)
        return response
    }
}
