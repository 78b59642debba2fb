import CaiModel
import Testing

@Suite struct `Timestamps` {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z", "19700101T000000Z"), (-1, "1969-12-31T23:59:59Z", "19691231T235959Z"),
        (951_782_400, "2000-02-29T00:00:00Z", "20000229T000000Z"),
        (1_709_251_199, "2024-02-29T23:59:59Z", "20240229T235959Z"),
        (1_709_251_200, "2024-03-01T00:00:00Z", "20240301T000000Z"),
        (2_147_483_647, "2038-01-19T03:14:07Z", "20380119T031407Z"),
        (2_147_483_648, "2038-01-19T03:14:08Z", "20380119T031408Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z", "21000228T235959Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z", "21000301T000000Z"),
        (4_294_967_296, "2106-02-07T06:28:16Z", "21060207T062816Z"),
        (-62_167_219_200, "0000-01-01T00:00:00Z", "00000101T000000Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z", "99991231T235959Z"),
    ])
    func `a moment has two spellings and both are read back`(seconds: Int64, text: String, compact: String) {
        let moment = Timestamp(secondsSinceEpoch: seconds)
        #expect(moment.description == text)
        #expect(moment.compact == compact)
        #expect(Timestamp(text) == moment)
        #expect(Timestamp(compact) == moment)
    }

    @Test(arguments: [
        "", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01T00:00:00Z\n", "+026-01-01T00:00:00Z",
        "2026-01-01T00:00:0０Z",
        "20260101T000000", "2026-0101T000000Z",
    ])
    func `anything else is no timestamp`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func `days of four hundred years come back and the spellings sort like time`() {
        var previous = Timestamp(secondsSinceEpoch: -1).description
        for day in stride(from: Int64(0), to: 146_097, by: 13) {
            let moment = Timestamp(secondsSinceEpoch: day * 86_400)
            let text = moment.description
            if Timestamp(text) != moment || previous >= text { Issue.record("day \(day) is \(text)") }
            previous = text
        }
    }

    @Test func `a moment out of range becomes the nearest one in range`() {
        #expect(Timestamp(secondsSinceEpoch: .max) == .latest)
        #expect(Timestamp(secondsSinceEpoch: .min) == .earliest)
    }
}
