/// The forms that an export can have.
package enum ArchiveFormat: String, CaseIterable, Sendable {
    case tgz
    case zstd = "tar.zst"

    /// What a file's name says about its form; nil when nothing.
    package init?(name: String) {
        if [".tgz", ".tar.gz"].contains(where: name.hasSuffix) {
            self = .tgz
        } else if [".tar.zst", ".tzst"].contains(where: name.hasSuffix) {
            self = .zstd
        } else {
            return nil
        }
    }
}
