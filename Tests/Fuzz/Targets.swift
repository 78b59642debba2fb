import CaiModel
import SystemPackage

/// A promise that did not hold.
struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What is fed with bytes: every reader of something that others write. Each may refuse; none may crash, hang, or break what
/// it says of itself.
enum Targets {
    typealias Run = ([UInt8]) throws -> Void

    static let names = [
        "archive", "export-manifest", "excludes", "environment", "git-config", "manifest", "json", "push-index",
        "query", "jsonc-edit", "user-record", "account-file",
    ]

    /// The reader of that name; nil when there is none.
    static func make(_ name: String) throws -> Run? {
        switch name {
        case "archive": try archiveRun()
        case "export-manifest": readExportManifest
        case "excludes": matchExcludes
        case "environment": { _ = EnvironmentFile($0, file: ".env") }
        case "git-config": filterGitConfiguration
        case "manifest": { _ = ManifestReader.read(ManifestFile(name: "fuzz.toml", layer: .user, bytes: $0)) }
        case "json": { _ = JSONDocument(anyDialect: $0)?.root }
        case "push-index": readPushIndex
        case "query": readQuery
        case "jsonc-edit": editDocument
        case "user-record": readUserRecord
        case "account-file": editAccounts
        default: nil
        }
    }

    /// The items are the file; and what is to leave without secrets holds none.
    private static func filterGitConfiguration(_ bytes: [UInt8]) throws {
        let configuration = GitConfiguration(bytes)
        let text = configuration.items.flatMap { item in
            switch item {
            case .header(_, _, let text), .variable(_, _, let text), .other(let text): text
            }
        }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard configuration.brokenLine == nil ? content.elementsEqual(text) : content.starts(with: text) else {
            throw Complaint("the items are not the file")
        }
        let filter = GitFilter(withoutSecrets: true, workspace: "/home/agent/workspace")
        let filtered = filter.filtered(.init(path: ".gitconfig", bytes: bytes)) { _, _, _ in nil }
        if filter.holdsSecrets(filtered) { throw Complaint("what was filtered holds a secret") }
        let again = GitConfiguration(filtered)
        if again.brokenLine != nil { throw Complaint("what was filtered cannot be read") }
        guard filter.completed(filter.completed(filtered)) == filter.completed(filtered) else {
            throw Complaint("what is complete is completed again")
        }
    }

    /// What is read is written so that it is read again as the same, and leads nowhere else.
    private static func readPushIndex(_ bytes: [UInt8]) throws {
        guard let index = try? PushIndex(bytes) else { return }  // it may refuse
        guard try PushIndex(index.bytes) == index else { throw Complaint("reads itself as something else") }
        var isInside = true
        index.forEachPath { path, _ in
            isInside = isInside && !path.isAbsolute && path.components.allSatisfy { $0.kind == .regular }
        }
        if !isInside { throw Complaint("leads out of its root") }
    }

    /// A query becomes words of a command line only where each is known, and never an option that is none.
    private static func readQuery(_ bytes: [UInt8]) throws {
        let fields: [QueryField] = [.flag("dry-run"), .value("layout"), .word("id")]
        let pairs = String(decoding: bytes, as: UTF8.self).split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (key: parts.first ?? "", value: parts.count > 1 ? parts[1] : "")
        }
        guard let words = try? QueryField.arguments(pairs, fields) else { return }  // it may refuse
        var isBehindEnd = false
        for word in words {
            let isKnown = word == "--dry-run" || word == "--" || word.hasPrefix("--layout=")
            if !isBehindEnd, !isKnown { throw Complaint("makes an option of \(word)") }
            isBehindEnd = word == "--"
        }
    }

    private static func archiveRun() throws -> Run {
        let target = try ArchiveTarget()
        return { try target.run($0) }
    }

    /// What is read is written so that it is read again as the same.
    private static func readExportManifest(_ bytes: [UInt8]) throws {
        guard let manifest = try? ExportManifest(bytes) else { return }  // it may refuse
        guard try ExportManifest(manifest.document) == manifest else {
            throw Complaint("reads itself as something else")
        }
    }

    /// The first line is a path, the others are patterns.
    private static func matchExcludes(_ bytes: [UInt8]) throws {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let first = lines.first, let path = try? VolumePath(first) else { return }  // no path, nothing to match
        let excludes = Excludes(Array(lines.dropFirst()))
        let above = excludes.excludingAnyAncestor(of: path)
        if excludes.excluding(path) != nil, above == nil {
            throw Complaint("leaves out a path, and nothing on the way to it")
        }
        _ = excludes.concerns(below: path)
        _ = excludes.unmatched(by: [path])
    }
}
