import SystemPackage

/// Reads the `[service.NAME]` tables of a settings file.
///
/// A table with a mistake is a service that cannot be run, and never more than that: it is a finding, and the others are
/// read. What only concerns the order is a warning, and the service is run.
package struct ServiceReader {
    private let file: String
    private var findings: FindingList
    private var services: [ServiceDeclaration] = []

    private init(file: String) {
        self.file = file
        findings = FindingList(file: file)
    }

    /// The services that a table declares under `service`, each behind those that it comes after, and what was noticed.
    package static func services(
        in table: TOMLTable, file: String
    ) -> (services: [ServiceDeclaration], findings: [Finding]) {
        var reader = ServiceReader(file: file)
        if let member = table.member("service") { reader.read(member) }
        let ordered = ServiceOrder(reader.services).sorted { service, sentence, advice in
            reader.findings.add(
                .warning, at: SourcePosition(line: service.location.line, column: service.location.column), sentence,
                advice: advice)
        }
        return (ordered, reader.findings.sorted)
    }

    private mutating func read(_ member: TOMLTable.Member) {
        guard let tables = member.value.table else {
            findings.add(
                .error, at: member.keyPosition, "service must be a table, not \(member.value.kindName)",
                advice: "write [service.NAME]")
            return
        }
        for member in tables.members {
            guard isName(member.key) else {
                findings.add(
                    .error, at: member.keyPosition, "\(quoted(member.key)) cannot be the name of a service",
                    advice: "use up to 64 letters, digits, dots, dashes and underscores")
                continue
            }
            if member.key == ServiceDeclaration.agentName {
                findings.add(
                    .error, at: member.keyPosition, "agent is the built-in service of this name",
                    advice: "give yours another name; agent_service = false switches the built-in one off")
                continue
            }
            guard services.count < ServiceDeclaration.most else {
                findings.add(.error, at: member.keyPosition, "there are more than \(ServiceDeclaration.most) services")
                return
            }
            guard let table = member.value.table else {
                findings.add(
                    .error, at: member.keyPosition,
                    "service.\(member.key) must be a table, not \(member.value.kindName)")
                continue
            }
            services.append(service(member.key, table, at: member.keyPosition))
        }
    }

    private func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy {
                ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                    || "._-".unicodeScalars.contains($0)
            }
    }

    private mutating func service(_ name: String, _ table: TOMLTable, at position: SourcePosition) -> ServiceDeclaration
    {
        var declared = ServiceTable(DeclaredTable(table, at: position, name: "[service.\(name)]"))
        let location = SourceLocation(file: file, line: position.line, column: position.column)
        return declared.read(ServiceDeclaration(name, at: location), in: &findings)
    }
}

/// Reads the keys of one table.
private struct ServiceTable {
    private var table: DeclaredTable

    private static let keys = [
        "command", "user", "workdir", "env", "restart", "restart_delay", "restart_delay_max", "max_restarts", "ready",
        "ready_timeout", "after", "stop_signal", "stop_command", "stop_timeout", "essential", "success_exit_codes",
    ]

    init(_ table: DeclaredTable) { self.table = table }

    mutating func read(_ service: ServiceDeclaration, in findings: inout FindingList) -> ServiceDeclaration {
        var service = service
        table.checkKeys(Self.keys, in: &findings)
        let command = words("command", in: &findings)
        if command.isEmpty, table.table["command"] == nil {
            table.reject(
                at: table.position, "\(table.name) has no command",
                advice: "write command = [\"/usr/sbin/sshd\", \"-D\"]",
                in: &findings)
        }
        service.user = text("user", in: &findings)
        service.directory = directory(in: &findings)
        service.variables = variables(in: &findings)
        service.restart = choice("restart", in: &findings) ?? service.restart
        service.pause = time("restart_delay", in: &findings) ?? service.pause
        service.longestPause = max(time("restart_delay_max", in: &findings) ?? service.longestPause, service.pause)
        service.restartLimit = number("max_restarts", 0...1_000_000, in: &findings)
        service.readiness = readiness(in: &findings) ?? service.readiness
        service.readyTime = time("ready_timeout", in: &findings) ?? service.readyTime
        service.after = table.strings("after", in: &findings).map(\.text)
        service.stopSignal = signal(in: &findings) ?? service.stopSignal
        service.stopCommand = words("stop_command", in: &findings)
        service.stopTime = time("stop_timeout", in: &findings) ?? service.stopTime
        service.isEssential = table.boolean("essential", in: &findings)
        service.successCodes = codes(in: &findings)
        if !table.isInvalid { service.command = command }
        return service
    }

    /// A program with its arguments, or a line for a shell.
    private mutating func words(_ key: String, in findings: inout FindingList) -> [String] {
        guard let value = table.table[key] else { return [] }
        let isShaped = value.string != nil || value.array?.contains { $0.string == nil } == false
        let words = value.string.map { ["/bin/sh", "-c", $0] } ?? table.strings(key, in: &findings).map(\.text)
        guard isShaped else { return [] }
        if words.first?.isEmpty ?? true || value.string?.isEmpty == true
            || words.contains(where: { $0.utf8.contains(0) })
        {
            table.reject(
                at: value.position, "\(key) must be an array of words, or one line for /bin/sh",
                advice: "write \(key) = [\"program\", \"argument\"]", in: &findings)
        }
        return words
    }

