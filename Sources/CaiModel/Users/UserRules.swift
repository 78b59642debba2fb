/// Which names users may have.
package enum UserName {
    /// Why a name cannot be that of an account, as the end of a sentence; nil when it can. This much is asked of names that
    /// exist: what `useradd` and the predecessors made is accepted.
    package static func problem(_ name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.unicodeScalars.count > 32 { return "is longer than 32 characters" }
        if name.hasPrefix("-") || name.hasPrefix(".") || name.hasPrefix("+") {
            return "begins with a character that is not allowed"
        }
        let isPlain = name.unicodeScalars.allSatisfy { scalar in
            scalar == "_" || scalar == "-" || scalar == "." || scalar.properties.isAlphabetic
                || scalar.properties.numericType != nil
        }
        if !isPlain { return "holds a character that is not allowed" }
        return name.unicodeScalars.allSatisfy({ ("0"..."9").contains($0) }) ? "is a number" : nil
    }

    /// Why a new user may not have a name, as the end of a sentence; nil when it may: lower-case letters, digits, `_` and
    /// `-`, a letter or `_` first, at most 32 (useradd(8)).
    package static func problemOfNew(_ name: String) -> String? {
        let isRight = name.wholeMatch(of: /[a-z_][a-z0-9_\-]{0,31}/) != nil
        return isRight ? nil : "has to be of 1 to 32 lower-case letters, digits, _ and -, and begin with a letter or _"
    }
}

/// What can stand in the password field of an account.
package enum PasswordField {
    /// Whether a text is a hash of crypt(5), locked or not, or a mark that no password leads to. An empty field lets
    /// everybody in, and is not.
    package static func isUsable(_ text: String) -> Bool {
        if text.allSatisfy({ $0 == "!" || $0 == "*" }) { return !text.isEmpty }
        return isHash(AccountDatabase.unlocked(text))
    }

    /// Whether a text is a hash of crypt(5), by its form.
    package static func isHash(_ text: String) -> Bool {
        guard text.utf8.count <= 384,
            text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) && ![0x3A, 0x21, 0x2A, 0x5C].contains($0) })
        else { return false }
        if text.hasPrefix("$") {
            return text.wholeMatch(of: /\$[a-z0-9\-]+\$[^$].*\$?.*/) != nil && text.utf8.count >= 20
        }
        if text.hasPrefix("_") { return text.utf8.count == 20 }
        return text.utf8.count == 13
    }
}

/// Which passwords are good enough (predecessors 2.6).
package enum PasswordPolicy {
    package static let shortest = 12

    /// Why a password is not accepted, as the end of a sentence that does not quote it; nil when it is.
    package static func problem(_ password: String) -> String? {
        if password.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "holds a control character"
        }
        if password.count < shortest { return "has less than \(shortest) characters" }
        if password.utf8.count > 511 { return "is longer than 511 bytes" }
        let classes: [(Character) -> Bool] = [
            \.isLowercase, \.isUppercase, \.isNumber, { !$0.isLetter && !$0.isNumber },
        ]
        let count = classes.filter { password.contains(where: $0) }.count
        return count >= 3 ? nil : "needs three of: lower-case letters, upper-case letters, digits, others"
    }

    /// How long generated passwords are.
    package static let generatedLength = 30

    /// A password made of random bytes that meets the policy; nil when there were not enough of them. Every character is
    /// as likely as every other.
    package static func generate(from random: [UInt8]) -> String? {
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_=+.,")
        let fair = random.filter { Int($0) < 256 / letters.count * letters.count }.prefix(generatedLength)
        let password = String(fair.map { letters[Int($0) % letters.count] })
        return fair.count == generatedLength && problem(password) == nil ? password : nil
    }
}
