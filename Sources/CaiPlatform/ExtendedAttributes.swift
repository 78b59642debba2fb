import CPlatform
import Glibc
package import SystemPackage

extension Descriptor {
    /// The names of the extended attributes of this file (listxattr(2)); none where the file system has none, or a sandbox
    /// refuses the call.
    package func attributeNames(_ path: FilePath) throws(SystemCallError) -> [String] {
        var size = flistxattr(raw, nil, 0)
        if size < 0, [ENOTSUP, ENOSYS, EPERM, EACCES].contains(currentErrno) { return [] }
        if size == 0 { return [] }
        while true {
            var buffer = [CChar](repeating: 0, count: max(size, 0) + 256)
            size = flistxattr(raw, &buffer, buffer.count)
            if size >= 0 {
                return buffer.prefix(size).split(separator: 0).map {
                    String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                }
            }
            let error = Errno(rawValue: currentErrno)
            if error != .outOfRange { throw SystemCallError("list attributes", path.printed, error) }
            size = 64 << 10
        }
    }

    /// The value of an extended attribute.
    package func attribute(_ name: String, _ path: FilePath) throws(SystemCallError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let size = try check("read attribute \(name)", path.printed) { fgetxattr(raw, name, &buffer, buffer.count) }
        return Array(buffer.prefix(size))
    }

    /// Sets an extended attribute.
    package func setAttribute(_ name: String, to value: [UInt8], _ path: FilePath) throws(SystemCallError) {
        _ = try check("set attribute \(name)", path.printed) { fsetxattr(raw, name, value, value.count, 0) }
    }
}
