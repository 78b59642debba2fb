import CPlatform
import Glibc

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
