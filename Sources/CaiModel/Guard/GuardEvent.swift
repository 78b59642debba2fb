/// An action or an observation of a guard, for people and machines.
package struct GuardEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// It watches; everything that was wrong before has been mended, or told.
        case watching
        /// The manifests were read again.
        case reloaded
        /// Events were lost, so everything was looked at.
        case overflow
        /// A file or directory moved to the volume and its link is back.
        case adopted
        /// What was written to a file after it was adopted, by somebody who had it open, is on the volume.
        case stored
        /// Something had to make room; `target` is where it is kept.
        case displaced
        /// A link was put.
        case linked
        /// A placeholder was made.
        case made
        /// The mode of a secret is right again.
        case mode
        /// The owner of something on the volume is right again.
        case owner
        /// Something could not be done.
        case failed
        /// Something was noticed.
        case noticed
    }

    package let kind: Kind
    /// What it is about; empty when it is about everything.
    package let path: String
    /// Where that is now.
    package let target: String?
    /// A sentence that follows the path, where there is more to say.
    package let sentence: String?
    /// The next command or edit, where there is one.
    package let advice: String?
    /// The severity of a finding or failure.
    package let severity: Severity
    /// True for a secret that an application replaced by its own next save, such as a refreshed token: no news for a log.
    package private(set) var isRoutine = false

    package init(
        _ kind: Kind, _ path: String = "", target: String? = nil, sentence: String? = nil, advice: String? = nil,
        severity: Severity = .note
    ) {
        self.kind = kind
        self.path = path
        self.target = target
        self.sentence = sentence
        self.advice = advice
        self.severity = severity
    }

    /// The same event as one of the routine.
    package var asRoutine: GuardEvent {
        var event = self
        event.isRoutine = true
        return event
    }

    /// A finding as an event.
    package init(_ finding: Finding) {
        self.init(
            finding.severity == .error ? .failed : .noticed, finding.place, sentence: finding.sentence,
            advice: finding.advice, severity: finding.severity)
    }
}
