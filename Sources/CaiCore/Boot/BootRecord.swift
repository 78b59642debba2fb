package import CaiModel
package import CaiPlatform
import FoundationEssentials
package import SystemPackage

/// `boot.json` in the state directory: what the last boot did, for `cai status`.
package struct BootRecord: Sendable {
    private static let name: FilePath.Component = "boot.json"
    private static let largest = 4 << 20

    private let root: Directory
    private let path: FilePath

    /// The record of the machine below `root`, in the directory that `state_directory` names.
    package init(root: Directory, stateDirectory: FilePath) {
        self.root = root
        path = stateDirectory
    }

    /// Replaces the record atomically: 0644, in a directory that is made with 0755 where it is missing. It never throws:
    /// where it cannot be written, on a read-only `/run` for instance, there is a finding.
    package func write(_ report: BootReport) -> Finding? {
        do {
            let bytes = Array(try report.json().utf8) + [0x0A]
            try StateDirectory.replace(Self.name, in: try makeDirectory(path), with: bytes, mode: 0o644)
            return nil
        } catch {
            return Finding(
                .warning, at: path.appending(Self.name).printable,
                "the record of this boot cannot be written: \(error.sentence)",
                advice: "mount a tmpfs on /run, or set state_directory to a directory that can be written")
        }
    }

    /// Reads the record; nil when there is none. Throws when it cannot be read.
    package func read() throws -> BootReport? {
        guard let bytes = try root.readFileInRoot(path.appending(Self.name), limit: Self.largest) else { return nil }
        return try JSONDecoder().decode(BootReport.self, from: Data(bytes))
    }

    private func makeDirectory(_ path: FilePath) throws -> Directory {
        do {
            return try root.openInRoot(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            guard let name = path.lastComponent else { throw error }
            return try makeDirectory(path.removingLastComponent()).makeOrOpenDirectory(name, mode: 0o755)
        }
    }
}
