import CaiModel
import Testing

@Suite struct `A line that was cut` {
    @Test(arguments: [
        ("a sesame bcde", "a *** bcde"), ("nothing ses", "nothing "), ("sesame", "***"),
        ("plain and long", "plain and long"), ("sesames", "***"), ("sessesam", "ses"),
    ])
    func `loses its secrets and what may begin one`(line: String, rest: String) {
        let redactor = Redactor(secrets: ["sesame"])
        #expect(String(decoding: redactor.redacting(cut: Array(line.utf8)), as: UTF8.self) == rest)
    }

    @Test func `stays as it is without secrets`() {
        #expect(Redactor(secrets: [String]()).redacting(cut: [1, 2, 3]) == [1, 2, 3])
    }
}
