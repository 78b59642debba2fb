package import CaiModel
import CaiPlatform
package import SystemPackage

/// The configuration that was named cannot be used.
package struct ConfigurationProblem: Error, Equatable, Sendable {
    package let sentence: String
}

/// Finds and reads the configuration of an import (predecessors 1.9): the user's, and that of the repository the workspace
/// lies in, which may leave more out but not take more in.
package struct ImportConfigurationLoader {
    private static let largest = 1 << 20
    private static let userFile: FilePath = ".config/containai/config.toml"
    private static let repositoryFile: FilePath = ".containai/config.toml"

    let machine: Machine
    let source: OpenedSource?
    /// Where the workspace is on this machine, and on the host.
    let workspaces: [FilePath]
    private(set) var findings: [Finding] = []

    package init(_ machine: Machine, source: OpenedSource?, workspaces: [FilePath]) {
        self.machine = machine
        self.source = source
        self.workspaces = workspaces
    }

    /// Reads a file that the caller named, and no other. Throws `ConfigurationProblem`.
    package mutating func load(named path: FilePath) throws -> (ImportConfiguration, [Finding]) {
        let bytes: [UInt8]
        do {
            bytes = try Descriptor(opening: path).readAll(limit: Self.largest, path)
        } catch {
            throw ConfigurationProblem(
                sentence: error.errno == .noSuchFileOrDirectory
                    ? "Config file not found: \(path.printable)"
                    : "Config file cannot be read: \(path.printable): \(error.plainReason)")
        }
        do {
            let file = try read(bytes, path.string)
            return (file.configuration, file.findings)
        } catch {
            throw ConfigurationProblem(
                sentence:
                    "Failed to parse config file: \(path.printable):\(error.position.line): \(error.sentence)")
        }
    }

    /// Finds the files. One that cannot be read is a warning, and counts as if it were not there.
    package mutating func discover() -> (ImportConfiguration, [Finding]) {
        let user = userFile()
        var result = user?.configuration ?? ImportConfiguration()
        findings += user?.findings ?? []
        if let (path, repository) = repositoryFile() {
            findings += repository.findings
            let isTrusted = (user?.trusted ?? []).contains { trusted in
                workspaces.contains { $0.lexicallyNormalized().starts(with: trusted) }
            }
            if repository.configuration.widens, !isTrusted {
                findings.append(
                    Finding(
                        .warning, at: path.printable,
                        "asks for more than the user's configuration grants; only what it leaves out counts",
                        advice:
                            "to trust it, put trust_repository = true under [workspace.\"\(workspaces.last ?? path)\"] in ~/\(Self.userFile)"
                    ))
            }
            result = result.adding(repository.configuration, isTrusted: isTrusted)
        }
        return (result, findings)
    }

    /// What a source on another machine has to know of the files here: those that hold for a source without a configuration
    /// of its own, and what the repository's adds to one that has it.
    package mutating func discoverParts() -> (whole: ImportConfiguration, repository: ImportConfiguration?) {
        (discover().0, repositoryFile()?.1.configuration)
    }

    private func read(_ bytes: [UInt8], _ name: String) throws(TOMLSyntaxError) -> ImportConfigurationFile {
        let homes = (source?.tree.names ?? []) + [machine.layout.home]
        return try ImportConfigurationFile(bytes, name: name, homes: homes, workspaces: workspaces)
    }

    /// The user's: of the home that is imported, else of this machine's.
    private mutating func userFile() -> ImportConfigurationFile? {
        for (tree, label) in [(source?.tree, source?.label), (machine.ownHome.tree, machine.layout.home)] {
            guard let tree, let label else { continue }
            let resolver = SourceResolver(tree, layout: machine.layout)
            guard case .found(let real, .file) = resolver.resolve(Self.userFile) else { continue }
            let path = label.pushing(Self.userFile)
            return parse(path) { try tree.tree.readFile(real, limit: Self.largest) }
        }
        return nil
    }

    /// The first one upwards of the workspace, at most at the root of its repository, never at `/`.
    private mutating func repositoryFile() -> (FilePath, ImportConfigurationFile)? {
        guard var directory = workspaces.first else { return nil }
        while !directory.components.isEmpty {
            let path = directory.pushing(Self.repositoryFile)
            let root = machine.root
            if root.existsInRoot(path) {
                return parse(path) { try root.readFileInRoot(path, limit: Self.largest) }.map { (path, $0) }
            }
            if root.existsInRoot(directory.appending(".git")) { return nil }
            directory.removeLastComponent()
        }
        return nil
    }

    private mutating func parse(_ path: FilePath, _ bytes: () throws -> [UInt8]?) -> ImportConfigurationFile? {
        do {
            guard let bytes = try bytes() else { return nil }
            return try read(bytes, path.string)
        } catch let error as TOMLSyntaxError {
            findings.append(
                Finding(
                    .warning, at: "\(path.printable):\(error.position.line):\(error.position.column)",
                    "\(error.sentence); the file was ignored", advice: "correct it and import again"))
        } catch {
            findings.append(
                Finding(.warning, at: path.printable, "cannot be read and was ignored: \(error.sentence)"))
        }
        return nil
    }
}
