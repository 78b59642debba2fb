/// What a request about the first login is answered with (predecessors 2.6).
package enum BootstrapReply: Hashable, Sendable {
    /// There is a code. `otp`: nil when it is not known any more, or nobody asked for it.
    case active(BootstrapCode, otp: String?, expiresAt: Timestamp?, attemptsLeft: Int?)
    /// There is none, and that is an answer.
    case inactive(BootstrapReason, completedAt: String?)
    case verified
    case completed(String)
    case created(String)
    case refused(BootstrapRefusal)
}

/// Why something was not done.
package struct BootstrapRefusal: Hashable, Sendable {
    package enum Code: String, Sendable {
        case invalidRequest = "invalid_request"
        case inactive
        case wrongCode = "otp_invalid"
        case invalidUsername = "invalid_username"
        case invalidPassword = "invalid_password"
        case usernameExists = "username_exists"
        case createFailed = "create_failed"
        /// The code was given wrong a moment ago.
        case tooManyAttempts = "too_many_attempts"
        /// Somebody was told already that the code is right.
        case alreadyVerified = "already_verified"
        /// The machine does not let it be done.
        case unavailable

        /// The status of HTTP that stands for it.
        package var status: Int {
            switch self {
            case .invalidRequest, .invalidUsername, .invalidPassword: 400
            case .wrongCode: 401
            case .inactive: 403
            case .usernameExists, .alreadyVerified: 409
            case .tooManyAttempts: 429
            case .createFailed: 500
            case .unavailable: 503
            }
        }
    }

    package let code: Code
    package let message: String
    package var reason: BootstrapReason?
    /// Seconds.
    package var retryAfter: Int64?
    package var attemptsLeft: Int?

    package init(
        _ code: Code, _ message: String, reason: BootstrapReason? = nil, retryAfter: Int64? = nil,
        attemptsLeft: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.reason = reason
        self.retryAfter = retryAfter
        self.attemptsLeft = attemptsLeft
    }
}

/// What `verify`, `complete` and `create-user` are asked: a JSON object. No part of it may get into a log.
package struct BootstrapRequest: Sendable {
    /// More than this is no request.
    package static let largest = 64 << 10

    package let otp: String
    package let username: String
    package let password: String

    /// Reads a request; `needsUser`: a name and a password have to be in it. Throws the refusal.
    package init(_ text: [UInt8], needsUser: Bool) throws(BootstrapRefusal) {
        // The caller is told that it is none; where it goes wrong could be beside a password.
        guard let root = try? JSONDocument(text).root, root.kind == .object else {
            throw BootstrapRefusal(.invalidRequest, "The request is not a JSON object.")
        }
        otp = try Self.field("otp", of: root)
        username = needsUser ? try Self.field("username", of: root) : ""
        password = needsUser ? try Self.field("password", of: root) : ""
    }

    private static func field(_ name: String, of root: JSONValue) throws(BootstrapRefusal) -> String {
        guard let text = root[name]?.string, !text.isEmpty else {
            throw BootstrapRefusal(.invalidRequest, "The request has no \"\(name)\".")
        }
        return text
    }
}

extension BootstrapRefusal: Error {}
