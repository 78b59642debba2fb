import CPlatform
package import SystemPackage

extension Files {
    /// The value of an extended attribute; nil when there is none of this name.
    package static func attribute(_ name: String, of path: FilePath) -> String? {
        var value = [UInt8](repeating: 0, count: 1024)
        let count = path.withPlatformString { lgetxattr($0, name, &value, value.count) }
        return count < 0 ? nil : String(decoding: value[..<count], as: UTF8.self)
    }

    /// Sets an extended attribute.
    package static func setAttribute(_ name: String, _ value: String, of path: FilePath) throws {
        let bytes = Array(value.utf8)
        try checked("setxattr", path, path.withPlatformString { lsetxattr($0, name, bytes, bytes.count, 0) })
    }
}
