import SystemPackage

/// What to write where so that a path persists: one line, ready to copy, for each way of running a container.
package struct PersistenceFix: Hashable, Sendable, Codable {
    /// An option of `docker run` and `podman run`.
    package let docker: String
    /// An entry of the service's `volumes:`; a named volume also needs `composeVolume` below the file's own `volumes:`.
    package let compose: String
    package let composeVolume: String?
    /// An entry of the container's `volumeMounts:`, and of the pod's `volumes:`.
    package let kubernetesMount: String
    package let kubernetesVolume: String
    /// A Railway command; nil for a path that is not the one to choose: Railway gives a service one volume.
    package let railway: String?

    enum CodingKeys: String, CodingKey {
        case docker, compose, railway
        case composeVolume = "compose_volume"
        case kubernetesMount = "kubernetes_mount"
        case kubernetesVolume = "kubernetes_volume"
    }

    /// The fix for a path, with the engine's volume that is mounted there already when only its options are wrong; nil for
    /// a path that cannot be written on one line.
    package init?(for wanted: PersistentPath, keeping mounted: String? = nil) {
        let path = wanted.path.string
        guard FilePath(path) == wanted.path,
            !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        let name = wanted.volume
        kubernetesMount = "- {name: \(name), mountPath: \(yaml(path))}"
        kubernetesVolume = "- {name: \(name), persistentVolumeClaim: {claimName: \(name)}}"
        railway = wanted.isPrimary ? "railway volume add --mount-path \(shell(path))" : nil
        let hasColon = path.contains(":")
        switch mounted.map(PersistentPath.Storage.volume) ?? wanted.storage {
        case .volume(let name):
            docker = hasColon ? long("volume", "src=\(name)", path) : "-v \(name):\(shell(path))"
            compose =
                hasColon
                ? "- {type: volume, source: \(name), target: \(composed(path))}" : "- \(composed("\(name):\(path)"))"
            composeVolume = mounted == nil ? "\(name): {}" : "\(name): {external: true}"
        case .workingDirectory:
            docker = hasColon ? long("bind", "src=\"$PWD\"", path) : "-v \"$PWD\":\(shell(path))"
            compose =
                hasColon
                ? "- {type: bind, source: ., target: \(composed(path))}" : "- \(composed(".:\(path)"))"
            composeVolume = nil
        }
    }
}

/// The `--mount` form: its fields are a line of CSV, so a path may hold colons and commas.
private func long(_ type: String, _ source: String, _ path: String) -> String {
    let field = "dst=\(path)"
    let quoted = field.contains(where: { $0 == "," || $0 == "\"" })
    let target =
        quoted
        ? "\"\(field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\"" : field
    return "--mount type=\(type),\(source),\(shell(target))"
}

/// A word for a shell, quoted only where it has to be.
private func shell(_ word: String) -> String {
    if isPlain(word) { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// A YAML scalar, quoted only where it has to be.
private func yaml(_ text: String) -> String {
    if isPlain(text) { return text }
    var result = "\""
    for character in text { result += character == "\"" || character == "\\" ? "\\\(character)" : String(character) }
    return result + "\""
}

/// A YAML scalar of a compose file, where `$` begins a variable.
private func composed(_ text: String) -> String {
    yaml(text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
}

/// Whether neither a shell nor YAML sees anything in the text but its letters.
func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
            || "/._-+:=".utf8.contains(byte)
    } && !text.isEmpty && text.utf8.last != UInt8(ascii: ":")
}
