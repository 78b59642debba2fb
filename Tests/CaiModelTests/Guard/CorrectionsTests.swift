import CaiModel
import SystemPackage
import Testing

@Suite struct `Corrections that something undoes` {
    private let login = VolumePath(unchecked: "claude/.credentials.json")
    private let other = VolumePath(unchecked: "codex/auth.json")

    @Test func `the third one within a minute is the last for an hour`() {
        var corrections = Corrections()
        for second in [0, 10, 20] {
            #expect(!corrections.areUndone(login, at: .seconds(second)))
            corrections.note(login, at: .seconds(second))
        }
        #expect(corrections.areUndone(login, at: .seconds(21)))
        #expect(corrections.areUndone(login, at: .seconds(3619)))
        #expect(!corrections.areUndone(login, at: .seconds(3620)))
        #expect(corrections.undone(at: .seconds(21)) == [login])
        #expect(!corrections.areUndone(other, at: .seconds(21)))
    }

    @Test func `those with minutes between them go on`() {
        var corrections = Corrections()
        for minute in 0..<20 {
            #expect(!corrections.areUndone(login, at: .seconds(minute * 60)))
            corrections.note(login, at: .seconds(minute * 60))
        }
    }

    @Test func `after the rest there are three more`() {
        var corrections = Corrections()
        for _ in 0..<3 { corrections.note(login, at: .zero) }
        corrections.note(login, at: .seconds(4000))
        corrections.note(login, at: .seconds(4001))
        #expect(!corrections.areUndone(login, at: .seconds(4001)))
        corrections.note(login, at: .seconds(4002))
        #expect(corrections.areUndone(login, at: .seconds(4003)))
    }
}
