/// Where the program of a command may be (execvp(3)).
package enum CommandSearch {
    /// What is searched where the environment has no `PATH`.
    package static let usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The paths to try for a name, in order: the name itself when there is a slash in it or nothing at all, else the name
    /// below every directory of the search path, of which an empty one is the working directory.
    ///
    /// None begins with a dash, which a shell that is to run the file as a script would take for an option.
    package static func candidates(for name: [UInt8], path: [UInt8]?) -> [[UInt8]] {
        guard !name.isEmpty, !name.contains(slash) else { return [withoutDash(name)] }
        let directories = (path ?? Array(usualPath.utf8)).split(
            separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return directories.map { withoutDash(($0.isEmpty ? [UInt8(ascii: ".")] : Array($0)) + [slash] + name) }
    }

    private static let slash = UInt8(ascii: "/")

    private static func withoutDash(_ path: [UInt8]) -> [UInt8] {
        path.first == UInt8(ascii: "-") ? [UInt8(ascii: "."), slash] + path : path
    }
}
