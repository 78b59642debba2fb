import CPlatform
import Glibc
package import SystemPackage

/// What a copy of one file was made from, and what could not be kept.
package struct CopiedFile: Sendable {
    /// The source exactly as it was copied: it did not change while it was read.
    package let source: FileStatus
    /// Attributes the destination refused to hold.
    package let lostAttributes: [String]
}

extension Directory {
    /// Copies a regular file to a name that must not exist: content with its holes, mode, times and extended attributes.
    ///
    /// `mode` makes the copy's mode from the source's. The source is read again until it did not change meanwhile (five
    /// times, then EBUSY). `each` sees every piece of the content in order, holes as zeros, and is told when reading starts over.
    /// The copy is not yet durable unless `durable`; on an error it is removed again.
    package func copyFile(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component,
        mode: (UInt16) -> UInt16 = { $0 }, durable: Bool, restart: () -> Void = {},
        each: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(SystemCallError) -> CopiedFile {
        let copy = try copyFile(
            name, to: directory, newName, mode: mode, durable: durable, isWanted: { _ in true }, restart: restart,
            each: each)
        if let copy { return copy }
        throw SystemCallError("copy", label.appending(name).printed, .resourceBusy)  // every file is wanted
    }

    /// The same for a file that `isWanted` by its facts; nil, and no copy, for any other.
    package func copyFile(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component,
        mode: (UInt16) -> UInt16, durable: Bool, isWanted: (FileStatus) -> Bool, restart: () -> Void,
        each: (UnsafeRawBufferPointer) -> Void
    ) throws(SystemCallError) -> CopiedFile? {
        let from = label.appending(name)
        for _ in 0..<5 {
            let source = try openAnything(name)
            guard isWanted(try source.status(from)) else { return nil }
            restart()
            if let copy = try source.copyOnce(from, to: directory, newName, mode: mode, durable: durable, each: each) {
                return copy
            }
        }
        throw SystemCallError("copy", "\(from.printed), which changes while it is read", .resourceBusy)
    }
}

extension Descriptor {
    /// Copies an open regular file from its beginning, as `Directory.copyFile` does; it needs no name any more. `from` names
    /// it in errors.
    package func copyFile(
        _ from: FilePath, to directory: Directory, _ newName: FilePath.Component, mode: (UInt16) -> UInt16 = { $0 },
        durable: Bool, restart: () -> Void = {}, each: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(SystemCallError) -> CopiedFile {
        for _ in 0..<5 {
            try rewind(from)
            restart()
            if let copy = try copyOnce(from, to: directory, newName, mode: mode, durable: durable, each: each) {
                return copy
            }
        }
        throw SystemCallError("copy", "\(from.printed), which changes while it is read", .resourceBusy)
    }

    /// Copies it once; nil, and no copy, when it changed meanwhile.
    fileprivate func copyOnce(
        _ from: FilePath, to directory: Directory, _ newName: FilePath.Component, mode: (UInt16) -> UInt16,
        durable: Bool, each: (UnsafeRawBufferPointer) -> Void
    ) throws(SystemCallError) -> CopiedFile? {
        let to = directory.label.appending(newName)
        let before = try status(from)
        if before.kind != .regular { throw SystemCallError("open", from.printed, .notSupported) }
        try WorkBudget.check(from, size: before.size)
        let copy = try directory.createPrivateFile(newName)
        do {
            try copyContent(of: self, before, to: copy, from, to, each)
            if try status(from).hasSameContentFacts(as: before) {
                let lost = try transferAttributes(of: self, to: copy, from, to)
                try copy.keepMode(mode(before.mode), to)
                try copy.keepTimes(accessed: before.accessed, modified: before.modified, to)
                if durable { try copy.sync(to) }
                try copy.close()
                return CopiedFile(source: before, lostAttributes: lost)
            }
        } catch {
            try? directory.unlink(newName)  // the copy holds nothing that the source does not
            throw error
        }
        try directory.unlink(newName)
        return nil
    }
}

extension Directory {
    /// Gives a directory the extended attributes of this one, access lists included; returns the names of those that it
    /// cannot hold.
    package func copyAttributes(to directory: Directory) throws(SystemCallError) -> [String] {
        try transferAttributes(of: descriptor, to: directory.descriptor, label, directory.label)
    }
}

extension FileStatus {
    /// Whether the content cannot have changed between the two looks, as far as the file system records it.
    package func hasSameContentFacts(as other: FileStatus) -> Bool {
        isSameFile(as: other) && size == other.size && modified == other.modified
    }

