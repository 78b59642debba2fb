import CaiModel
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// What keeps a request from being answered, as JSON: `{"error": {"advice": …, "code": …, "message": …}}`, `advice` only where
/// there is one.
struct APIError: Error, Hashable {
    let status: HTTPResponse.Status
    /// For programs.
    let code: String
    /// For people.
    let message: String
    let advice: String?
    /// Headers that belong to the status.
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, advice: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.advice = advice
    }

    /// An error of which no more is known than its status.
    init(_ status: HTTPResponse.Status) {
        let words = status.reasonPhrase.lowercased()
        self.init(status, words.split(separator: " ").joined(separator: "_"), words)
    }

    static let notFound = APIError(
        .notFound, "not_found", "there is nothing at this path", advice: "see cai serve --help")

    static let forbidden = APIError(
        .forbidden, "forbidden", "this user may not use the agent socket",
        advice: "add the user id to socket_uids in /etc/containai/agent.toml")

    /// A path that knows other methods.
    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> APIError {
        let list = allowed.map(\.rawValue).joined(separator: ", ")
        var error = APIError(.methodNotAllowed, "method_not_allowed", "this path only knows \(list)")
        error.headers[.allow] = list
        return error
    }

    /// The answer; `closing` ends the connection behind it.
    func response(closing: Bool = false) -> Response {
        var response = Response.json(Body(error: self), status: status)
        for field in headers { response.headers.append(field) }
        if closing { response.headers[.connection] = "close" }
        return response
    }

    private struct Body: Encodable {
        let error: APIError
    }
}

extension APIError: Encodable {
    private enum Key: String, CodingKey { case code, message, advice }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(code, forKey: .code)
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(advice, forKey: .advice)
    }
}

extension Response {
    /// A document, keys sorted.
    static func json(_ document: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        do {
            return json(text: try sortedJSON(document), status: status)
        } catch {
            return Response(status: .internalServerError)  // a value that JSON does not have; none of ours is
        }
    }

    /// A document that is text already.
    static func json(text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: text + "\n")))
    }
}
