import CaiModel
import CaiPlatform
import SystemPackage

/// Makes the steps of a plan come true, one after the other.
///
/// Each step first looks whether what it expects still holds, and is refused when it does not. Data is copied to a
/// temporary name, made durable and renamed into place; what had the place comes out of the rename and is displaced. A
/// kill at any system call therefore leaves every byte at its old place, its new place, or under a temporary name that
/// `Recovery` finds through the journal.
final class Applier {
    let machine: Machine
    let run: RunID
    let displaced: DisplacedRun
    var baseline: Baseline
    /// Collects what a step notices while it runs.
    var findings: [Finding] = []
    /// Directories of the volume that get their mode back, as far as the journal knows them.
    private var loosened: [VolumePath: UInt16] = [:]
    /// Whether temporary names are left that the next run has to look at.
    private(set) var isUnfinished = false
    /// The mounts that nothing can be written to.
    private var stops = MountStops()
    /// The contents of the files that steps of the present plan make.
    var newFiles: NewFiles

    /// What is different for a guard.
    let guarding: Guarding?

    init(_ machine: Machine, run: RunID, baseline: Baseline, guarding: Guarding? = nil) {
        self.machine = machine
        self.guarding = guarding
        self.run = run
        self.baseline = baseline
        displaced = DisplacedRun(machine.volume, id: run)
        newFiles = NewFiles(machine.volume, run)
    }

    /// Applies all steps. A failed step stops only those that need a mount which is full or read-only. A mode that the file
    /// system of the agent's own file refuses is no outcome: it is noted in `UnkeptFacts`.
    func apply(_ steps: [Step], firstNumber: Int = 0) -> [Outcome] {
        newFiles.prepare(steps, firstNumber: firstNumber)
        defer { newFiles.discard() }
        return steps.enumerated().compactMap { number, step in
            if let reason = stops.reason(against: step, machine) {
                return Outcome(step: step, result: .skipped(reason: reason))
            }
            let before = displaced.paths.count
            findings = []
            guard let (result, advice) = apply(step, firstNumber + number) else { return nil }
            return Outcome(
                step: step, result: result, displaced: Array(displaced.paths[before...]), findings: findings,
                advice: advice)
        }
    }

    private func apply(_ step: Step, _ number: Int) -> (result: StepResult, advice: String?)? {
        do {
            try carryOut(step, number)
            return (.done, nil)
        } catch is UnkeptMode {
            return nil
        } catch {
            let call = error as? SystemCallError
            // First, because the removal of what was begun gives room back.
            let advice = call?.advice(needed: step.neededBytes)
            if let call { stops.note(call) }
            let recovery = Recovery(machine, displaced: displaced)
            if !recovery.tidyUp(after: step, run: run, number: number, &findings) { isUnfinished = true }
            return error is Refusal
                ? (.refused(reason: error.sentence), nil) : (.failed(reason: error.sentence), advice)
        }
    }

    private func carryOut(_ step: Step, _ number: Int) throws {
        switch step {
        case .makeDirectory(let path, let mode): try makeDirectory(path, mode)
        case .makeFile(let path, let content, let mode): try makeFile(path, content, mode, number)
        case .fillEmpty(let path, let content, let mode): try fillEmpty(path, content, mode, number)
        case .setMode(let path, let from, let to): try setMode(path, from, to)
        case .adopt(let adoption): try adopt(adoption, number)
        case .storeOpen(let save): try storeOpen(save, number)
        case .putLink(let link, let target, let replacing, let isPrivate):
            try putLink(link, target, replacing, isPrivate, number)
        case .setAside(let link, let target, let found, let parts):
            try setAside(link, target, found, parts, number)
        case .removeLink(let link, let text): try removeLink(link, text)
        case .linkOnVolume(let path, let text): try linkOnVolume(path, text)
        case .write(let place, let content, let mode, let replacing, let isOurs):
            try write(place, content, mode, replacing, isOurs, number)
        case .restore(let path, let source, let place, let found):
            try restore(path, of: source, to: place, found, number)
        case .move(let from, let to, let mode): try move(from, to, mode, number)
        case .place: throw Refusal(description: "it is carried out together with others only")
        }
    }

    /// Notes the mode of a directory that its owner may not write to, before it is changed for a moment, so that the next
    /// run puts it right when this one is killed.
    func noteMode(_ mode: UInt16, of path: VolumePath) throws {
        guard mode & 0o300 != 0o300, loosened[path] != mode else { return }
        loosened[path] = mode
        try Journal(volume: machine.volume).note(loosened, of: run)
    }

    func temporary(_ number: Int, _ kind: TemporaryName.Kind) -> FilePath.Component {
        TemporaryName.make(run, number, kind)
    }
}

/// A mode that the file system refuses.
struct UnkeptMode: Error {}

/// What a step expected to find no longer holds.
struct Refusal: Error, CustomStringConvertible {
    let description: String
}

extension Error {
    /// The error as part of a sentence that names the path.
    package var sentence: String {
        if let blocked = self as? BlockedPath {
            let kind = blocked.kind == .symlink ? "a symlink" : "not a directory"
            return "\(blocked.ancestor.printable) is \(kind); cai does not go through it"
        }
        return "\(self)"
    }
}
