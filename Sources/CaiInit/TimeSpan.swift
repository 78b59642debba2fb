extension Duration {
    /// A time as people write it: seconds (`10`, `0.5`), or numbers with `ms`, `s`, `m`, `h` (`500ms`, `1m30s`). Nil for
    /// anything else, and for more than ten years.
    package init?(timeSpan text: String) {
        var rest = Substring(text)
        var sum = Duration.zero
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let isAlone = digits.count == text.count
            guard let unit = unitLengths[isAlone ? "s" : String(unit)], let amount = Duration.amount(digits) else {
                return nil
            }
            let part = (amount * unit).rounded()
            guard part <= Double(longest) * 1e9 else { return nil }
            sum += .nanoseconds(Int64(part))
            if sum > .seconds(longest) { return nil }
        }
        self = sum
    }

    /// A decimal number below ten years of seconds, without sign or exponent.
    private static func amount(_ text: Substring) -> Double? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 15, (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
            let amount = Double(text), amount <= Double(longest)
        else { return nil }
        return amount
    }
}

private let longest = 10 * 365 * 86_400
/// In nanoseconds.
private let unitLengths: [String: Double] = ["ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9]
