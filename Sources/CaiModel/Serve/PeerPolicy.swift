/// Who may use the agent socket: root, the owner of the agent's files, the user that the service runs as, and the users of
/// `socket_uids`; where a token is configured, only with that.
package struct PeerPolicy: Sendable {
    /// What has to come with each request.
    package enum Token: Sendable {
        case none
        case required([UInt8])
        /// One is configured and cannot be read: nobody has it.
        case unknown
    }

    private let uids: Set<UInt32>
    private let token: Token

    package init(owner: UInt32, service: UInt32, settings: Settings, token: Token = .none) {
        uids = Set([0, owner, service] + settings.list(.socketUsers).compactMap { UInt32($0) })
        self.token = token
    }

    package func allows(uid: UInt32) -> Bool { uids.contains(uid) }

    /// Whether the header `Authorization` has the token (RFC 6750). How long it takes says nothing about the token but its
    /// length.
    package func accepts(authorization: String?) -> Bool {
        switch token {
        case .none: return true
        case .unknown: return false
        case .required(let wanted):
            guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return false }
            let given = Array(authorization.dropFirst(7).utf8)
            guard given.count == wanted.count else { return false }
            return zip(given, wanted).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
        }
    }
}
