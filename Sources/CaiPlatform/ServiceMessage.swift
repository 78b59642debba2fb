/// One thing that a service tells its service manager (sd_notify(3)): a line `NAME=value`, or two of them.
package struct ServiceMessage: Hashable, Sendable {
    package let text: String

    private init(_ text: String) { self.text = text }

    /// The service has started, or has come to the end of a reload.
    package static let ready = ServiceMessage("READY=1")
    /// The service begins to end.
    package static let stopping = ServiceMessage("STOPPING=1")
    /// The service is alive.
    package static let watchdog = ServiceMessage("WATCHDOG=1")

    /// The service begins to read its settings again. The time tells the manager which of its requests that answers.
    package static func reloading(at microseconds: UInt64) -> ServiceMessage {
        ServiceMessage("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    /// What the service is doing, for people. Line breaks become spaces.
    package static func status(_ sentence: String) -> ServiceMessage {
        ServiceMessage("STATUS=" + oneLine(sentence))
    }

    /// Starting, reloading or ending takes this much longer, counted from now.
    package static func extendTimeout(by time: Duration) -> ServiceMessage {
        ServiceMessage("EXTEND_TIMEOUT_USEC=\(time.microseconds)")
    }

    /// The manager keeps the descriptors that come with this message and hands them over at the next start, under a name.
    package static func store(_ name: String) -> ServiceMessage {
        ServiceMessage("FDSTORE=1\nFDNAME=" + oneLine(name))
    }

    /// The manager lets go of what it keeps under a name.
    package static func forget(_ name: String) -> ServiceMessage {
        ServiceMessage("FDSTOREREMOVE=1\nFDNAME=" + oneLine(name))
    }

    /// A value may not look like further lines.
    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "\0" ? " " : $0 })
    }
}

extension Duration {
    /// Whole microseconds; nothing negative.
    package var microseconds: UInt64 {
        let (seconds, rest) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000 + UInt64(max(rest, 0) / 1_000_000_000_000)
    }
}
