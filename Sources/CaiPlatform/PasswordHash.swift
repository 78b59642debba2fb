import CPlatform
import Glibc
import SystemPackage

/// Hashes of passwords as shadow(5) holds them (libxcrypt, crypt(5)).
package enum PasswordHash {
    /// The hash of a password with a fresh salt. Takes tens of milliseconds by intention. Throws what the library says.
    package static func make(_ password: String) throws(SystemCallError) -> String {
        var result = [CChar](repeating: 0, count: 512)
        _ = try check("hash", "the password") { cai_hash_password(password, &result, result.count) }
        return String(decoding: result.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a password is the one of a hash. False for a locked one and for what is no hash.
    package static func matches(_ password: String, _ hash: String) -> Bool {
        cai_password_matches(password, hash) != 0
    }
}

extension Descriptor {
    /// Waits up to `timeout` for the exclusive lock of the file that lckpwdf(3) takes too; false when somebody else kept it.
    /// It is given up with the descriptor, and by the kernel with its holder: a dead process keeps nothing.
    package func lockLikePasswordFile(_ timeout: Duration, _ label: String) throws(SystemCallError) -> Bool {
        let deadline = ContinuousClock.now + timeout
        while true {
            if cai_lock_exclusively(raw) == 0 { return true }
            let error = currentErrno
            guard [EAGAIN, EACCES, EINTR].contains(error) else {
                throw SystemCallError("lock", label, .init(rawValue: error))
            }
            if ContinuousClock.now >= deadline { return false }
            Pause.milliseconds(20)  // such locks have no waiting with a limit
        }
    }
}