    private mutating func text(_ key: String, in findings: inout FindingList) -> String? {
        guard let (text, position) = table.string(key, in: &findings) else { return nil }
        if text.isEmpty || text.utf8.contains(where: { $0 == 0 || $0 == 0x0A }) {
            table.reject(at: position, "\(key) must be one word", in: &findings)
        }
        return text
    }

    private mutating func directory(in findings: inout FindingList) -> FilePath? {
        guard let (text, position) = table.string("workdir", in: &findings) else { return nil }
        if !text.hasPrefix("/") || text.utf8.contains(0) {
            table.reject(at: position, "workdir must be an absolute path", in: &findings)
        }
        return FilePath(text)
    }

    private mutating func variables(in findings: inout FindingList) -> [ServiceDeclaration.Variable] {
        guard let value = table.table["env"] else { return [] }
        guard let members = value.table?.members else {
            table.reject(
                at: value.position, "env must be a table, not \(value.kindName)",
                advice: "write env = { NAME = \"value\" }",
                in: &findings)
            return []
        }
        return members.compactMap { member in
            let name = member.key
            guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") }) else {
                table.reject(at: member.keyPosition, "\(quoted(name)) cannot be the name of a variable", in: &findings)
                return nil
            }
            guard let text = member.value.string, !text.utf8.contains(0) else {
                table.reject(
                    at: member.keyPosition, "env.\(printable(name)) must be a string, not \(member.value.kindName)",
                    advice: "write it in quotes", in: &findings)
                return nil
            }
            return ServiceDeclaration.Variable(name: name, value: text)
        }
    }

    private mutating func choice(_ key: String, in findings: inout FindingList) -> ServiceDeclaration.Restart? {
        guard let (text, position) = table.string(key, in: &findings) else { return nil }
        if let choice = ServiceDeclaration.Restart(rawValue: text) { return choice }
        let known = ServiceDeclaration.Restart.allCases.map(\.rawValue).joined(separator: ", ")
        table.reject(at: position, "\(key) is one of \(known)", in: &findings)
        return nil
    }

    /// Seconds, whole or not.
    private mutating func time(_ key: String, in findings: inout FindingList) -> Duration? {
        guard let value = table.table[key] else { return nil }
        if let milliseconds = milliseconds(value.content) { return .milliseconds(milliseconds) }
        table.reject(
            at: value.position, "\(key) must be a number of seconds, at most a day",
            advice: "write \(key) = 2.5", in: &findings)
        return nil
    }

    private func milliseconds(_ content: TOMLValue.Content) -> Int64? {
        let seconds: Double
        switch content {
        case .integer(let number): seconds = Double(number)
        case .float(let number): seconds = number
        default: return nil
        }
        return seconds >= 0 && seconds <= 86_400 ? Int64((seconds * 1000).rounded()) : nil
    }

    private mutating func number(_ key: String, _ range: ClosedRange<Int64>, in findings: inout FindingList) -> Int? {
        guard let value = table.table[key] else { return nil }
        guard let number = value.integer, range.contains(number) else {
            table.reject(
                at: value.position, "\(key) must be a whole number from \(range.lowerBound) to \(range.upperBound)",
                in: &findings)
            return nil
        }
        return Int(number)
    }

    private mutating func readiness(in findings: inout FindingList) -> ServiceDeclaration.Readiness? {
        guard let (text, position) = table.string("ready", in: &findings) else { return nil }
        if let readiness = ServiceDeclaration.Readiness(text), !text.utf8.contains(0) { return readiness }
        table.reject(
            at: position, "ready is one of none, notify, fd, socket:/PATH and exec:COMMAND", in: &findings)
        return nil
    }

    private mutating func signal(in findings: inout FindingList) -> Int32? {
        guard let value = table.table["stop_signal"] else { return nil }
        if let signal = StopSignal.number(value.content) { return signal }
        table.reject(
            at: value.position, "stop_signal must be a signal by number or name",
            advice: "the names are \(StopSignal.names.map(\.name).joined(separator: ", ")) and RTMIN+N", in: &findings)
        return nil
    }

    private mutating func codes(in findings: inout FindingList) -> Set<Int32> {
        guard let value = table.table["success_exit_codes"] else { return [] }
        var codes: Set<Int32> = []
        if case .array(let values) = value.content {
            for case .integer(let code) in values.map(\.content) where (0...255).contains(code) {
                codes.insert(Int32(code))
            }
            if codes.count == values.count { return codes }
        }
        table.reject(
            at: value.position, "success_exit_codes must be an array of different numbers from 0 to 255",
            advice: "write success_exit_codes = [143]", in: &findings)
        return []
    }
}

/// The signals by which programs are asked to end.
private enum StopSignal {
    static let names: [(name: String, number: Int32)] = [
        ("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15), ("WINCH", 28),
        ("PWR", 30),
    ]

    /// The number that a value gives, or that its name has; nil for none.
    static func number(_ content: TOMLValue.Content) -> Int32? {
        switch content {
        case .integer(let number): (1...64).contains(number) ? Int32(number) : nil
        case .string(let text): number(text)
        default: nil
        }
    }

    /// The number of a name, with and without `SIG`; Linux's for one of real time.
    static func number(_ text: String) -> Int32? {
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let known = names.first(where: { $0.name == name }) { return known.number }
        if name == "RTMIN" { return 34 }
        guard name.hasPrefix("RTMIN+"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) else {
            return nil
        }
        return 34 + offset
    }
}
