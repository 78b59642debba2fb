import CPlatform
import Synchronization
package import SystemPackage

/// Lets two paths change places in one move; false when one of them is missing.
package func renameExchange(_ one: FilePath, _ other: FilePath) -> Bool {
    let exchange: UInt32 = 2  // RENAME_EXCHANGE
    return one.withPlatformString { one in
        other.withPlatformString { cai_renameat2(-100, one, -100, $0, exchange) == 0 }  // -100: AT_FDCWD
    }
}

/// Something that one task tells another once.
package final class Flag: Sendable {
    private let state = Mutex(false)
    package init() {}
    package var isSet: Bool { state.withLock { $0 } }
    package func set() { state.withLock { $0 = true } }
}
