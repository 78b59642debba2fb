import CaiModel
import CaiPlatform
import SystemPackage

/// Paths of the volume that are mounts, or have one below them, so that they cannot be replaced or removed.
struct MountedTargets: Error {
    let paths: Set<VolumePath>
}

extension Placement {
    /// True if what stands at the target has to leave its place.
    var replaces: Bool {
        switch (content, found) {
        case (_, .missing), (.mode, _), (.time, _), (.files, _), (.directory, .directory): false
        default: true
        }
    }
}

extension Planned {
    /// The same without the placements at or below these targets, and with a finding for each of them.
    func leaving(_ mounted: Set<VolumePath>, _ layout: Layout) -> Self {
        var result = self
        result.plan.steps.removeAll { step in
            guard case .place(let placement) = step else { return false }
            return placement.target.isAtOrBelow(mounted)
        }
        for path in mounted.sorted() {
            result.plan.findings.append(
                Finding(
                    .warning, at: layout.text(path),
                    "is a mount, or has one below it, and stays as it is: what is mounted is not replaced",
                    advice: "change it where it comes from, or start the container without that mount"))
        }
        return result
    }

    /// The targets of the plan that are mounts, or have one below them.
    func mountedTargets(on machine: Machine) -> Set<VolumePath> {
        let reader = NodeReader(machine.volume)
        var mounts = MountsBelow()
        return Set(
            plan.placements.lazy.filter(\.replaces).map(\.target).filter { target in
                guard let parent = reader.openParent(of: target.relative), let name = target.relative.lastComponent
                else {
                    return false
                }
                return parent.isMountPoint(name) || mounts.lieBelow(name, parent, reader.node(at: target.relative))
            })
    }
}
