package import SystemPackage

/// Plain files of one directory of a source, which go to one directory of the volume under their own names.
///
/// They are packed, because an import may have a million of them: about forty bytes and the name for each. They are in the
/// order of the bytes of their names, in which they have to be added.
package struct PlainFiles: Sendable, Equatable {
    private struct Record: Sendable, Equatable {
        /// Where the name begins; it ends with a NUL.
        let name: UInt32
        let mode: UInt16
        let inode: UInt64
        let size: Int64
        let modified: Int64
    }

    /// Where they are, below the root of the source.
    package let directory: FilePath
    package let device: UInt64
    /// True if they lie in a secret directory, so that they become readable by their owner alone.
    package var isSecret: Bool
    private var names: [CChar] = []
    private var records: [Record] = []

    package init(in directory: FilePath, device: UInt64, isSecret: Bool) {
        self.directory = directory
        self.device = device
        self.isSecret = isSecret
    }

    /// None yet, of the same directory.
    package var emptied: PlainFiles { PlainFiles(in: directory, device: device, isSecret: isSecret) }

    package var isEmpty: Bool { records.isEmpty }
    package var count: Int { records.count }
    package var indices: Range<Int> { records.indices }
    package var byteCount: Int64 { records.reduce(0) { $0 + $1.size } }

    package mutating func append(_ name: UnsafePointer<CChar>, _ facts: FileFacts) {
        records.append(
            Record(
                name: UInt32(names.count), mode: facts.mode, inode: facts.inode, size: facts.size,
                modified: facts.modified))
        var next = name
        while next.pointee != 0 {
            names.append(next.pointee)
            next += 1
        }
        names.append(0)
    }

    /// Gives back what growing took too much of.
    package mutating func pack() {
        names = names.withUnsafeBufferPointer { names in
            Array(unsafeUninitializedCapacity: names.count) { $1 = $0.initialize(fromContentsOf: names) }
        }
        records = records.withUnsafeBufferPointer { records in
            Array(unsafeUninitializedCapacity: records.count) { $1 = $0.initialize(fromContentsOf: records) }
        }
    }

    /// Takes one out; those behind it move up.
    package mutating func remove(at index: Int) { records.remove(at: index) }

    /// Takes out those of which `isUnwanted` says so.
    package mutating func removeAll(where isUnwanted: (FilePath.Component) -> Bool) {
        let kept = indices.filter { index in !(name(at: index).map(isUnwanted) ?? false) }
        if kept.count < count { records = kept.map { records[$0] } }
    }

    package func withName<Result, Failure: Error>(
        at index: Int, _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = Int(records[index].name)
        func call(_ names: UnsafePointer<CChar>) throws(Failure) -> Result { try body(names + start) }
        return try call(names)
    }

    package func name(at index: Int) -> FilePath.Component? {
        withName(at: index) { FilePath.Component(platformString: $0) }
    }

    package func facts(at index: Int) -> FileFacts {
        let record = records[index]
        return FileFacts(
            device: device, inode: record.inode, size: record.size, mode: record.mode, modified: record.modified)
    }

    /// The mode that one gets.
    package func mode(at index: Int) -> UInt16 {
        Secrecy(isSecret: isSecret, isDirectory: true).mode(ofFile: records[index].mode & 0o777)
    }

    /// Where one of this name is; nil when there is none.
    package func index(of name: FilePath.Component) -> Int? {
        name.withPlatformString { wanted in
            var (low, high) = (0, count)
            while low < high {
                let middle = (low + high) / 2
                let order = withName(at: middle) { compare($0, wanted) }
                if order == 0 { return middle }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    /// Less than zero, zero or more, as the bytes of the first are before, like or behind those of the second.
    private func compare(_ first: UnsafePointer<CChar>, _ second: UnsafePointer<CChar>) -> Int {
        var (first, second) = (first, second)
        while first.pointee == second.pointee {
            if first.pointee == 0 { return 0 }
            first += 1
            second += 1
        }
        return Int(UInt8(bitPattern: first.pointee)) - Int(UInt8(bitPattern: second.pointee))
    }

    /// What becomes of one of them.
    package func content(at index: Int) -> PlacedContent {
        .copy(path(at: index), facts(at: index), mode: mode(at: index))
    }

    /// Where one of them is, below the root of the source.
    package func path(at index: Int) -> FilePath {
        name(at: index).map { directory.appending($0) } ?? directory
    }
}
