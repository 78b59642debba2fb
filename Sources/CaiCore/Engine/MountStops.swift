import CaiModel
import CaiPlatform
import SystemPackage

/// The mounts on which a step of a run failed in a way that every other step there would.
///
/// One path's error says nothing about another mount: steps elsewhere are tried. Nothing is asked about mounts as long as no
/// step fails.
struct MountStops {
    /// The room below which nothing more is tried.
    private static let leastRoom: UInt64 = 64 << 10

    private var reasons: [(mount: UInt64, reason: String)] = []

    /// Notes the mount of a failed call if it is read-only, or has no room at all.
    mutating func note(_ error: SystemCallError) {
        guard [.readOnlyFileSystem, .noSpace].contains(error.errno) else { return }
        let site = FailureSite(error)
        guard let mount = site.mount, let path = error.nearestPath, let number = PathFacts(path)?.mountID else {
            return
        }
        let isFull = mount.freeNodes == 0 || mount.freeBytes.map { $0 < Self.leastRoom } ?? false
        guard error.errno == .readOnlyFileSystem ? mount.isReadOnly : isFull else { return }
        if reasons.contains(where: { $0.mount == number }) { return }
        reasons.append((number, "not tried after: \(error)"))
    }

    /// The reason not to try a step: a place that it writes to lies on such a mount.
    func reason(against step: Step, _ machine: Machine) -> String? {
        if reasons.isEmpty { return nil }
        for place in step.writtenPlaces {
            let (tree, path) = machine.tree(of: place)
            let number = Mounts.id(of: tree.nearestDirectory(path.removingLastComponent()).descriptor)
            if let found = reasons.first(where: { $0.mount == number }) { return found.reason }
        }
        return nil
    }
}

extension Tree {
    /// The directory at a path, or the nearest one above it that can be opened.
    func nearestDirectory(_ path: FilePath) -> Directory {
        var current = root
        for name in path.components {
            guard let next = try? current.openDirectory(name) else { break }  // the one above it is the nearest
            current = next
        }
        return current
    }
}
