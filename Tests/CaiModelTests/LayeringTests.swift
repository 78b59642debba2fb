import CaiTestSupport
import SystemPackage
import Testing

/// What each target may import (design, "Rooms"): arrows point down only.
private let rooms: [String: Set<String>] = [
    "cai": [
        "ArgumentParser", "CaiCore", "CaiInit", "CaiManifests", "CaiModel", "CaiNetwork", "CaiPlatform", "CaiUnits",
        "Glibc", "Synchronization",
    ],
    "CaiCore": ["CArchive", "CaiModel", "CaiPlatform", "Crypto", "Synchronization"],
    "CaiInit": ["CaiPlatform", "CPlatform", "Glibc", "SystemPackage"],
    "CaiManifests": ["CaiModel"],
    "CaiModel": ["CToml"],
    "CaiNetwork": [
        "CaiCore", "CaiModel", "CaiPlatform", "HTTPTypes", "Hummingbird", "HummingbirdCore", "NIOCore", "NIOExtras",
        "NIOHTTPTypes", "NIOPosix", "Synchronization",
    ],
    "CaiPlatform": ["CPlatform", "Glibc", "Synchronization"],
    "CaiUnits": [],
    "embed-files": ["Glibc"],
    "embed-manifests": ["CaiModel", "Glibc"],
    "CPlatform": [], "CToml": [], "CArchive": [], "CSystemd": [],
]

/// What every room but `CaiInit` may use beside that.
private let common: Set<String> = ["SystemPackage", "FoundationEssentials", "Logging"]

private struct SourceFile: Sendable, CustomTestStringConvertible {
    let target: String
    let path: FilePath
    let lines: [Substring]
    var testDescription: String { "\(target)/\(path.lastComponent?.string ?? "")" }

    /// The modules that the file imports, `import struct Module.Name` included.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").prefix { !$0.hasPrefix("//") }
            guard let position = words.firstIndex(of: "import"), position + 1 < words.endIndex,
                words[..<position].allSatisfy({ $0.hasPrefix("@") || access.contains(String($0)) })
            else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let rest = words[(position + 1)...].drop { kinds.contains($0) }
            return rest.first.map { String($0.prefix { $0 != "." }) }
        }
    }
}

private let access: Set<String> = ["public", "package", "internal", "fileprivate", "private"]

private let sources: [SourceFile] = {
    let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    let directory = root.appending("Sources")
    let files = (try? Snapshot(of: directory).facts) ?? [:]
    return files.filter { $0.value.kind == .file && $0.key.extension == "swift" }.keys.compactMap { path in
        guard let target = path.components.first?.string,
            let text = try? Files.text(directory.appending(path.components))
        else { return nil }
        return SourceFile(
            target: target, path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: true))
    }
}()

@Suite struct `The rooms of the design` {
    @Test func `the sources are found`() {
        #expect(sources.count > 50)
        #expect(sources.contains { $0.imports.contains("CaiModel") })
    }

    @Test func `every target is in the table`() {
        #expect(Set(sources.map(\.target)).subtracting(rooms.keys) == [])
    }

    @Test func `no file imports what its room may not`() {
        for file in sources {
            let allowed = (rooms[file.target] ?? []).union(file.target == "CaiInit" ? [] : common)
            let wrong = Set(file.imports).subtracting(allowed)
            #expect(wrong.isEmpty, "\(file.testDescription) imports \(wrong.sorted().joined(separator: ", "))")
        }
    }

    @Test func `nobody imports full Foundation: it would add 44 MB`() {
        for file in sources {
            let full = Set(file.imports).intersection([
                "Foundation", "FoundationNetworking", "FoundationXML", "FoundationInternationalization",
            ])
            #expect(full.isEmpty, "\(file.testDescription) imports \(full)")
        }
    }

    @Test func `PID 1 has no async and awaits nothing`() {
        for file in sources where file.target == "CaiInit" {
            let code = file.lines.map { $0.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0] }
            let words = code.flatMap { $0.split { !$0.isLetter && $0 != "_" } }
            #expect(
                !words.contains("async") && !words.contains("await") && !words.contains("Task"),
                "\(file.testDescription)")
        }
    }

    @Test func `the model reads no file, no clock and no environment`() {
        let calls = [
            "WallClock", "ContinuousClock", "SuspendingClock", "getenv", "ProcessInfo", "FileManager", "CommandLine.",
        ]
        for file in sources where file.target == "CaiModel" {
            for line in file.lines where !line.contains("//") {
                #expect(!calls.contains { line.contains($0) }, "\(file.testDescription): \(line)")
            }
        }
    }

    @Test func `nothing below the command line prints`() {
        for file in sources where !["cai", "embed-files", "embed-manifests"].contains(file.target) {
            let printing = file.lines.filter { line in
                line.split { !$0.isLetter && $0 != "(" && $0 != "." }.contains {
                    $0 == "print(" || $0.hasPrefix("print(")
                }
            }
            #expect(printing.isEmpty, "\(file.testDescription): \(printing)")
        }
    }
}
