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

    /// What was written, but for what `recent` says.
    package let base: BaselineText
    /// What was written or removed since `base` was.
    package let recent: BaselineText
    /// What is neither in `base` nor in `recent` yet.
    package private(set) var changes: [VolumePath: BaselineText.Record] = [:]
    /// The digest that `File.keys` are made with: keyed, so that no value can be guessed from it elsewhere.
    package let keyDigest: @Sendable ([UInt8]) -> String

    package init(base: BaselineText, recent: BaselineText, keyDigest: @escaping @Sendable ([UInt8]) -> String) {
        self.base = base
        self.recent = recent
        self.keyDigest = keyDigest
    }

    /// One that holds nothing, for who decides without.
    package init(keyDigest: @escaping @Sendable ([UInt8]) -> String) {
        let nothing = BaselineText(key: "")
        self.init(base: nothing, recent: nothing, keyDigest: keyDigest)
    }

    package subscript(path: VolumePath) -> File? {
        get {
            guard case .file(let file)? = changes[path] ?? recent[path] ?? base[path] else { return nil }
            return file
        }
        set {
            if newValue != self[path] { changes[path] = newValue.map { .file($0) } ?? .forgotten }
        }
    }
}
