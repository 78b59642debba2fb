import CaiModel
import CaiPlatform

/// The predecessors' line kinds: talk goes to standard error, answers to standard output.
enum Talk {
    static func line(_ text: String) { StandardError.write(text + "\n") }
    static func info(_ text: String) { line("[INFO] \(text)") }
    static func ok(_ text: String) { line("[OK] \(text)") }
    static func warn(_ text: String) { line("[WARN] \(text)") }
    static func error(_ text: String) { line("[ERROR] \(text)") }

    /// A finding with its advice, as `[WARN] place: sentence`; notes as `[NOTICE]`.
    static func finding(_ finding: Finding) { line(text(finding)) }

    /// The line for a finding.
    static func text(_ finding: Finding) -> String {
        let kind = finding.severity == .error ? "ERROR" : finding.severity == .warning ? "WARN" : "NOTICE"
        return "[\(kind)] \(finding.told)"
    }
}
