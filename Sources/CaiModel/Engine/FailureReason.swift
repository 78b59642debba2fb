extension Outcome {
    /// Why the step was not carried out; nil when it was, or would be. The name of a copy in the making is left out,
    /// because nobody will find it: its directory stands for it.
    package var reason: String? {
        switch result {
        case .done, .planned: nil
        case .failed(let reason), .refused(let reason), .skipped(let reason): withoutTemporaryName(reason)
        }
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