    /// Whether a file has holes worth keeping.
    package var isSparse: Bool { allocated < size && size > 64 << 10 }
}

private func copyContent(
    of source: borrowing Descriptor, _ status: FileStatus, to copy: borrowing Descriptor, _ from: FilePath,
    _ to: FilePath, _ each: (UnsafeRawBufferPointer) -> Void
) throws(SystemCallError) {
    if status.isSparse { return try copySparse(source, status.size, copy, from, to, each) }
    let target = copy.raw
    try source.readChunks(from) { (chunk) throws(SystemCallError) in
        each(chunk)
        try writeAll(target, chunk, to)
    }
}

private func writeAll(_ raw: CInt, _ bytes: UnsafeRawBufferPointer, _ path: FilePath) throws(SystemCallError) {
    var rest = bytes
    while !rest.isEmpty {
        let written = try check("write", path.printed) { write(raw, rest.baseAddress, rest.count) }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
}

/// Copies data and keeps holes (lseek(2), SEEK_DATA and SEEK_HOLE).
private func copySparse(
    _ source: borrowing Descriptor, _ size: Int64, _ copy: borrowing Descriptor, _ from: FilePath, _ to: FilePath,
    _ each: (UnsafeRawBufferPointer) -> Void
) throws(SystemCallError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
    defer {
        buffer.deallocate()
        zeros.deallocate()
    }
    _ = zeros.initializeMemory(as: UInt8.self, repeating: 0)
    let size = Int(size)
    var position = 0
    while position < size {
        let data = source.nextData(from: position, size)
        var hole = data.lowerBound - position
        while hole > 0 {
            try WorkBudget.check(from)
            let piece = min(hole, zeros.count)
            each(UnsafeRawBufferPointer(rebasing: zeros[..<piece]))
            hole -= piece
        }
        position = data.lowerBound
        while position < data.upperBound {
            try WorkBudget.check(from)
            let want = min(data.upperBound - position, buffer.count)
            let count = try check("read", from.printed) { pread(source.raw, buffer.baseAddress, want, position) }
            if count == 0 { throw SystemCallError("read", from.printed, .resourceBusy) }
            each(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            var done = 0
            while done < count {
                done += try check("write", to.printed) {
                    pwrite(copy.raw, buffer.baseAddress.map { $0 + done }, count - done, position + done)
                }
            }
            position += count
        }
    }
    _ = try check("truncate", to.printed) { ftruncate(copy.raw, size) }
}

extension Descriptor {
    /// The first range of data at or behind a place (lseek(2), SEEK_DATA and SEEK_HOLE); empty, at the end, when there is
    /// none. Where the file system does not tell, everything is data.
    fileprivate func nextData(from position: Int, _ size: Int) -> Range<Int> {
        var data = lseek(raw, position, SEEK_DATA)
        if data < 0 { data = currentErrno == ENXIO ? size : position }
        if data >= size { return size..<size }
        let end = lseek(raw, data, SEEK_HOLE)
        return data..<(end < 0 ? size : min(end, size))
    }

    /// The ranges of a file of that size that hold data. The place of the next read moves.
    package func dataRanges(size: Int64) -> [Range<Int64>] {
        var ranges: [Range<Int64>] = []
        var position = 0
        while position < Int(size) {
            let data = nextData(from: position, Int(size))
            if !data.isEmpty { ranges.append(Int64(data.lowerBound)..<Int64(data.upperBound)) }
            position = data.upperBound
        }
        return ranges
    }

    /// The attributes that a copy keeps, access lists included; those of the kernel's security and trusted classes are left
    /// to it.
    package func keptAttributes(_ path: FilePath) throws(SystemCallError) -> [(name: String, value: [UInt8])] {
        var unread: [String] = []
        return try keptAttributes(path, unread: &unread)
    }

    /// The same; `unread` gets the names of those that may not be read.
    func keptAttributes(
        _ path: FilePath, unread: inout [String]
    ) throws(SystemCallError) -> [(name: String, value: [UInt8])] {
        var kept: [(name: String, value: [UInt8])] = []
        for name in try attributeNames(path) where name.hasPrefix("user.") || name.hasPrefix("system.posix_acl") {
            do {
                kept.append((name, try attribute(name, path)))
            } catch {
                guard error.isUnkept || error.errno == .noData else { throw error }
                unread.append(name)
            }
        }
        return kept
    }
}

/// Copies extended attributes, access lists included; returns the names of those the destination cannot hold.
private func transferAttributes(
    of source: borrowing Descriptor, to copy: borrowing Descriptor, _ from: FilePath, _ to: FilePath
) throws(SystemCallError) -> [String] {
    var lost: [String] = []
    for (name, value) in try source.keptAttributes(from, unread: &lost) {
        do {
            try copy.setAttribute(name, to: value, to)
        } catch {
            guard error.isUnkept || error.errno == .permissionDenied else { throw error }
            lost.append(name)
        }
    }
    return lost
}
