import CaiModel
import CaiPlatform
import SystemPackage

/// What is different in the runs of a guard, which adopts again and again.
///
/// All it displaces for a while stands under the name of one run. What an application saved and replaced by its next save is
/// no loser that has to be kept: where there are no links it would be gone as well. And a file that was taken away while
/// somebody had it open for writing can still get content.
struct Guarding {
    /// The run to go on with, as long as no other one came after it.
    let run: RunID?
    /// Called with each file that was taken from its place, before it is compared with what was stored of it: whoever
    /// watches the file from then on misses nothing.
    let taken: (_ live: HomePath, _ target: VolumePath, _ name: FilePath.Component, _ directory: Directory) -> Void
    /// Called with what was stored.
    let stored: (VolumePath, ContentDigest) -> Void
    /// The file of a `storeOpen` step.
    let open: (OpenFileID) -> OpenFile?
}

/// A file that was taken from its place and is kept open, because somebody may write to it.
final class OpenFile: Sendable {
    let descriptor: Descriptor
    /// What it was called, for messages.
    let label: FilePath

    init(_ descriptor: consuming Descriptor, label: FilePath) {
        self.descriptor = descriptor
        self.label = label
    }
}

extension Applier {
    /// Stores the content of an open file at its target; what stood there is displaced, unless it is the application's own
    /// earlier save. One that loses against the volume is displaced itself.
    func storeOpen(_ save: OpenSave, _ number: Int) throws {
        let (parent, name) = try machine.volume.parent(of: save.target.relative)
        try expect(save.stored, name, in: parent, .volume(save.target))
        guard let file = guarding?.open(save.file) else {
            throw Refusal(description: "\(machine.layout.text(save.live)) is not open any more")
        }
        let part = temporary(number, .part)
        var digest = RunningDigest()
        let copy = try file.descriptor.copyFile(
            file.label, to: parent, part, mode: save.secrecy.mode(ofFile:), durable: true,
            restart: { digest.restart() }, each: { digest.add($0) })
        let place = Place.volume(save.target)
        switch save.verdict {
        case .take: try swapIn(number, parent, name, loser: .ours(save.stored, place))
        case .keep:
            try displaced.take(part, in: parent, as: Place.home(save.live).displacedPath)
            return
        default: try swapIn(number, parent, name, loser: .displace(place))
        }
        note(save.target, digest.digest, copy.source, secrecy: save.secrecy, withKeys: true)
    }
}
