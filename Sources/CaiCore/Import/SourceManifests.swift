import CaiModel
import CaiPlatform
import SystemPackage

/// The manifests that a source brings along.
struct SourceManifests {
    private let source: SourceTree
    private let resolver: SourceResolver

    init(_ source: SourceTree, _ resolver: SourceResolver) {
        self.source = source
        self.resolver = resolver
    }

    /// The entries of which no manifest of the machine has the target, and what is wrong with the files.
    func entries(besides own: [Entry]) -> (entries: [Entry], findings: [Finding]) {
        guard case .found(let real, .directory) = resolver.resolve(".config/containai/manifests"),
            let directory = try? source.tree.directory(real),  // unreadable: the walk of the entry says so
            let names = try? directory.names()
        else { return ([], []) }
        var targets = Set(own.map(\.target))
        var result: (entries: [Entry], findings: [Finding]) = ([], [])
        for name in names where name.extension == "toml" {
            let file = directory.label.appending(name)
            guard let open = try? directory.openFile(name),  // likewise
                let bytes = try? open.readAll(limit: ManifestLoader.largest, file)
            else { continue }
            let contents = ManifestReader.read(ManifestFile(name: file.string, layer: .user, bytes: bytes))
            result.findings += contents.findings.filter { $0.severity == .error }.map(\.asWarning)
            result.entries += contents.entries.filter {
                $0.kind == .entry && !$0.isDisabled && $0.source != nil && !$0.flags.contains(.glob)
                    && targets.insert($0.target).inserted
            }
        }
        return result
    }
}

extension Finding {
    fileprivate var asWarning: Finding { Finding(.warning, at: place, sentence, advice: advice) }
}
