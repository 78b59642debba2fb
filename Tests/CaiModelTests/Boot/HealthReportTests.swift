import CaiModel
import Testing

private func boot(_ outcomes: [BootStep.Outcome], essential: Set<String> = []) -> BootReport {
    let steps = outcomes.enumerated().map { BootStep(name: "step\($0)", outcome: $1, duration: .zero) }
    return BootReport(
        started: Timestamp(secondsSinceEpoch: 0), duration: .zero, steps: steps, essential: essential)
}

@Suite struct `The health of a container` {
    @Test(
        arguments: [
            ([.ok, .skipped], [], HealthCheck.Outcome.ok), ([.ok, .degraded], [], .degraded),
            ([.failed], [], .degraded),
            ([.failed], ["step0"], .failed),
        ] as [([BootStep.Outcome], Set<String>, HealthCheck.Outcome)])
    func `is that of its boot`(steps: [BootStep.Outcome], essential: Set<String>, outcome: HealthCheck.Outcome) {
        #expect(HealthCheck(boot: boot(steps, essential: essential), canBeKept: true).outcome == outcome)
    }

    @Test func `names the steps that went wrong`() {
        let check = HealthCheck(boot: boot([.ok, .degraded, .failed]), canBeKept: true)
        #expect(check.sentence == "the last boot was degraded (step1, step2)")
    }

    @Test func `waits for a boot, but not where none can be told`() {
        #expect(HealthCheck(boot: nil, canBeKept: true).outcome == .failed)
        #expect(HealthCheck(boot: nil, canBeKept: false).outcome == .degraded)
    }

    @Test func `is good unless something failed`() throws {
        let fine = HealthCheck(.links, .ok, "fine")
        let worse = HealthCheck(.boot, .degraded, "worse")
        let bad = HealthCheck(.volume, .failed, "bad", advice: "mend it")
        #expect(HealthReport([fine, worse]).isHealthy && !HealthReport([fine, bad]).isHealthy)
        let json = try HealthReport([worse, bad]).json()
        #expect(json.contains("\"status\"") && json.contains("unhealthy") && json.contains("mend it"))
    }
}
