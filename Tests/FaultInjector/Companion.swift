import CPlatform
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// Another process, as far as `cai` can tell: something that keeps changing a world until it is stopped.
final class Companion: Sendable {
    private let isStopped = Atomic(false)
    private let end = DispatchSemaphore(value: 0)

    /// Calls `act` over and over; `act` gets the number of the call.
    init(_ act: @escaping @Sendable (Int) -> Void) {
        DispatchQueue(label: "companion").async { [self] in
            var number = 0
            while !isStopped.load(ordering: .acquiring) {
                number += 1
                act(number)
            }
            end.signal()
        }
    }

    /// Lets the current call end and waits for it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        end.wait()
    }
}

/// Exchanges two names of one directory in one step; whether that worked.
@discardableResult
func exchange(_ first: FilePath, _ second: FilePath) -> Bool {
    first.withPlatformString { first in
        second.withPlatformString { cai_renameat2(AT_FDCWD, first, AT_FDCWD, $0, 2) == 0 }
    }
}

/// Saves the way agents do: a temporary file beside the target, renamed over it. Whether the save was completed.
func save(_ text: String, at path: FilePath) -> Bool {
    let temporary = FilePath(path.string + ".saving")
    let descriptor = temporary.withPlatformString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { return false }
    let bytes = Array(text.utf8)
    let isWritten = write(descriptor, bytes, bytes.count) == bytes.count
    _ = fchown(descriptor, Tree.agent, Tree.agent)
    close(descriptor)
    guard isWritten else { return false }
    return temporary.withPlatformString { from in path.withPlatformString { rename(from, $0) == 0 } }
}
