package import CaiModel
import CaiPlatform

extension Finding {
    /// The finding as a line of the log.
    package var logLine: String {
        let kind = severity == .error ? "[ERROR]" : severity == .warning ? "[WARN]" : "[NOTICE]"
        return "\(kind) \(told)"
    }

    /// The finding as a warning at most: a link of the user's that cannot be repaired is no reason to fail a boot.
    var atMostWarning: Finding {
        severity == .error ? Finding(.warning, at: place, sentence, advice: advice) : self
    }

    /// An error of a boot step.
    init(ofStep error: any Error) {
        switch error {
        case let outside as NotInContainer:
            self.init(
                .error, at: "cai init", "must be run inside a ContainAI container: \(outside.reason)",
                advice: "mount a volume, or use --force here, or --root DIR for another tree")
        case MachineProblem.volumeMissing(let path):
            self.init(
                .error, at: path.printable, "the volume is not there",
                advice: "docker run -v containai-data:\(path.printable) …")
        case MachineProblem.homeMissing(let path):
            self.init(.error, at: path.printable, "the home directory is not there", advice: "create the user")
        case let held as VolumeLock.Held:
            self.init(
                .error, at: ".containai/lock", "is held by \(held.holder.isEmpty ? "another process" : held.holder)",
                advice: "wait for it and run cai init again")
        case let call as SystemCallError:
            self.init(.error, at: "cai init", call.plainSentence, advice: call.advice)
        default: self.init(.error, at: "cai init", error.sentence)
        }
    }
}
