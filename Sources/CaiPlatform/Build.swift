import CPlatform

/// What this binary is: fixed when it was built.
package enum Build {
    package static let version = "0.1.0"
    /// The commit it was built from; a trailing `+` means with uncommitted changes.
    package static var commit: String { String(cString: cai_build_commit()) }
    /// The UTC date of the build, or "unknown" for a build that was not told.
    package static var date: String { String(cString: cai_build_date()) }
    package static var isStatic: Bool { cai_is_static() != 0 }
}

/// Puts the environment back as it was before the start-up code ran; call it first in main.
package func restoreEnvironment() { cai_boot_restore_environment() }
