import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// `services.json` in the state directory: what `cai health` reads of the services.
///
/// It is written by process 1 itself, without waiting for a disk, and only into a directory of its own in which nobody else
/// may write.
struct ServiceRecord {
    private let directories: [FilePath]

    /// The record in the first of these directories that can be written.
    init(in directories: [FilePath]) { self.directories = directories }

    /// Replaces the record. Where that does not work there is none, which `cai health` tells.
    func write(_ states: [ServiceState]) {
        _ = directories.contains { Self.write(Array(Self.text(states).utf8), in: $0) }
    }

    private static func write(_ text: [UInt8], in path: FilePath) -> Bool {
        guard let directory = OwnDirectory.open(path) else { return false }
        let part = "services.json.part"
        unlinkat(directory.raw, part, 0)
        let file = Descriptor(
            owning: cai_openat(directory.raw, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644))
        guard file.raw >= 0, fchmod(file.raw, 0o644) == 0, Glibc.write(file.raw, text, text.count) == text.count else {
            unlinkat(directory.raw, part, 0)
            return false
        }
        return renameat(directory.raw, part, directory.raw, "services.json") == 0
    }

    /// The document, on one line. Names are letters, digits and three other characters.
    static func text(_ states: [ServiceState]) -> String {
        let services = states.map { state in
            let code = state.code.map { ",\"code\":\($0)" } ?? ""
            return "{\"name\":\"\(state.name)\",\"state\":\"\(state.phase.rawValue)\",\"ready\":\(state.isReady),"
                + "\"essential\":\(state.isEssential),\"restarts\":\(state.restarts)\(code)}"
        }
        return "{\"schema\":1,\"services\":[\(services.joined(separator: ","))]}\n"
    }
}
