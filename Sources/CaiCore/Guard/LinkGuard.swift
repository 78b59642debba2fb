package import CaiModel
package import CaiPlatform
import SystemPackage

/// A machine under a guard, with every entry of its manifests and the links of specification files.
package struct GuardedMachine: Sendable {
    package let machine: Machine
    /// The entries whose links are guarded; empty if only displaced secrets are looked after.
    package let entries: [Entry]
    /// The places of secrets.
    let secrets: SecretPlaces
    let guardsLinks: Bool
    /// The findings about settings and manifests.
    package let findings: [Finding]

    /// `guardsLinks` is false where the setting `link_guard` is: then only displaced secrets are removed by their age.
    package init(
        machine: Machine, entries: [Entry], directories: [PlacedDirectory], guardsLinks: Bool = true,
        findings: [Finding]
    ) {
        self.machine = machine
        self.entries = guardsLinks ? entries : []
        self.guardsLinks = guardsLinks
        self.findings = guardsLinks ? findings : []
        secrets = SecretPlaces(entries, directories: directories)
    }
}

/// Keeps the links into the volume links, while applications save.
///
/// **What it sees.** Every directory that leads to a link or to its target is watched (`WatchedTree`), and so are the user's
/// manifests. A place in which something happened is looked at when it has been quiet for a moment, or after a while if it
/// never is (`AdoptionSchedule`); names that are nobody's cost one look into a table. Lost events, a directory that cannot be
/// watched and a machine without inotify cost only time: everything is looked at in intervals as well.
///
/// **What it does** is what every repair does, with the same planner and applier, lock and journal (`planGuard`). A file is
/// copied to the volume, the copy is made durable and takes its place there, then the link is exchanged for the file, and
/// what comes out of the exchange is compared with the copy: what was saved meanwhile is stored again. So at every moment the
/// name leads to a whole file, and a kill at any moment leaves the newest content in the home, on the volume, or both.
///
/// **Files that are open.** A file that is created in place is left alone until it is closed, for a second at most. One that
/// is taken away while somebody has it open for writing has no name any more, so what is written to it would be lost: it is
/// kept open and watched from before that comparison until the last writer has closed it, and what was written goes to the
/// volume (`OpenFiles`). Whether there is a writer the kernel tells (a read lease is refused); nobody is asked to stop. If
/// the guard itself is killed meanwhile, what such a writer writes after that is lost.
///
/// **What it keeps.** Content that an application replaced by its own next save is gone, as it is where there are no links;
/// everything else that has to make room is displaced. One run takes all that is displaced in an hour, so that a guard never
/// drives out what people asked for (`Retention`). Displaced secrets are removed an hour later (`SecretSweep`); the guard
/// wakes for that only if there is one.
///
/// **As whom.** All of it as the owner of the files, on the thread that calls `run`, which may be beside threads that stay
/// root. Only a target on the volume whose owner is wrong is given to the owner as root, by the rules of the boot.
package final class LinkGuard: Sendable {
    /// The command in the names of runs.
    static let command = "guard"

    let workplace: Workplace
    let load: @Sendable () throws -> GuardedMachine
    let report: @Sendable (GuardEvent) -> Void
    let stopper: Waker

    /// `load` reads settings and manifests, now and whenever they change; `report` hears of everything, on the guard's
    /// thread. The guard ends when `stopper` is woken.
    package init(
        _ workplace: Workplace, stopper: Waker, load: @escaping @Sendable () throws -> GuardedMachine,
        report: @escaping @Sendable (GuardEvent) -> Void
    ) {
        self.workplace = workplace
        self.stopper = stopper
        self.load = load
        self.report = report
    }

    /// Guards until it is stopped; what is waiting then is done first. Throws what keeps it from beginning.
    package func run() throws { try GuardLoop(self, try load()).run() }
}

/// A guard on a thread of its own, for a process that does other things as well.
///
/// What keeps it from beginning, such as a volume that is not there yet, is told, and it tries again.
package final class GuardThread: Sendable {
    private let stopper: Waker
    private let thread: Thread?

    /// Starts it. The signals that this thread holds back never interrupt it. Without `guardsLinks` a guard that cannot begin
    /// is not reported.
    package init(
        _ workplace: Workplace, guardsLinks: Bool = true, load: @escaping @Sendable () throws -> GuardedMachine,
        report: @escaping @Sendable (GuardEvent) -> Void
    ) throws {
        let stopper = try Waker()
        let guardian = LinkGuard(workplace, stopper: stopper, load: load, report: report)
        self.stopper = stopper
        thread = Thread {
            var told = ""
            while true {
                do {
                    return try guardian.run()
                } catch {
                    let sentence = "are not guarded: \(error.sentence)"
                    // Once: a container without a volume may stay so.
                    if guardsLinks, sentence != told {
                        report(GuardEvent(.failed, "links", sentence: sentence, severity: .warning))
                    }
                    told = sentence
                }
                // Without an answer it would ask again without a pause.
                let pause = Duration.seconds(guardsLinks ? 10 : 600)
                guard let isStopped = try? Input.wait(for: [stopper.raw], atMost: pause), !isStopped[0] else {
                    return
                }
            }
        }
        if thread == nil {
            report(
                GuardEvent(.failed, "links", sentence: "are not guarded: no thread is to be had", severity: .warning))
        }
    }

    /// Lets it finish what is waiting, and end.
    package func stop() {
        stopper.wake()
        thread?.join()
    }
}
