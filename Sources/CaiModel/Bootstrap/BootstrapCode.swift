/// The one-time code of the first login as `.initial-otp.json` keeps it (predecessors 2.6): a salted hash, never the code.
package struct BootstrapCode: Hashable, Sendable {
    package let createdAt: Timestamp
    /// 32 hexadecimal digits.
    package let salt: String
    /// SHA-256 of `salt:code`, in hexadecimal digits.
    package let hash: String
    /// Nil in a file of the predecessors, and where codes do not expire.
    package var expiresAt: Timestamp?
    /// How often another code was given in place of it; nil in a file of the predecessors, which count nothing.
    package var failures: Int?
    package var failedAt: Timestamp?
    /// When somebody showed to have it.
    package var verifiedAt: Timestamp?
    /// Whether it was told to somebody.
    package var isShown: Bool
    /// Whether it works although there are users: an operator asked for that.
    package var isForced: Bool

    /// A new code. `expiry`: nil where it does not expire.
    package init(salt: String, hash: String, now: Timestamp, expiry: Int64?, isForced: Bool) {
        createdAt = now
        self.salt = salt
        self.hash = hash
        expiresAt = expiry.map { now.advanced(by: $0) }
        failures = 0
        isShown = false
        self.isForced = isForced
    }

    /// The same as the predecessors keep it: without limits, and shown whenever somebody asks.
    package func withoutLimits() -> BootstrapCode {
        var code = self
        (code.expiresAt, code.failures, code.isShown, code.isForced) = (nil, nil, true, false)
        return code
    }
}

/// Why a file is no code: it is as if there was none.
package struct BootstrapCodeProblem: Error, Hashable, Sendable {}

extension BootstrapCode {
    private static let version = 1

    /// Reads the file; what other programs added to it is not looked at.
    package init(reading bytes: [UInt8]) throws(BootstrapCodeProblem) {
        guard let root = try? JSONDocument(bytes).root,  // a text that is no JSON holds no code
            root["version"]?.integer == Self.version, root["active"]?.bool == true,
            let createdAt = root["created_at"]?.string.flatMap({ Timestamp($0) }),
            let salt = root["salt"]?.string, isHexadecimal(salt, count: 32),
            let hash = root["otp_hash"]?.string, isHexadecimal(hash, count: 64)
        else { throw BootstrapCodeProblem() }
        let moment = { (key: String) in root[key]?.string.flatMap { Timestamp($0) } }
        self.createdAt = createdAt
        self.salt = salt
        self.hash = hash
        expiresAt = moment("expires_at")
        failures = root["attempts"]?.integer.map { max(0, $0) }
        failedAt = moment("failed_at")
        verifiedAt = moment("verified_at")
        isShown = root["shown"]?.bool ?? true
        isForced = root["forced"]?.bool ?? false
    }
}

extension BootstrapCode: Encodable {
    private enum Key: String, CodingKey {
        case version, isActive = "active", createdAt = "created_at", salt, hash = "otp_hash", expiresAt = "expires_at"
        case failures = "attempts", failedAt = "failed_at", verifiedAt = "verified_at", isShown = "shown"
        case isForced = "forced"
    }

    /// Writes the file: the predecessors' five fields, and the others where the code has limits.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode(true, forKey: .isActive)
        try container.encode(createdAt.description, forKey: .createdAt)
        try container.encode(salt, forKey: .salt)
        try container.encode(hash, forKey: .hash)
        guard let failures else { return }
        try container.encode(failures, forKey: .failures)
        try container.encodeIfPresent(expiresAt?.description, forKey: .expiresAt)
        try container.encodeIfPresent(failedAt?.description, forKey: .failedAt)
        try container.encodeIfPresent(verifiedAt?.description, forKey: .verifiedAt)
        try container.encode(isShown, forKey: .isShown)
        if isForced { try container.encode(true, forKey: .isForced) }
    }
}

extension Timestamp {
    /// The moment so many seconds later.
    func advanced(by seconds: Int64) -> Timestamp {
        Timestamp(
            secondsSinceEpoch: secondsSinceEpoch.addingReportingOverflow(seconds).overflow
                ? .max : secondsSinceEpoch + seconds)
    }
}

private func isHexadecimal(_ text: String, count: Int) -> Bool {
    text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}

/// Whether two secrets are the same, in a time that only depends on their lengths.
package func isSameSecret(_ one: some Collection<UInt8>, _ other: some Collection<UInt8>) -> Bool {
    zip(one, other).reduce(one.count == other.count ? 0 : 1) { $0 | ($1.0 ^ $1.1) } == 0
}
