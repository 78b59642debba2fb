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

    func disclosure(_ item: Item, _ file: PushIndex.File) -> Disclosure {
        guard options.withoutSecrets else { return .whole }
        let path = item.path
        if arrangement == .home, Self.zshFiles.contains(path) {
            return bytes(item.real).map { .part(SecretStripping.shell($0).bytes) } ?? .nothing
        }
        guard let place = selection?.target(of: path) else { return .whole }
        let isPlain = selection?.isPlain(place.target) ?? false
        if place.isSecret || !isPlain && isSecret(item, place.target, file) { return .nothing }
        guard let kind = SecretStripping.Kind(place.target) else { return .whole }
        guard let stripped = bytes(item.real).flatMap({ kind.strip($0) }) else {
            findings.append(
                Finding(
                    .warning, at: path.printable,
                    "was not pushed: its format cannot be read, so that it may hold secrets",
                    advice: "correct it, or push without --no-secrets"))
            return .nothing
        }
        return stripped.count == 0 ? .whole : .part(stripped.bytes)
    }

    private func isSecret(_ item: Item, _ target: VolumePath, _ file: PushIndex.File) -> Bool {
        if isSecretByName(target.relative) || isSecretByName(item.path) { return true }
        guard file.size > 64, file.size < 1 << 20, let (directory, name) = try? source.tree.parent(of: item.real),
            let open = try? directory.openFile(name), let head = try? open.readHead(4096, directory.label)
        else { return false }  // what cannot be read does not travel either
        return isSecretByContent(head)
    }

    private func bytes(_ real: FilePath) -> [UInt8]? {
        try? source.tree.readFile(real, limit: ImportObserver.largestDocument)  // unreadable: nothing travels
    }
}
