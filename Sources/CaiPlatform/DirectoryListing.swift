package import SystemPackage

/// What is in a directory with facts about each entry, in the order of the bytes of their names: for many thousands of
/// entries, without an object for each.
package struct DirectoryListing: Sendable {
    /// One entry. Times are nanoseconds since the epoch.
    package struct Entry: Sendable {
        package let kind: FileKind
        /// Permission bits with setuid, setgid and sticky: `0o7777`.
        package let mode: UInt16
        package let size: Int64
        package let modified: Int64
        fileprivate let number: Int
    }

    package private(set) var entries: [Entry] = []
    private let names: NameList

    /// Looks at a directory; what vanishes meanwhile is left out. Throws when the directory cannot be read, or an entry not
    /// be looked at.
    package init(_ directory: Directory) throws(SystemCallError) {
        names = try directory.nameList()
        entries.reserveCapacity(names.indices.count)
        for number in names.indices {
            let found = try names.withName(at: number) { name throws(SystemCallError) in
                try directory.status(named: name)
            }
            guard let found else { continue }
            entries.append(
                Entry(
                    kind: found.kind, mode: found.mode, size: found.size, modified: found.modified, number: number))
        }
    }

    /// The bytes of the name of an entry, which are there only as long as `body` runs.
    package func withName<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        names.withBytes(at: entry.number, body)
    }

    package func name(of entry: Entry) -> FilePath.Component? { names.name(at: entry.number) }
}
