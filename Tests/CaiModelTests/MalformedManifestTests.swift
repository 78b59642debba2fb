import CaiManifests
import CaiModel
import Testing

/// Numbers that are the same in every run.
private struct FixedNumbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
    }
}

@Suite struct `Malformed manifests` {
    static let fragments = [
        "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "=", ".", ",", "#", "\n", "\r", "\u{0}", "\\", "é",
        "\u{FEFF}", "\\u0000", "1e9", "0x", "nan", "1979-05-27", "[[entries]]", "flags = \"d\"", "_", "+", "\u{2028}",
    ].map { Array($0.utf8) }

    @Test(.timeLimit(.minutes(1)))
    func `twenty thousand mutations of valid manifests are read without harm`() {
        let seeds = BuiltInManifests.files.map { Array($0.bytes.prefix(350)) }
        var numbers = FixedNumbers(state: 20_260_101)
        var declared = 0
        var broken = 0
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &numbers) { mutate(&bytes, using: &numbers) }
            let contents = ManifestReader.read(ManifestFile(name: "m", layer: .user, bytes: bytes))
            declared += contents.entries.count
            broken += contents.findings.contains { $0.severity == .error } ? 1 : 0
        }
        #expect(declared > 1000)
        #expect(broken > 1000)
    }

    private func mutate(_ bytes: inout [UInt8], using numbers: inout FixedNumbers) {
        guard !bytes.isEmpty else { return }
        let at = Int.random(in: 0..<bytes.count, using: &numbers)
        switch Int.random(in: 0..<5, using: &numbers) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &numbers)
        case 1: bytes.remove(at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 40))
        case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 60)], at: at)
        default: bytes.insert(contentsOf: Self.fragments.randomElement(using: &numbers) ?? [], at: at)
        }
    }
}
