package import SystemPackage

/// A directory of an index and what is in it, as text. What did not change has the same text.
package struct PushBlock: Sendable, Equatable {
    package let path: FilePath
    package let text: [UInt8]
    /// How many records it has: the directory's own, which is the first, and those of what is in it.
    package let count: Int
    /// The digest of its text, for who may know it by that; nil where that is not worth while.
    package let digest: ContentDigest?

    package init(path: FilePath, text: [UInt8], count: Int, digest: ContentDigest? = nil) {
        self.path = path
        self.text = text
        self.count = count
        self.digest = digest
    }

    /// What its records say. Throws `PushIndexProblem` for a text that is none.
    package func records() throws(PushIndexProblem) -> [PushIndex.Kind] { try PushIndex(PushIndex.head + text).records }
}
