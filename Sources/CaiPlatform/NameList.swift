import Glibc
package import SystemPackage

/// The names in a directory, packed and in the order of their bytes, for directories that may hold very many.
package struct NameList: Sendable {
    private var bytes: [CChar] = []
    private var starts: [UInt32] = []

    package var indices: Range<Int> { starts.indices }

    /// Calls `body` with a name as the kernel gave it.
    package func withName<Result, Failure: Error>(
        at index: Int, _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = Int(starts[index])
        func call(_ bytes: UnsafePointer<CChar>) throws(Failure) -> Result { try body(bytes + start) }
        return try call(bytes)
    }

    /// The bytes of a name, which are there only as long as `body` runs.
    package func withBytes<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withName(at: index) { body(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }

    package func name(at index: Int) -> FilePath.Component? {
        withName(at: index) { FilePath.Component(platformString: $0) }
    }

    fileprivate mutating func append(_ name: UnsafePointer<CChar>) {
        starts.append(UInt32(bytes.count))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name, count: strlen(name) + 1))
    }

    fileprivate mutating func sort() {
        bytes.withUnsafeBufferPointer { bytes in
            guard let first = bytes.baseAddress else { return }
            starts.sort { strcmp(first + Int($0), first + Int($1)) < 0 }
        }
    }
}

extension Directory {
    /// The names in this directory without `.` and `..`.
    package func nameList() throws(SystemCallError) -> NameList {
        var list = NameList()
        try forEachName { name in
            if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { list.append(name) }
        }
        list.sort()
        return list
    }

    /// Facts about an entry; nil when there is none. The name has no slash.
    package func status(named name: UnsafePointer<CChar>) throws(SystemCallError) -> FileStatus? {
        try statusResult(name).get()
    }
}
