import CaiModel
import Testing

@Suite struct `When a guard looks` {
    private func milliseconds(_ number: Int) -> Duration { .milliseconds(number) }

    @Test func `a save is looked at when it has been quiet for a moment`() {
        var schedule = AdoptionSchedule<String>()
        schedule.note("a", .saved, at: milliseconds(100))
        #expect(schedule.takeDue(at: milliseconds(100)) == [])
        #expect(schedule.next == milliseconds(102))
        #expect(schedule.takeDue(at: milliseconds(102)) == ["a"])
        #expect(schedule.next == nil)
    }

    @Test func `what is never quiet is looked at nevertheless, the less often the longer it goes on`() {
        var schedule = AdoptionSchedule<String>()
        var looks: [Int] = []
        for time in 0..<5000 {
            schedule.note("a", .saved, at: milliseconds(time))
            if !schedule.takeDue(at: milliseconds(time)).isEmpty {
                looks.append(time)
                schedule.adopted("a", at: milliseconds(time))
            }
        }
        #expect(looks.first == 50)
        #expect((6...40).contains(looks.count), "\(looks)")
    }

    @Test(arguments: [1, 3, 7, 20, 60, 300])
    func `the last of many saves is looked at within 25 milliseconds`(pause: Int) {
        var schedule = AdoptionSchedule<String>()
        for time in 0..<(pause * 500) {
            if time % pause == 0 { schedule.note("a", .saved, at: milliseconds(time)) }
            if !schedule.takeDue(at: milliseconds(time)).isEmpty { schedule.adopted("a", at: milliseconds(time)) }
        }
        schedule.note("a", .saved, at: milliseconds(pause * 500))
        #expect(schedule.takeDue(at: milliseconds(pause * 500 + 25)) == ["a"])
    }

    @Test func `a sign that nobody waits for delays no save`() {
        var schedule = AdoptionSchedule<String>()
        schedule.note("a", .saved, at: .zero)
        schedule.note("a", .other, at: milliseconds(1))
        #expect(schedule.takeDue(at: milliseconds(2)) == ["a"])
    }

    @Test func `what vanished is given time to come back`() {
        var schedule = AdoptionSchedule<String>()
        schedule.note("a", .gone, at: .zero)
        #expect(schedule.takeDue(at: milliseconds(400)) == [])
        schedule.note("a", .saved, at: milliseconds(400))
        #expect(schedule.takeDue(at: milliseconds(402)) == ["a"])
    }
}
