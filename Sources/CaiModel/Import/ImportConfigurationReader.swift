package import SystemPackage

/// The part of a configuration file that imports and exports need.
package struct ImportConfigurationFile: Sendable {
    package let configuration: ImportConfiguration
    /// The workspaces that the user trusts: sections `[workspace."P"]` with `trust_repository = true`.
    package let trusted: [FilePath]
    package let findings: [Finding]

    /// Reads a file that findings call `name`. `homes` are the homes that additional paths may name, `workspaces` the
    /// paths of the workspace: here, and on the host. Throws the first syntax error.
    package init(
        _ bytes: [UInt8], name: String, homes: [FilePath], workspaces: [FilePath]
    ) throws(TOMLSyntaxError) {
        var reader = ImportConfigurationReader(
            table: try TOMLReader.table(from: bytes), name: FilePath(name).printable, homes: homes,
            workspaces: workspaces)
        reader.read()
        configuration = reader.result
        trusted = reader.trusted
        findings = reader.findings
    }
}

extension ImportConfiguration {
    /// Returns the user's configuration with what that of a repository may add to it: patterns that leave more out of an
    /// import. Everything else would widen the import, or take content out of a backup, and counts only for a repository
    /// that the user trusts.
    package func adding(_ repository: ImportConfiguration, isTrusted: Bool) -> ImportConfiguration {
        var result = self
        result.excludes += isTrusted ? repository.excludes : repository.excludes.filter { !$0.hasPrefix("!") }
        guard isTrusted else {
            result.ignoresRepositoryExport = repository.exportExcludes != nil
            return result
        }
        result.additionalPaths += repository.additionalPaths.filter { !additionalPaths.contains($0) }
        result.excludesPrivate = excludesPrivate && repository.excludesPrivate
        result.environment = repository.environment ?? environment
        if let excludes = repository.exportExcludes { result.exportExcludes = (exportExcludes ?? []) + excludes }
        return result
    }

    /// True if a repository's configuration asks for more than an import grants it without trust.
    package var widens: Bool {
        !additionalPaths.isEmpty || !excludesPrivate || !(environment?.names.isEmpty ?? true)
            || excludes.contains { $0.hasPrefix("!") }
    }
}

private struct ImportConfigurationReader {
    let table: TOMLTable
    let name: String
    let homes: [FilePath]
    let workspaces: [FilePath]
    var result = ImportConfiguration()
    var trusted: [FilePath] = []
    var findings: [Finding] = []

    init(table: TOMLTable, name: String, homes: [FilePath], workspaces: [FilePath]) {
        self.table = table
        self.name = name
        self.homes = homes
        self.workspaces = workspaces
    }

    mutating func read() {
        result.excludes = strings(table["default_excludes"], "default_excludes")
        readWorkspaces()
        if let section = section("import") {
            readAdditionalPaths(section)
            if let value = section["exclude_priv"], isFalse(value) { result.excludesPrivate = false }
        }
        if let section = section("export") {
            result.exportExcludes = strings(section["excludes"], "[export].excludes")
        }
        if let section = section("env") { readEnvironment(section) }
    }

    private mutating func warn(_ sentence: String) { findings.append(Finding(.warning, at: name, sentence)) }

    private mutating func section(_ key: String) -> TOMLTable? {
        guard let value = table[key] else { return nil }
        if value.table == nil { warn("[\(key)] must be a table, treating as empty") }
        return value.table
    }

    private mutating func strings(_ value: TOMLValue?, _ key: String) -> [String] {
        guard let value else { return [] }
        guard let elements = value.array else {
            warn("\(key) must be a list, treating as empty list")
            return []
        }
        if elements.contains(where: { $0.string == nil }) {
            warn("\(key) holds something that is no string; it is ignored")
        }
        return elements.compactMap(\.string)
    }

    /// The section whose path is the longest that holds the workspace.
    private mutating func readWorkspaces() {
        guard let sections = table["workspace"]?.table else { return }
        var best: (length: Int, section: TOMLTable)?
        for member in sections.members {
            guard let section = member.value.table else { continue }
            let path = FilePath(member.key).lexicallyNormalized()
            guard path.isAbsolute else { continue }
            if section["trust_repository"]?.boolean == true { trusted.append(path) }
            guard workspaces.contains(where: { $0.lexicallyNormalized().starts(with: path) }) else { continue }
            if path.components.count >= best?.length ?? 0 { best = (path.components.count, section) }
        }
        if let section = best?.section { result.excludes += strings(section["excludes"], "[workspace].excludes") }
    }

    private mutating func readAdditionalPaths(_ section: TOMLTable) {
        guard let value = section["additional_paths"] else { return }
        guard let elements = value.array else {
            return warn("[import].additional_paths must be a list, treating as empty list")
        }
        for (index, element) in elements.enumerated() {
            guard let text = element.string else {
                warn("[import].additional_paths[\(index)] must be a string; skipping")
                continue
            }
            do {
                let path = try AdditionalPath(text, homes: homes)
                if !result.additionalPaths.contains(path) { result.additionalPaths.append(path) }
            } catch {
                warn("[import].additional_paths[\(index)] \(error.sentence); skipping")
            }
        }
    }

    private func isFalse(_ value: TOMLValue) -> Bool {
        value.boolean == false || value.integer == 0 || ["false", "no", "0"].contains(value.string?.lowercased())
    }

    private mutating func readEnvironment(_ section: TOMLTable) {
        var names: [String] = []
        if let value = section["import"], value.array != nil {
            for text in strings(value, "[env].import") where !names.contains(text) {
                if EnvironmentName.isValid(text) {
                    names.append(text)
                } else {
                    warn("[env].import: '\(FilePath(text).printable)' is no name of a variable; skipping")
                }
            }
        } else {
            warn("[env].import missing or not a list, treating as empty list")
        }
        if let value = section["from_host"], value.boolean == nil {
            findings.append(Finding(.error, at: name, "[env].from_host must be true or false"))
        }
        if let value = section["env_file"], value.string == nil {
            findings.append(Finding(.error, at: name, "[env].env_file must be a string"))
        }
        result.environment = EnvironmentRequest(
            names: names, fromCaller: section["from_host"]?.boolean ?? false, file: section["env_file"]?.string)
    }
}
