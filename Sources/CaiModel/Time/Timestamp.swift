/// A moment in whole seconds since 1970 in UTC, and the two spellings that `cai` writes.
///
/// The day is computed from the calendar's rules alone (the proleptic Gregorian calendar, years 0000 to 9999), so that no
/// time zone, locale or formatter has a say. There are no leap seconds.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let secondsSinceEpoch: Int64

    /// The first and the last moment that have a spelling.
    package static let earliest = Timestamp(unchecked: -62_167_219_200)
    package static let latest = Timestamp(unchecked: 253_402_300_799)

    /// The moment; one outside of the years 0000 to 9999 becomes the nearest one inside.
    package init(secondsSinceEpoch: Int64) {
        let bounds = Self.earliest.secondsSinceEpoch...Self.latest.secondsSinceEpoch
        self.init(unchecked: min(max(secondsSinceEpoch, bounds.lowerBound), bounds.upperBound))
    }

    private init(unchecked seconds: Int64) { secondsSinceEpoch = seconds }

    /// Reads `2026-01-31T23:59:59Z` or `20260131T235959Z`, exactly so; nil for everything else, days that do not exist
    /// included.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard let places = [Self.spelling, Self.compactSpelling].lazy.compactMap({ digits(of: bytes, in: $0) }).first
        else {
            return nil
        }
        let fields = [0..<4, 4..<6, 6..<8, 8..<10, 10..<12, 12..<14].map { places[$0].reduce(0) { $0 * 10 + $1 } }
        let date = CivilDate(year: fields[0], month: fields[1], day: fields[2])
        guard date.exists, fields[3] < 24, fields[4] < 60, fields[5] < 60 else { return nil }
        self.init(unchecked: date.daysSinceEpoch * 86_400 + fields[3] * 3_600 + fields[4] * 60 + fields[5])
    }

    /// The moment as `2026-01-31T23:59:59Z`.
    package var description: String { text(Self.spelling) }

    /// The moment as `20260131T235959Z`, which sorts like time and is a good file name.
    package var compact: String { text(Self.compactSpelling) }

    package static func < (left: Self, right: Self) -> Bool { left.secondsSinceEpoch < right.secondsSinceEpoch }

    /// The spellings, a `0` for every digit.
    private static let spelling = Array("0000-00-00T00:00:00Z".utf8)
    private static let compactSpelling = Array("00000000T000000Z".utf8)

    private func text(_ spelling: [UInt8]) -> String {
        let days = secondsSinceEpoch.flooringQuotient(by: 86_400)
        let second = secondsSinceEpoch - days * 86_400
        let date = CivilDate(daysSinceEpoch: days)
        let fields = [
            (date.year, 4), (date.month, 2), (date.day, 2), (second / 3_600, 2), (second / 60 % 60, 2),
            (second % 60, 2),
        ]
        var digits = fields.flatMap { paddedDigits($0, count: $1) }[...]
        return String(decoding: spelling.map { $0 == UInt8(ascii: "0") ? digits.popFirst() ?? $0 : $0 }, as: UTF8.self)
    }
}

/// A day of the calendar.
struct CivilDate: Equatable {
    let year: Int64
    let month: Int64
    let day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day by its number, 1970-01-01 being 0.
    ///
    /// Years are counted from March, which puts the leap day at the end of the year, in cycles of 400 years with 146,097
    /// days; the day before cycle 0 is 0000-02-29.
    init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let cycle = shifted.flooringQuotient(by: 146_097)
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
    }

    /// The number of the day, 1970-01-01 being 0.
    var daysSinceEpoch: Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let cycle = yearFromMarch.flooringQuotient(by: 400)
        let yearOfCycle = yearFromMarch - cycle * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return cycle * 146_097 + yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear - 719_468
    }

    /// Whether the calendar has this day.
    var exists: Bool {
        (1...12).contains(month) && day >= 1 && CivilDate(daysSinceEpoch: daysSinceEpoch) == self
    }
}

extension Int64 {
    /// The quotient rounded down, also below zero.
    fileprivate func flooringQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

/// The digits of a text that is spelled like the pattern; nil for any other.
private func digits(of bytes: [UInt8], in pattern: [UInt8]) -> [Int64]? {
    guard bytes.count == pattern.count else { return nil }
    var result: [Int64] = []
    for (byte, expected) in zip(bytes, pattern) {
        if expected != UInt8(ascii: "0") {
            guard byte == expected else { return nil }
        } else {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            result.append(Int64(byte - UInt8(ascii: "0")))
        }
    }
    return result
}

private func paddedDigits(_ number: Int64, count: Int) -> [UInt8] {
    let text = Array(String(number).utf8)
    return Array(repeating: UInt8(ascii: "0"), count: max(0, count - text.count)) + text
}
