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

    static let rootOnly = APIError(
        .forbidden, "root_only", "who may log in is root's business",
        advice: "ask as root, for example: sudo curl --unix-socket …")

    static var wrongToken: APIError {
        var error = APIError(
            .forbidden, "wrong_token", "the request does not have the token that is configured",
            advice: "send the header Authorization: Bearer TOKEN")
        error.headers[.wwwAuthenticate] = "Bearer"
        return error
    }

    /// As many as may are at it already.
    static var busy: APIError {
        var error = APIError(
            .tooManyRequests, "busy", "too many such requests are being worked on", advice: "ask again in a second")
        error.headers[.retryAfter] = "1"
        return error
    }

    static func contentTooLarge(_ limit: Int64) -> APIError {
        APIError(
            .contentTooLarge, "content_too_large", "the content is larger than \(limit) bytes",
            advice: "if that is right, raise \(SettingKey.requestBytes.rawValue) in agent.toml")
    }

    static let contentCut = APIError(
        .badRequest, "content_cut", "the content ended before its end, or came too slowly",
        advice: "nothing of it was taken; send it again")

    static func badQuery(_ sentence: String) -> APIError {
        APIError(.badRequest, "bad_query", sentence, advice: "see openapi.json, or the flags of the command")
    }

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

    /// The same as an object on one line, for those who read lines.
    var line: String {
        (try? JSONLine.text(Body(error: self))) ?? "{}"  // its values are texts
    }
}

extension APIError {
    /// Why a job did nothing.
    init(_ failure: JobFailure) {
        let (status, code): (HTTPResponse.Status, String) =
            switch failure.kind {
            case .badRequest: (.badRequest, "bad_request")
            case .notFound: (.notFound, "not_found")
            case .locked: (.serviceUnavailable, "locked")
            case .unavailable: (.serviceUnavailable, "unavailable")
            case .refused: (.unprocessableContent, "refused")
            case .failed: (.internalServerError, "failed")
            }
        self.init(status, code, failure.sentence, advice: failure.advice)
        if failure.kind == .locked { headers[.retryAfter] = "1" }
    }

    /// What an error means to who asked; nil for one that nobody foresaw.
    init?(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let failure as JobFailure: self.init(failure)
        case let error as any HTTPResponseError:
            if error.status == .notFound { self = .notFound } else { self.init(error.status) }
        default: return nil
        }
    }
}

/// JSON on one line, keys sorted.
enum JSONLine {
    /// The last line of a job: its report, as the value of `result`.
    static func result(_ answer: JobAnswer) throws -> String {
        let text = answer.text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
        return "{\"result\":\(text)}"
    }

    static func text(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
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
