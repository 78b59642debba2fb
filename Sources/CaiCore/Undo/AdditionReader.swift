import CaiModel
import CaiPlatform
import SystemPackage

/// Looks at what a run added.
struct AdditionReader {
    private let reader: NodeReader

    init(_ volume: Tree) { reader = NodeReader(volume) }

    /// What stands there today. Throws what keeps a file from being read or a directory from being listed.
    func see(_ addition: Addition) throws -> SeenAddition {
        let path = addition.path.relative
        let found = reader.node(at: path)
        guard let parent = reader.openParent(of: path), let name = path.lastComponent else {
            return SeenAddition(addition, found: found)
        }
        switch (addition.kind, found) {
        case (.file(let digest, let size), .file(let facts)) where facts.size == size:
            let isSame = try contentSample(name, in: parent).digest == digest
            return SeenAddition(addition, found: found, isSame: isSame)
        case (.directory, .directory):
            return SeenAddition(addition, found: found, names: try parent.openDirectory(name).names())
        default: return SeenAddition(addition, found: found)
        }
    }
}
