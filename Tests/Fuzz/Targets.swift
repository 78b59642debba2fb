import CaiModel

/// A promise that did not hold.
struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What is fed with bytes: every reader of something that others write. Each may refuse; none may crash, hang, or break what
/// it says of itself.
enum Targets {
    typealias Run = ([UInt8]) throws -> Void

    static let names = ["archive", "export-manifest", "excludes", "environment", "manifest", "json"]

    /// The reader of that name; nil when there is none.
    static func make(_ name: String) throws -> Run? {
        switch name {
        case "archive": try archiveRun()
        case "export-manifest": readExportManifest
        case "excludes": matchExcludes
        case "environment": { _ = EnvironmentFile($0, file: ".env") }
        case "manifest": { _ = ManifestReader.read(ManifestFile(name: "fuzz.toml", layer: .user, bytes: $0)) }
        case "json": { _ = JSONDocument(anyDialect: $0)?.root }
        default: nil
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
