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
