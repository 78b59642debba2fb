import CaiModel
import CaiPlatform
import Crypto
import SystemPackage

/// `.containai/baseline` and `.containai/baseline-changes`: what `cai` last wrote, by path on the volume.
///
/// The second holds what was written since the first was, so that a run that writes one file of ten thousand does not write
/// ten thousand records. Each is replaced as a whole; changes that belong to another base are none.
struct BaselineStore {
    private static let base: FilePath.Component = "baseline"
    private static let changes: FilePath.Component = "baseline-changes"
    static let largest = 512 << 20
    /// What changes may always take, and the part of the base's size that they may. Above it the base is written anew.
    private static let changesLimit = (bytes: 64 << 10, part: 8)

    let volume: Tree

    /// A baseline that holds nothing, with a new random key.
    static func empty() -> Baseline {
        baseline(BaselineText(key: SymmetricKey(size: .bits128).withUnsafeBytes { hexadecimal($0) }), nil)
    }

    private static func baseline(_ base: BaselineText, _ changes: BaselineText?) -> Baseline {
        let isRecent = changes?.key == base.key && changes?.generation == base.generation
        let recent = isRecent ? changes : nil
        let key = SymmetricKey(data: Array(base.key.utf8))
        return Baseline(base: base, recent: recent ?? BaselineText(key: base.key, generation: base.generation)) {
            hexadecimal(HMAC<SHA256>.authenticationCode(for: $0, using: key).prefix(8))
        }
    }

    /// Reads the baseline. One that is missing is empty; one that is garbage is empty too, with a finding: decisions then
    /// rest on content and times alone, and nothing is lost by it. Throws `UnreadableBaseline` when the machine refuses to
    /// read it: nothing may be decided as if it were not there.
    func load(_ findings: inout [Finding]) throws -> Baseline {
        guard let base = try read(Self.base, &findings) else { return Self.empty() }
        return Self.baseline(base, try read(Self.changes, &findings))
    }

    private func read(_ name: FilePath.Component, _ findings: inout [Finding]) throws -> BaselineText? {
        do {
            let directory = try volume.directory(StateDirectory.path)
            let bytes = try directory.openFile(name).readAll(limit: Self.largest, directory.label.appending(name))
            if let text = BaselineText(bytes) { return text }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch let error as SystemCallError where !Self.garbage.contains(error.errno) {
            throw UnreadableBaseline(reason: error.description)
        } catch {}  // something that is no file of ours
        findings.append(
            Finding(
                .warning, at: StateDirectory.path.appending(name).string,
                "cannot be read and was ignored; conflicts are decided by content and time only",
                advice: "nothing to do: the next run that moves data writes a new one"))
        return nil
    }

    /// Writes what changed in the baseline, and what a run wrote since, atomically.
    func save(_ baseline: Baseline, with written: BaselineText? = nil) throws {
        // The digests in what was written are made with its key.
        let base = baseline.base.isEmpty ? baseline.base.with(key: written?.key ?? baseline.base.key) : baseline.base
        var changes = baseline.recent
        if !baseline.changes.isEmpty {
            let new = BaselineText(key: base.key, generation: base.generation, baseline.changes)
            changes = changes.merged(with: new, generation: base.generation, keepingForgotten: true)
        }
        if let written {
            changes = changes.merged(with: written, generation: base.generation, keepingForgotten: true)
        }
        let directory = try volume.makeDirectories(StateDirectory.path, mode: 0o700)
        let state = StateDirectory(volume: volume)
        if !base.isEmpty, changes.size <= max(Self.changesLimit.bytes, base.size / Self.changesLimit.part) {
            return try state.replace(Self.changes, in: directory, with: changes.with(key: base.key).pieces)
        }
        let whole = base.merged(with: changes, generation: base.generation + 1, keepingForgotten: false)
        try state.replace(Self.base, in: directory, with: whole.pieces)
        // Where they stay, nobody reads them: they are of another generation now.
        try? directory.unlink(Self.changes)
    }

    /// What opening and reading say of something that is no file of ours.
    private static let garbage: [Errno] = [
        .tooManySymbolicLinkLevels, .notSupported, .isDirectory, .notDirectory, .fileTooLarge,
    ]
}

/// The baseline is there, but the machine refuses to read it.
struct UnreadableBaseline: Error, CustomStringConvertible {
    let reason: String
    var description: String {
        "cannot read what was last written: \(reason); run again, or remove the file to decide by content and time alone"
    }
}
