import CPlatform
import Glibc
import SystemPackage

/// What this machine shows of being a container; what it means is not decided here.
package struct ContainerEvidence: Sendable {
    /// Numbers of this process's namespaces (namespaces(7)); nil where /proc does not tell.
    package let pidNamespace: UInt64?
    package let userNamespace: UInt64?
    /// The text of /proc/self/cgroup; empty where there is none.
    package let controlGroups: String
    /// Whether `/run/.containerenv` and `/.dockerenv` exist.
    package let hasContainerEnv: Bool
    package let hasDockerEnv: Bool
    /// The variable `container` of this process, else of process 1 where that may be read.
    package let containerVariable: String?

    /// Looks. What cannot be read is left out: every part of it may be missing.
    package static func gather() -> ContainerEvidence {
        ContainerEvidence(
            pidNamespace: namespace("pid"), userNamespace: namespace("user"),
            controlGroups: (try? kernelFile("/proc/self/cgroup")).map { String(decoding: $0, as: UTF8.self) } ?? "",
            hasContainerEnv: access("/run/.containerenv", F_OK) == 0, hasDockerEnv: access("/.dockerenv", F_OK) == 0,
            containerVariable: environmentValue("container") ?? environmentOfInit("container"))
    }
}

/// The value of an environment variable of this process; nil when it is not set.
package func environmentValue(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The number in the text of a namespace link, `pid:[4026531836]`.
private func namespace(_ name: String) -> UInt64? {
    var buffer = [CChar](repeating: 0, count: 64)
    guard readlink("/proc/self/ns/\(name)", &buffer, buffer.count - 1) > 0 else { return nil }
    let text = buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    return UInt64(text.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" })
}

/// A variable in the environment process 1 was started with.
private func environmentOfInit(_ name: String) -> String? {
    guard let bytes = try? kernelFile("/proc/1/environ") else { return nil }  // not ours to read: no sign either way
    let prefix = Array("\(name)=".utf8)
    return bytes.split(separator: 0).first { $0.starts(with: prefix) }
        .map { String(decoding: $0.dropFirst(prefix.count), as: UTF8.self) }
}
