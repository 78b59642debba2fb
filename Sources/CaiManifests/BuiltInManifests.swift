package import CaiModel

/// The manifests that are part of the binary; the files stand beside this one and were checked when it was built.
package enum BuiltInManifests {
    /// The files in the byte order of their names, named `built-in/NAME` in findings.
    package static var files: [ManifestFile] {
        builtInManifestTexts.map {
            ManifestFile(name: "built-in/" + $0.name, layer: .builtIn, bytes: $0.bytes)
        }
    }

    /// What they say, read once and in the order in which manifests are combined.
    package static let contents = ManifestSet.ordered(files).map(ManifestReader.read)

    /// What they come to without others.
    package static let alone = ManifestSet(combining: contents)
}
