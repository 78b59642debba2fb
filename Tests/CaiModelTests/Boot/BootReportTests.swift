import CaiModel
import FoundationEssentials
import SystemPackage
import Testing

private func report(_ steps: [BootStep], essential: Set<String> = []) -> BootReport {
    BootReport(
        started: Timestamp(secondsSinceEpoch: 1_000_000_000), duration: .microseconds(15_500), steps: steps,
        essential: essential)
}

@Suite struct `A boot report` {
    @Test(arguments: [
        ([BootStep.Outcome.ok, .skipped], BootStatus.ok), ([], .ok), ([.ok, .degraded], .degraded),
        ([.failed, .ok], .degraded),
    ])
    func `is degraded by what goes wrong, and failed only by an essential step`(
        outcomes: [BootStep.Outcome], status: BootStatus
    ) {
        let steps = outcomes.map { BootStep(name: "links", outcome: $0, duration: .zero) }
        #expect(report(steps).status == status)
        let isFailed = outcomes.contains(.failed)
        #expect(report(steps, essential: ["links"]).status == (isFailed ? .failed : status))
        #expect(report(steps, essential: ["hooks"]).status == status)
    }

    @Test func `is one document with sorted keys that reads back`() throws {
        let step = BootStep(
            name: "links", outcome: .degraded, duration: .milliseconds(7),
            findings: [Finding(.warning, at: "~/.x", "is odd")], changes: 3, actions: ["link a to b"])
        let text = try report([step]).json()
        #expect(
            text.filter { $0 != " " && $0 != "\n" } == """
                {"dry_run":false,"duration_ms":15.5,"schema":1,"started":"2001-09-09T01:46:40Z","status":"degraded",\
                "steps":[{"actions":["linkatob"],"changes":3,"duration_ms":7,"findings":[{"place":"~/.x",\
                "sentence":"isodd","severity":"warning"}],"name":"links","outcome":"degraded"}]}
                """)
        #expect(try JSONDecoder().decode(BootReport.self, from: Data(text.utf8)) == report([step]))
    }
}

@Suite struct `An ownership report` {
    @Test func `counts findings of one kind behind the first ten`() {
        var report = OwnershipReport(.walked, isPreview: false)
        for number in 0..<12 { report.add(Finding(.warning, at: "\(number)", "is odd"), kind: "is odd") }
        report.add(Finding(.note, at: "x", "is fine"), kind: "is fine")
        report.finish(at: "/data")
        #expect(report.findings.count == 12)
        #expect(report.findings.last == Finding(.warning, at: "/data", "2 more: is odd"))
    }
}
