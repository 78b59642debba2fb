package import SystemPackage

/// What is true of one path that has to persist, and what to do about it.
package struct PersistenceVerdict: Hashable, Sendable {
    package let wanted: PersistentPath
    package let kind: StorageKind
    /// What is, or for a missing path would be, behind it; printable.
    package let source: String
    package let survival: Survival
    package let risk: PersistenceRisk
    /// Whether writing fails. A problem of its own: what is there persists, what comes does not.
    package let isReadOnly: Bool
    /// Whether the right thing is mounted and only cannot be written: the same mount without `:ro` mends it.
    package let needsOnlyWriting: Bool
    /// What limits the kind here, one sentence each.
    package let notes: [String]
    package let mount: Mount?
    /// Nil when there is nothing to fix, when the path cannot be written on one line, and for a read-only mount whose source
    /// cannot be told from inside.
    package let fix: PersistenceFix?

    /// Judges one path by what was seen of it and what holds it.
    package init(_ wanted: PersistentPath, sighting: PathSighting, classification: MountClassification) {
        var notes = classification.notes.map(\.sentence)
        var survival = classification.kind.survival
        var risk = classification.notes.map(\.risk).reduce(classification.kind.risk, max)
        if classification.notes.contains(.deletedSource) { survival = .nothing }
        var kind = classification.kind
        switch sighting.presence {
        case .directory: break
        case .other:
            if wanted.isDirectory {
                kind = .notADirectory
                risk = max(risk, kind.risk)
                survival = .unknown
            }
        case .missing:
            // A volume that holds the parent will hold the path as soon as somebody makes it.
            notes.append("It would be created on this: \(kind.words), \(classification.source).")
            risk = survival.recreate == true ? max(risk, .low) : StorageKind.missing.risk
            kind = .missing
        case .unreadable(let reason):
            kind = .unknown
            survival = .unknown
            risk = .unknown
            notes.append("It cannot be looked at: \(reason).")
        }
        if case .unreadable = sighting.presence {
            isReadOnly = false
        } else {
            isReadOnly = classification.mount?.isReadOnly ?? sighting.isReadOnly ?? (kind == .readOnlyImage)
        }
        if isReadOnly, risk < .high { risk = .high }
        if isReadOnly { notes.append("It is read-only: nothing new can be saved here.") }
        var isKept = survival.restart == true && survival.recreate == true
        if [.notADirectory, .kubernetesObject, .readOnlyImage].contains(kind) { isKept = false }
        needsOnlyWriting = isReadOnly && isKept
        self.wanted = wanted
        self.kind = kind
        self.source = classification.source
        self.survival = survival
        self.risk = risk
        self.notes = notes
        mount = classification.mount
        if needsOnlyWriting {
            // Only an engine's volume has a name that can be written in a fix; of the rest the operator knows the source.
            let name = mount?.engineVolume(mountedAt: sighting.resolved)
            fix = name.flatMap { PersistenceFix(for: wanted, keeping: $0) }
        } else {
            fix = risk > .none && kind != .kernel ? PersistenceFix(for: wanted) : nil
        }
    }

    package var path: FilePath { wanted.path }

    /// Whether restart and recreate both keep the content; nil when nobody can tell.
    package var isPersistent: Bool? {
        if kind == .notADirectory || kind == .kubernetesObject || kind == .readOnlyImage { return false }
        guard let restart = survival.restart, let recreate = survival.recreate else { return nil }
        return restart && recreate
    }

    /// Whether this path fails a check. Strict also fails what cannot be told and what is only probably kept.
    package func isProblem(strict: Bool) -> Bool {
        if isReadOnly || isPersistent == false || risk >= .high { return true }
        return strict && risk > .none
    }
}
