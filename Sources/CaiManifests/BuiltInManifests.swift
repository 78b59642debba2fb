package import CaiModel

/// The manifests that are part of the binary; the files stand beside this one. They were checked and read when it was built.
package enum BuiltInManifests {
    /// The files in the byte order of their names, named `built-in/NAME` in findings.
    package static var files: [ManifestFile] {
        builtInManifestTexts.map { ManifestFile(name: $0.name, layer: .builtIn, bytes: $0.bytes) }
    }

    /// The declarations of each file, in the order in which manifests are combined.
    package static let contents = builtInContents()

    /// All of them combined, without others.
    package static let alone = builtInSet()
}
