package import SystemPackage

/// A path of the home that the configuration adds to an import (predecessors 1.8).
package struct AdditionalPath: Sendable, Hashable {
    package let source: HomePath

    /// The path without the dot of a dot file: `.config/x` goes to `config/x`.
    package var target: VolumePath {
        let names = source.relative.components
        guard let first = names.first else { return VolumePath(unchecked: source.relative) }
        let plain = first.string.hasPrefix(".") ? FilePath.Component(String(first.string.dropFirst())) : first
        return VolumePath(unchecked: FilePath(root: nil, [plain ?? first] + names.dropFirst()))
    }

    package init(source: HomePath) { self.source = source }

    /// Reads `~/…` or an absolute path below one of `homes`, by its text alone. Throws the end of a sentence that begins
    /// with the name of the setting.
    package init(_ text: String, homes: [FilePath]) throws(AdditionalPathProblem) {
        if text.isEmpty { throw AdditionalPathProblem("is empty") }
        if text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
            throw AdditionalPathProblem("contains a line break")
        }
        if text.utf8.contains(0) { throw AdditionalPathProblem("contains a NUL character") }
        let relative: FilePath
        if text == "~" || text == "~/" { throw AdditionalPathProblem("is the home directory itself") }
        if text.hasPrefix("~/") {
            relative = FilePath(String(text.dropFirst(2)))
        } else if text.hasPrefix("~") {
            throw AdditionalPathProblem("names another user's home")
        } else {
            let path = FilePath(text).lexicallyNormalized()
            guard path.isAbsolute else { throw AdditionalPathProblem("is relative; it begins with ~/ or /") }
            guard let home = homes.first(where: { path.starts(with: $0.lexicallyNormalized()) }) else {
                throw AdditionalPathProblem("lies outside the home directory")
            }
            relative = FilePath(root: nil, path.components.dropFirst(home.lexicallyNormalized().components.count))
        }
        let inside = FilePath(root: nil, relative.components).lexicallyNormalized()
        if inside.isEmpty { throw AdditionalPathProblem("is the home directory itself") }
        if inside.components.first?.kind == .parentDirectory {
            throw AdditionalPathProblem("lies outside the home directory")
        }
        source = HomePath(unchecked: inside)
        if target.isReserved { throw AdditionalPathProblem("would lie where cai keeps its own records") }
    }
}

extension AdditionalPath {
    /// Where the links of additional paths are declared, so that every repair looks after them.
    package static var manifest: VolumePath { VolumePath(unchecked: "containai/manifests/90-additional-paths.toml") }
}

extension Entry {
    /// Whether it is declared because a configuration added it: whether it is imported, that says.
    package var isAdditional: Bool { location.file.hasSuffix("/" + AdditionalPath.manifest.relative.string) }
}

/// Why a path is not added.
package struct AdditionalPathProblem: Error, Equatable, Sendable {
    package let sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}
