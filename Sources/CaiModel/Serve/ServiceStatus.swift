/// What the agent service is and does at the moment: the document of `GET /v1/status`.
package struct ServiceStatus: Encodable, Sendable {
    package var version: String
    package var commit: String
    package var pid: Int32
    /// When it started, in UTC.
    package var started: String
    package var uptime: Int64
    /// Whether the volume is `present`, `unmounted`, `absent` or `unused`.
    package var volumeState: String
    package var volume: String
    package var ownerUID: UInt32
    /// Whether links are kept while it runs.
    package var guardsLinks: Bool
    /// The lines of the two files with a time that the volume has; nil where there is none.
    package var lastImport: String?
    package var linksChecked: String?
    /// How the last boot went; nil where nothing tells.
    package var boot: String?
    /// Requests by what they do, connections and readers of events, at this moment.
    package var running: [String: Int] = [:]
    package var connections = 0
    package var eventReaders = 0

    package init(
        version: String, commit: String, pid: Int32, started: String, uptime: Int64, volumeState: String,
        volume: String, ownerUID: UInt32, guardsLinks: Bool, lastImport: String?, linksChecked: String?, boot: String?
    ) {
        self.version = version
        self.commit = commit
        self.pid = pid
        self.started = started
        self.uptime = uptime
        self.volumeState = volumeState
        self.volume = volume
        self.ownerUID = ownerUID
        self.guardsLinks = guardsLinks
        self.lastImport = lastImport
        self.linksChecked = linksChecked
        self.boot = boot
    }

    private enum CodingKeys: String, CodingKey {
        case version, commit, pid, started, volume, boot, running, connections
        case uptime = "uptime_seconds"
        case volumeState = "volume_state"
        case ownerUID = "owner_uid"
        case guardsLinks = "guards_links"
        case lastImport = "last_import"
        case linksChecked = "links_checked"
        case eventReaders = "event_readers"
    }
}
