/// What `cai` last wrote, by path on the volume: the base of every three-way decision.
package struct Baseline: Sendable {
    /// One file as it was last written.
    package struct File: Sendable, Hashable, Codable {
        package let digest: ContentDigest
        package let size: Int64
        package let mode: UInt16
        /// For a JSON or TOML document: a keyed digest of the value at each key path.
        package let keys: [String: String]?
        /// What an import read in its source, where it wrote something else.
        package let source: ContentDigest?

        package init(
            digest: ContentDigest, size: Int64, mode: UInt16, keys: [String: String]? = nil,
            source: ContentDigest? = nil
        ) {
            self.digest = digest
            self.size = size
            self.mode = mode
            self.keys = keys
            self.source = source
        }
    }

    package private(set) var files: [VolumePath: File]
    /// The digest that `File.keys` are made with: keyed, so that no value can be guessed from it elsewhere.
    package let keyDigest: @Sendable ([UInt8]) -> String

    package init(files: [VolumePath: File] = [:], keyDigest: @escaping @Sendable ([UInt8]) -> String) {
        self.files = files
        self.keyDigest = keyDigest
    }

    package subscript(path: VolumePath) -> File? {
        get { files[path] }
        set { files[path] = newValue }
    }
}
