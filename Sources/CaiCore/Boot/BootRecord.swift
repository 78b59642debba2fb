package import CaiModel
import CaiPlatform
import FoundationEssentials
package import SystemPackage

/// `boot.json` in the state directory: what the last boot did, for `cai status`.
///
/// Where that directory cannot be written the record is in one of the fallbacks of `RuntimeDirectory`.
package struct BootRecord: Sendable {
    private static let name: FilePath.Component = "boot.json"
    private static let largest = 4 << 20

    private let place: RuntimeDirectory
    private var root: Directory { place.root }
    private var path: FilePath { place.path }
    private var fallbacks: [FilePath] { place.fallbacks }

    /// The record of a machine, in the directory that `state_directory` names or a fallback for it.
    package init(_ workplace: Workplace, environment: [String: String]) {
        place = RuntimeDirectory(workplace, environment: environment)
    }

    /// Where records may be, in the order in which they are looked for.
    package var directories: [FilePath] { [path] + fallbacks }

    /// Replaces the record atomically: 0644, in a directory that is made with 0755 where it is missing. It never throws:
    /// where it cannot be written there is a finding.
    package func write(_ report: BootReport) -> Finding? {
        do {
            let bytes = Array(try report.json().utf8) + [0x0A]
            do {
                try StateDirectory.replace(Self.name, in: try place.make(mode: 0o755), with: bytes, mode: 0o644)
            } catch {
                if !fallbacks.contains(where: { writes(bytes, below: $0) }) { throw error }
            }
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
        try read(Self.name).map { try decode($0, BootReport.self, Self.name) }
    }

    /// Reads what process 1 has written of its services; nil when there is nothing. Throws when it cannot be read.
    package func readServices() throws -> ServiceStates? {
        try read("services.json").map { try decode($0, ServiceStates.self, "services.json") }
    }

    private func read(_ name: FilePath.Component) throws -> [UInt8]? {
        if let bytes = try root.readFileInRoot(path.appending(name), limit: Self.largest) { return bytes }
        for fallback in fallbacks {
            // One that is not there, or not ours, has nothing to say.
            guard let directory = try? root.openInRoot(fallback), RuntimeDirectory.isOwn(directory),
                let file = try? directory.openFile(name)
            else { continue }
            return try file.readAll(limit: Self.largest, fallback.appending(name))
        }
        return nil
    }

    /// Whether there is a place where a record could be.
    package var canBeKept: Bool {
        var directory = path
        while !directory.removingLastComponent().isEmpty, directory != "/" {
            // One that is not there may be made if the one above can be written.
            if let found = try? root.openInRoot(directory) { return found.isWritable || isAnyFallbackWritable }
            directory.removeLastComponent()
        }
        return isAnyFallbackWritable
    }

    private var isAnyFallbackWritable: Bool {
        fallbacks.contains { fallback in
            // Where neither the directory nor the one above it is there, none can be made.
            let found = (try? root.openInRoot(fallback)) ?? (try? root.openInRoot(fallback.removingLastComponent()))
            return found?.isWritable == true
        }
    }

    private func decode<Value: Decodable>(
        _ bytes: [UInt8], _ type: Value.Type, _ name: FilePath.Component
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw DamagedRecord(path: path.appending(name))
        }
    }

    /// Writes the record to a fallback. Returns whether that went well; if not, the next one is tried.
    private func writes(_ bytes: [UInt8], below path: FilePath) -> Bool {
        guard let directory = place.makeFallback(path, mode: 0o755) else { return false }
        return (try? StateDirectory.replace(Self.name, in: directory, with: bytes, mode: 0o644)) != nil
    }
}

/// A record in the state directory that holds something else.
struct DamagedRecord: Error, CustomStringConvertible {
    let path: FilePath
    var description: String {
        "\(path.printable) is damaged, or was written by another program; the next start of the container writes it anew"
    }
}
