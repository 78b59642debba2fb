import SystemPackage

extension MountTable {
    /// Reads the text of proc_pid_mountinfo(5). A line that is no mount is skipped with a finding that names its
    /// number; nothing makes this fail.
    package init(parsing bytes: [UInt8], named file: String = "/proc/self/mountinfo") {
        var mounts: [Mount] = []
        var findings: [Finding] = []
        for (index, line) in bytes.split(separator: newline, omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            if let mount = Mount(line: line) {
                mounts.append(mount)
            } else {
                findings.append(Finding(.note, at: "\(file):\(index + 1):1", "This line describes no mount; skipped."))
            }
        }
        self.init(mounts: mounts, findings: findings)
    }
}

extension Mount {
    /// Reads one line; nil when a field is missing or no number. Optional fields are skipped, and fields may be empty:
    /// the source of a mount can be.
    init?(line: some Collection<UInt8>) {
        let fields = line.split(separator: space, omittingEmptySubsequences: false)
        guard fields.count >= 9, let separator = fields[6...].firstIndex(where: { $0.elementsEqual([hyphen]) }),
            fields.count > separator + 2, let id = number(fields[0]), let parent = number(fields[1]),
            case let device = text(fields[2]), device.split(separator: ":").count == 2
        else { return nil }
        let mountPoint = path(unescaped(fields[4]))
        guard mountPoint.isAbsolute else { return nil }
        // The kernel appends this to the path of a directory that no longer has a name (dentry_path).
        var root = unescaped(fields[3])
        let deleted = Array("//deleted".utf8)
        let isDeleted = root.count >= deleted.count && root.suffix(deleted.count) == deleted[...]
        if isDeleted { root.removeLast(deleted.count) }
        let superOptions = fields.dropFirst(separator + 3).first.map { $0.split(separator: comma) } ?? []
        let options = fields[5].split(separator: comma)
        let fileSystem = text(unescaped(fields[separator + 1]))
        guard !fileSystem.isEmpty else { return nil }
        self.init(
            id: id, parent: parent, device: device, root: isDeleted && root.isEmpty ? "/" : path(root),
            mountPoint: mountPoint, fileSystem: fileSystem,
            source: text(unescaped(fields[separator + 2])),
            isReadOnly: (options + superOptions).contains { $0.elementsEqual("ro".utf8) }, isDeleted: isDeleted,
            upperDirectory: superOptions.first { $0.starts(with: "upperdir=".utf8) }.map {
                path(unescaped($0.dropFirst("upperdir=".utf8.count)))
            })
    }
}

private let newline = UInt8(ascii: "\n")
private let space = UInt8(ascii: " ")
private let comma = UInt8(ascii: ",")
private let hyphen = UInt8(ascii: "-")

private func number(_ field: some Collection<UInt8>) -> UInt64? { UInt64(text(field)) }

private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// A path of exactly these bytes, which need not be UTF-8.
private func path(_ bytes: some Collection<UInt8>) -> FilePath {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    return characters.withUnsafeBufferPointer { buffer in
        buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
    }
}

/// Undoes the kernel's `\ooo`, with which it writes white space, the backslash and `#`.
private func unescaped(_ field: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = Array(field)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == UInt8(ascii: "\\"), digits.count == 3, let value = UInt8(text(digits), radix: 8) {
            result.append(value)
            rest = rest.dropFirst(3)
        } else {
            result.append(byte)
        }
    }
    return result
}
