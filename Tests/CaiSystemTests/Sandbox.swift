import CaiModel
import Glibc
import SystemPackage
import Testing

/// What a program left behind.
struct Finished: Sendable {
    let code: Int
    /// Standard output and standard error together.
    let output: String
}

/// Runs shell scripts in namespaces of their own, with the built `cai` at `/cai`.
///
/// A container's root directory is an overlay over this machine's, as container engines make it. Whatever a script
/// mounts vanishes with its last process.
enum Sandbox {
    /// The folder of the test runner, where the build leaves `cai` too.
    static let buildDirectory: FilePath = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink("/proc/self/exe", &buffer, buffer.count - 1) > 0 else { return "." }
        let path = buffer.withUnsafeBufferPointer { $0.baseAddress.map { FilePath(platformString: $0) } }
        return path?.removingLastComponent() ?? "."
    }()

    /// The binary under test: the variable `CAI_BINARY`, else the one beside the test runner.
    static var binary: FilePath {
        getenv("CAI_BINARY").map { FilePath(platformString: $0) } ?? buildDirectory.appending("cai")
    }

    /// Why nothing can be mounted here; nil when it can.
    static let obstacle: String? = {
        if geteuid() != 0 { return "mounting needs root" }
        let probe = container("true", run: "true")
        return probe.code == 0 ? nil : "an overlay in a mount namespace of its own does not work here: \(probe.output)"
    }()

    static func has(_ program: String) -> Bool { shell("command -v \(program)").code == 0 }

    /// Runs `command` in a container. `setup` runs before, outside, with the container's root at `$M` and a directory of
    /// the host at `$H`, on the disk that the build is on.
    static func container(_ setup: String, run command: String) -> Finished {
        shell(
            """
            set -eu
            H=$(mktemp -d '\(buildDirectory)/sandbox.XXXXXX')
            trap 'rm -rf --one-file-system "$H"' EXIT
            export H
            unshare --mount --propagation private -- sh -euc '
                T="$H/run"; mkdir "$T"; mount -t tmpfs tmpfs "$T"; M="$T/root"; mkdir "$T/upper" "$T/work" "$M"
                mount -t overlay overlay -o "lowerdir=/,upperdir=$T/upper,workdir=$T/work" "$M"
                mkdir -p "$M/proc" "$M/dev" "$M/mnt/agent-data" "$M/home/agent/workspace" "$M/.outside"
                mount -t proc proc "$M/proc"; mount --rbind /dev "$M/dev"
                : > "$M/cai"; mount --bind "\(binary)" "$M/cai"
                \(setup)
                cd "$M"; pivot_root . .outside; umount -l /.outside; cd /
                \(command)
            '
            """)
    }

    /// Runs a script with an empty input and an environment that says nothing about a platform.
    static func shell(_ script: String) -> Finished {
        guard
            let stream = popen(
                "exec </dev/null 2>&1\nunset \(HostingPlatform.variables.joined(separator: " "))\n\(script)", "re")
        else {
            return Finished(code: -1, output: "no shell")
        }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { output += buffer[..<count] }
        let status = pclose(stream)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Finished(code: Int(code), output: String(decoding: output, as: UTF8.self))
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs a test only where mounts can be made; the skipped test says why.
    static var canMount: Self {
        .enabled(if: Sandbox.obstacle == nil, Comment(rawValue: Sandbox.obstacle ?? "mounts can be made"))
    }
}
