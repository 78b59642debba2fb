import CaiModel
import CaiPlatform
import SystemPackage

/// What does not leave this machine when secrets are to stay: what an import without secrets would leave out.
extension PushSource {
    /// How much of a file travels.
    enum Disclosure {
        case whole
        case part([UInt8])
        case nothing
    }

    private static var zshFiles: [FilePath] { [".zshenv", ".zprofile", ".zshrc"] }

    func disclosure(_ number: Int) -> Disclosure {
        guard options.withoutSecrets, case .file(_, let file) = index.records[number] else { return .whole }
        let path = shown(number)
        if arrangement == .home, Self.zshFiles.contains(path) {
            return bytes(number).map { .part(SecretStripping.shell($0).bytes) } ?? .nothing
        }
        guard let place = selection?.target(of: path) else { return .whole }
        let isPlain = selection?.isPlain(place.target) ?? false
        if place.isSecret || !isPlain && isSecret(number, path, place.target, file) { return .nothing }
        guard let kind = SecretStripping.Kind(place.target) else { return .whole }
        guard let stripped = bytes(number).flatMap({ kind.strip($0) }) else {
            findings.append(
                Finding(
                    .warning, at: path.printable,
                    "was not pushed: it cannot be read, so that nobody knows whether it holds secrets",
                    advice: "correct it, or push without --no-secrets"))
            return .nothing
        }
        return stripped.count == 0 ? .whole : .part(stripped.bytes)
    }

    private func isSecret(_ number: Int, _ path: FilePath, _ target: VolumePath, _ file: PushIndex.File) -> Bool {
        if isSecretByName(target.relative) || isSecretByName(path) { return true }
        guard file.size > 64, file.size < 1 << 20, let (directory, name) = try? source.tree.parent(of: real(number)),
            let open = try? directory.openFile(name), let head = try? open.readHead(4096, directory.label)
        else { return false }  // what cannot be read does not travel either
        return isSecretByContent(head)
    }

    private func bytes(_ number: Int) -> [UInt8]? {
        try? source.tree.readFile(real(number), limit: ImportObserver.largestDocument)  // unreadable: nothing travels
    }
}
