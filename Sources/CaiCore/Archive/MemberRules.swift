import CaiModel
import CaiPlatform
import SystemPackage

/// What a member may be called and be, decided from names alone.
struct MemberRules {
    let archive: FilePath
    let limits: ArchiveLimits

    /// The path of a member below the staging directory: `.` left out, empty for the root itself. Throws `ArchiveProblem`
    /// for one that leads elsewhere, is too long or too deep, or, unless `isListed` by a manifest, holds control characters.
    func path(of name: FilePath, isListed: Bool = false) throws -> FilePath {
        if name.isAbsolute { throw refusal(name, "has an absolute name") }
        if name.components.contains(where: { $0.kind == .parentDirectory }) {
            throw refusal(name, "has \"..\" in its name")
        }
        let path = FilePath(root: nil, name.components.filter { $0.kind == .regular })
        if path.length > limits.pathBytes {
            throw refusal(name, "has a name of more than \(limits.pathBytes) bytes", raising: .archivePathBytes)
        }
        if path.components.count > limits.depth {
            throw refusal(name, "lies deeper than \(limits.depth) directories", raising: .archiveDepth)
        }
        if path.components.contains(where: { $0.bytes.count > 255 }) {
            throw refusal(name, "has a name longer than 255 bytes, which no directory can hold")
        }
        if !isListed, path.hasControlCharacter { throw refusal(name, "has a control character in its name") }
        return path
    }

    /// An error about a member, with the setting that would let it pass.
    func refusal(_ name: FilePath?, _ reason: String, raising key: SettingKey? = nil) -> ArchiveProblem {
        let advice = key.map { "if that is right, raise \($0.rawValue) in agent.toml or \($0.environmentName)" }
        return ArchiveProblem(archive: archive, member: name, reason, advice: advice)
    }
}

extension FilePath {
    fileprivate var hasControlCharacter: Bool {
        withPlatformString { start in
            UnsafeBufferPointer(start: start, count: length).contains { (0..<0x20).contains($0) || $0 == 0x7F }
        }
    }
}
