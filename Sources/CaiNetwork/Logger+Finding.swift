package import CaiModel
package import Logging

extension Logger {
    /// Tells a finding at its severity.
    package func log(_ finding: Finding) {
        let level: Level =
            switch finding.severity {
            case .note: .notice
            case .warning: .warning
            case .error: .error
            }
        log(level: level, "\(finding.told)")
    }
}
