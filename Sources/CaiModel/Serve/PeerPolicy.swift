/// Who may use the agent socket: root, the owner of the agent's files, the user that the service runs as, and the users of
/// `socket_uids`.
package struct PeerPolicy: Hashable, Sendable {
    private let uids: Set<UInt32>

    package init(owner: UInt32, service: UInt32, settings: Settings) {
        uids = Set([0, owner, service] + settings.list(.socketUsers).compactMap { UInt32($0) })
    }

    package func allows(uid: UInt32) -> Bool { uids.contains(uid) }
}
