/// Names of environment variables that every shell can hold.
package enum EnvironmentName {
    /// Whether a text is `[A-Za-z_][A-Za-z0-9_]*`.
    package static func isValid(_ text: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { byte == 0x5F || (0x61...0x7A).contains(byte | 0x20) }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
            && text.utf8.first.map(isLetter) == true
    }
}
