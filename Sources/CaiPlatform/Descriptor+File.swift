import CPlatform
import Glibc
package import SystemPackage

extension Descriptor {
    /// Opens a file for reading as the kernel resolves its path: for what the caller of a command named.
    package init(opening path: FilePath) throws(SystemCallError) {
        self.init(
            owning: try check("open", path.printed) {
                path.withPlatformString { cai_openat(AT_FDCWD, $0, O_RDONLY | O_NOCTTY | O_CLOEXEC, 0) }
            })
    }

    /// Another handle on a file that this process was started with: 0 for standard input, 1 for standard output.
    package init(inherited number: CInt, _ path: FilePath) throws(SystemCallError) {
        self.init(owning: try check("open", path.printed) { cai_duplicate(number) })
    }

    /// Standard input, as a descriptor of its own.
    package static func standardInput() throws(SystemCallError) -> Descriptor {
        Descriptor(owning: try check("duplicate", "standard input") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
    }

    /// Facts about the open file. `path` names it in errors.
    package func status(_ path: FilePath) throws(SystemCallError) -> FileStatus {
        var result = stat()
        _ = try check("stat", path.printed) { fstat(raw, &result) }
        return FileStatus(result)
    }

    /// Sets exactly these permission bits.
    package func setMode(_ mode: UInt16, _ path: FilePath) throws(SystemCallError) {
        _ = try check("chmod", path.printed) { fchmod(raw, mode_t(mode)) }
    }

    /// Sets exactly these permission bits on a file that this process has made. A file system that keeps no modes (exFAT, Azure
    /// Files, many FUSE mounts) is no reason to lose the content: that is noted in `UnkeptFacts`.
    package func keepMode(_ mode: UInt16, _ path: FilePath) throws(SystemCallError) {
        do {
            try setMode(mode, path)
        } catch {
            guard error.isUnkept else { throw error }
            let found = try status(path).mode
            // Fewer rights for others than wanted are no loss.
            let isLoss = found & ~mode & 0o7777 != 0 || mode & ~found & 0o700 != 0
            if isLoss { UnkeptFacts.note(.mode(wanted: mode, found: found), path) }
        }
    }

    /// Sets the times of a file that this process has made, where the file system keeps them.
    package func keepTimes(accessed: Int64, modified: Int64, _ path: FilePath) throws(SystemCallError) {
        do {
            try setTimes(accessed: accessed, modified: modified, path)
        } catch {
            guard error.isUnkept else { throw error }
        }
    }

    /// Sets access and modification time, nanoseconds since the epoch.
    package func setTimes(accessed: Int64, modified: Int64, _ path: FilePath) throws(SystemCallError) {
        _ = try check("set times", path.printed) { cai_set_times(raw, accessed, modified) }
    }

    /// Gives the open file to somebody.
    package func setOwner(uid: UInt32, gid: UInt32, _ path: FilePath) throws(SystemCallError) {
        do {
            _ = try check("chown", path.printed) { fchown(raw, uid, gid) }
        } catch {
            let owned = try status(path)
            if (owned.uid, owned.gid) == (uid, gid) { return }
            guard error.errno == .notPermitted, owned.uid == uid, uid == geteuid(),
                cai_change_group(raw, "", gid, AT_EMPTY_PATH) == 0
            else { throw error }
        }
    }

    /// Makes content and metadata of this file durable. A file system that has nothing to flush for it says EINVAL or that it
    /// does not know the call (fsync(2)): FUSE, 9p and SMB do so for directories.
    package func sync(_ path: FilePath) throws(SystemCallError) {
        do {
            _ = try check("fsync", path.printed) { fsync(raw) }
        } catch {
            guard [.invalidArgument, .notSupported, .noFunction].contains(error.errno) else { throw error }
        }
    }

    /// Makes everything written so far to the whole file system of this descriptor durable: cheaper than one fsync for
    /// each of many files. Where a sandbox refuses that, all file systems are flushed (sync(2)).
    package func syncFileSystem(_ path: FilePath) throws(SystemCallError) {
        do {
            _ = try check("syncfs", path.printed) { syncfs(raw) }
        } catch {
            guard error.isUnkept else { throw error }
            Glibc.sync()
        }
    }

    /// Writes all bytes.
    package func write(_ bytes: UnsafeRawBufferPointer, _ path: FilePath) throws(SystemCallError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = try check("write", path.printed) { Glibc.write(raw, rest.baseAddress, rest.count) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }

    /// Writes all bytes.
    package func write(_ bytes: [UInt8], _ path: FilePath) throws(SystemCallError) {
        var start = 0
        while start < bytes.count {
            start += try check("write", path.printed) {
                bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress.map { $0 + start }, $0.count - start) }
            }
        }
    }

    /// Writes all bytes.
    package func write(_ bytes: ArraySlice<UInt8>, _ path: FilePath) throws(SystemCallError) {
        try bytes.withUnsafeBufferPointer { bytes throws(SystemCallError) in
            try write(UnsafeRawBufferPointer(bytes), path)
        }
    }

    /// Goes back to the beginning of the file.
    package func rewind(_ path: FilePath) throws(SystemCallError) {
        _ = try check("seek", path.printed) { lseek(raw, 0, SEEK_SET) }
    }

    /// Reads from here to the end, at most `limit` bytes; a longer file throws `.fileTooLarge`.
    package func readAll(limit: Int, _ path: FilePath) throws(SystemCallError) -> [UInt8] {
        // At once into memory of the right size, as far as the size is known; the rest piece by piece.
        let expected = min(Int(clamping: (try? status(path).size) ?? 0), limit)
        var failure: SystemCallError?
        var result = [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
            do throws(SystemCallError) {
                while count < buffer.count {
                    let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
                    let read = try read(into: rest, path)
                    if read == 0 { return }
                    count += read
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if result.count <= expected { return result }
        if result.count > limit { throw SystemCallError("read", path.printed, .fileTooLarge) }
        try readChunks(path) { (chunk) throws(SystemCallError) in
            if result.count + chunk.count > limit { throw SystemCallError("read", path.printed, .fileTooLarge) }
            result.append(contentsOf: chunk)
        }
        return result
    }

    /// Reads into a buffer, from where the last read ended; 0 at the end.
    package func read(into buffer: UnsafeMutableRawBufferPointer, _ path: FilePath) throws(SystemCallError) -> Int {
        try check("read", path.printed) { Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }

    /// Reads into a buffer from a place of the file; 0 behind its end.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, _ path: FilePath
    ) throws(SystemCallError) -> Int {
        try check("read", path.printed) { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Writes all bytes at a place of the file.
    package func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int64, _ path: FilePath
    ) throws(SystemCallError) {
        var done = 0
        while done < bytes.count {
            done += try check("write", path.printed) {
                pwrite(raw, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + done)
            }
        }
    }

    /// Gives the file a size; what is added is a hole.
    package func setSize(_ size: Int64, _ path: FilePath) throws(SystemCallError) {
        _ = try check("truncate", path.printed) { ftruncate(raw, off_t(size)) }
    }

    /// Reads at most `count` bytes from here.
    package func readHead(_ count: Int, _ path: FilePath) throws(SystemCallError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = try check("read", path.printed) { Glibc.read(raw, &buffer, count) }
        return Array(buffer.prefix(got))
    }

    /// Calls `body` with each piece of the file from here to the end.
    package func readChunks(
        _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            try WorkBudget.check(path)
            let count = try check("read", path.printed) { Glibc.read(raw, buffer.baseAddress, buffer.count) }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
