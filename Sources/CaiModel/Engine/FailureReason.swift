package import SystemPackage

extension Errno {
    /// What a user can do about it, where that is known.
    package var advice: String? {
        switch self {
        case .readOnlyFileSystem: "mount the volume without :ro (cai persistence check shows how)"
        case .noSpace, .diskQuotaExceeded:
            "free some space on the volume (cai undo --list shows what is kept) and run again"
        case .permissionDenied, .notPermitted:
            "run as root once (cai init repairs ownership), or give the volume to this user"
        default: nil
        }
    }

    /// The error that a sentence of the machine ends with, of those that there is advice for.
    package init?(endOf sentence: String) {
        let known: [Errno] = [.readOnlyFileSystem, .noSpace, .diskQuotaExceeded, .permissionDenied, .notPermitted]
        guard let found = known.first(where: { sentence.hasSuffix("\($0)") }) else { return nil }
        self = found
    }
}

extension Outcome {
    /// Why the step was not carried out; nil when it was, or would be. The name of a copy in the making is left out,
    /// because nobody will find it: its directory stands for it.
    package var reason: String? {
        switch result {
        case .done, .planned: nil
        case .failed(let reason), .refused(let reason), .skipped(let reason): withoutTemporaryName(reason)
        }
    }

    /// What to do about a step that failed, where that is known.
    package var advice: String? {
        if case .failed(let reason) = result { Errno(endOf: reason)?.advice } else { nil }
    }

    /// The reason with the advice in parentheses; nil for a step that was, or would be, carried out.
    package var toldReason: String? { reason.map { reason in reason + (advice.map { " (\($0))" } ?? "") } }
}

/// The reason with `DIRECTORY/.cai-….part: …` shortened to `DIRECTORY: …`.
private func withoutTemporaryName(_ reason: String) -> String {
    guard let start = reason.firstRange(of: "/.cai-"),
        let end = reason[start.upperBound...].firstRange(of: ": ")
    else { return reason }
    return String(reason[..<start.lowerBound] + reason[end.lowerBound...])
}
