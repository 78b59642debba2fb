import CPlatform
import Glibc
package import SystemPackage

/// Facts about this process and its host.
package enum ProcessFacts {
    package static var id: Int32 { getpid() }

    /// The host name, empty when there is none.
    package static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension ProcessFacts {
    /// Where this process is; `/` where that cannot be told.
    package static var workingDirectory: FilePath {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress, getcwd(start, Int(PATH_MAX)) != nil else { return "/" }
            return FilePath(platformString: start)
        }
    }
}

extension ProcessFacts {
    /// Bytes of this process in memory (proc_pid_statm(5)); nil without /proc.
    package static var residentBytes: Int? {
        guard let file = try? Descriptor(opening: "/proc/self/statm"),  // nobody tells
            let bytes = try? file.readAll(limit: 4096, "/proc/self/statm")  // likewise
        else { return nil }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(getpagesize()) } : nil
    }

    /// How many descriptors this process has open; nil without /proc.
    package static var openDescriptors: Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // "." and "..", and the one that is looked with.
        return count - 3
    }
}
