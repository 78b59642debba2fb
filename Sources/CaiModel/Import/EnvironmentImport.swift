import SystemPackage

/// The text of `.env` that an import writes, and what became of every name that was asked for. Values are in the text alone.
package struct EnvironmentImport: Sendable {
    package let text: String
    package let imported: [String]
    package let skipped: [String]
    package let findings: [Finding]

    /// Takes the variables that were asked for from the caller's environment, else from the file.
    package init(_ request: EnvironmentRequest, caller: [String: String], file: EnvironmentFile?) {
        let stored = Dictionary(
            (file?.assignments ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        var lines: [String] = []
        var imported: [String] = []
        var skipped: [String] = []
        var findings = file?.findings ?? []
        for name in request.names {
            let host = request.fromCaller ? caller[name] : nil
            if let host, host.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
                findings.append(Finding(.warning, at: "[env].import", "key '\(name)' skipped (multiline value)"))
            }
            let usable = host.flatMap { $0.utf8.contains { $0 == 0x0A || $0 == 0x0D } ? nil : $0 }
            if let value = usable ?? (host == nil ? stored[name] : nil) {
                lines.append("\(name)=\(value)\n")
                imported.append(name)
            } else {
                skipped.append(name)
                if host == nil {
                    findings.append(
                        Finding(.warning, at: "[env].import", "Var not found in host or file: '\(name)'"))
                }
            }
        }
        text = lines.joined()
        self.imported = imported
        self.skipped = skipped
        self.findings = findings
    }
}

/// The hook that gives new interactive shells the variables of `.env` (predecessors 1.6.12).
package enum EnvironmentHook {
    package static let target = VolumePath(unchecked: "shell/bashrc.d/00-containai-env.sh")

    /// A script that reads the file line by line, without evaluating anything of it, and leaves set variables alone. Those
    /// that would keep every command from being executed (execve(2), E2BIG) are reported by name.
    package static func text(file: String) -> String {
        """
        # Variables of .env on the volume, for interactive shells. Written by cai; changes are overwritten.
        __cai_env=\(singleQuoted(file))
        # A variable has at most 128 KiB, and all have half of a quarter of the stack.
        __cai_room=$(ulimit -s)
        case $__cai_room in *[!0-9]* | ?????*) __cai_room=3145728 ;; *) __cai_room=$((__cai_room * 128)) ;; esac
        [ "$__cai_room" -ge 65536 ] || __cai_room=65536
        __cai_measure() {
            local LC_ALL=C
            __cai_size=$((${#1} + 9))
        }
        if [ -f "$__cai_env" ] && [ ! -L "$__cai_env" ] && [ -r "$__cai_env" ]; then
            while IFS= read -r __cai_line || [ -n "$__cai_line" ]; do
                __cai_line=${__cai_line%$'\\r'}
                case $__cai_line in '' | '#'*) continue ;; esac
                __cai_line=${__cai_line#export }
                case $__cai_line in *=*) ;; *) continue ;; esac
                __cai_name=${__cai_line%%=*}
                case $__cai_name in '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
                if [ -z "${!__cai_name+set}" ]; then
                    __cai_measure "$__cai_line"
                    if [ "$__cai_size" -gt 131080 ] || [ "$__cai_size" -gt "$__cai_room" ]; then
                        echo "cai: $__cai_name of $__cai_env does not fit into the environment of a program: not set" >&2
                        continue
                    fi
                    __cai_room=$((__cai_room - __cai_size))
                    export "$__cai_name=${__cai_line#*=}"
                fi
            done <"$__cai_env"
        fi
        unset __cai_env __cai_line __cai_name __cai_room __cai_size
        unset -f __cai_measure

        """
    }
}
