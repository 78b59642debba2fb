package import CaiModel
import CaiPlatform
package import SystemPackage

/// Links that the predecessors' specification files declare beside the manifests.
package struct LinkSources {
    /// Where user manifests leave theirs, below the root of the volume.
    package static let userSpecification = FilePath("containai/user-link-spec.json")
    private static let largest = 4 << 20

    let machine: Machine
    package init(_ machine: Machine) { self.machine = machine }

    /// Reads the image's specification files and the user's; the latter only when there is no user manifest, because then
    /// it is made from those at every start. A link that an entry of the manifests already claims is left out; everything
    /// that would leave the home or the volume is a finding.
    package func entries(
        _ image: [FilePath], besides known: [Entry], _ directories: [PlacedDirectory]
    ) -> (entries: [Entry], findings: [Finding]) {
        var findings: [Finding] = []
        var claimed = Set(known.compactMap(\.link))
        var result: [Entry] = []
        let root = machine.root
        var files = image.map { path in
            (path.string, ManifestLayer.image, { try root.readFileInRoot(path, limit: Self.largest) })
        }
        let volume = machine.volume
        if !ManifestLoader.hasUserManifests(machine) {
            files.append(
                (
                    machine.layout.volume.appending(Self.userSpecification.components).string, .user,
                    { try volume.readFile(Self.userSpecification, limit: Self.largest) }
                ))
        }
        for (name, layer, read) in files {
            do {
                guard let bytes = try read() else { continue }
                let (specification, problems) = LinkSpecification.read(bytes, file: name)
                findings += problems
                guard let specification else { continue }
                guard specification.home == machine.layout.home, specification.volume == machine.layout.volume else {
                    findings.append(Finding(.warning, at: name, "is for another home or volume and was ignored"))
                    continue
                }
                for link in specification.links where claimed.insert(link.link).inserted {
                    if directories.contains(where: { $0.serves(link.link) }) { continue }
                    result.append(Entry(link, layer: layer, file: name))
                }
            } catch {
                findings.append(Finding(.warning, at: name, "cannot be read: \(error.sentence)"))
            }
        }
        return (result, findings)
    }
}

extension PlacedDirectory {
    /// True if the directory as a whole serves this link of the home.
    fileprivate func serves(_ link: HomePath) -> Bool {
        switch coverage {
        case .linked, .reached: link.isInside(declaration.path)
        case .fallback, .files: false
        }
    }
}

extension Tree {
    /// Reads a file of the tree, never through a symlink; nil when it is missing.
    package func readFile(_ path: FilePath, limit: Int) throws -> [UInt8]? {
        do {
            let (directory, name) = try parent(of: path)
            return try directory.openFile(name).readAll(limit: limit, directory.label.appending(name))
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }
}

extension Entry {
    /// A link of a specification, of which nobody says whether it is a file or a directory.
    fileprivate init(_ link: SpecifiedLink, layer: ManifestLayer, file: String) {
        self.init(
            kind: .containerSymlink, source: nil, target: link.target, link: link.link,
            flags: link.removeFirst ? .removeFirst : [], isDisabled: false, layer: layer,
            location: SourceLocation(file: file, line: 1, column: 1))
    }
}
