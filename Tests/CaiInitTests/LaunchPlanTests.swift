import CaiPlatform
import SystemPackage
import Testing

private let plan: LaunchPlan = {
    var plan = LaunchPlan()
    plan.identity = LaunchPlan.Identity(
        user: "agent", credentials: Credentials(uid: 1000, gid: 1001, groups: [1001, 27]), home: "/home/agent",
        directories: ["/home/agent/work space", "/home/agent", "/"])
    plan.isStrict = true
    plan.withheldVariables = ["SECRET"]
    plan.shutdownHookDirectories = ["/etc/hooks", "/home/agent/work space/hooks"]
    return plan
}()

private let result: LaunchPlan = {
    var plan = LaunchPlan()
    plan.variables = [("A", "1=2"), ("EMPTY", ""), ("LINES", "a\nb é")]
    plan.failure = LaunchPlan.Failure(step: "hooks", code: 3, duration: "1.5 ms")
    return plan
}()

@Suite struct `The plan of a launch` {
    @Test func `arrives as it was written`() {
        let read = LaunchPlan(plan.beginning + result.rest)
        #expect(read.identity == plan.identity && read.isStrict && read.isComplete)
        #expect(read.withheldVariables == ["SECRET"])
        #expect(read.shutdownHookDirectories == plan.shutdownHookDirectories)
        #expect(read.variables.map(\.name) == ["A", "EMPTY", "LINES"])
        #expect(read.variables.map(\.value) == ["1=2", "", "a\nb é"])
        #expect(read.failure == result.failure)
    }

    @Test func `that breaks off is never complete, and says as whom only if it says everything`() {
        let text = plan.beginning + result.rest
        var identityAlone = LaunchPlan()
        identityAlone.identity = plan.identity
        let identityLength = identityAlone.beginning.count
        for length in text.indices {
            let read = LaunchPlan(Array(text[..<length]))
            #expect(!read.isComplete)
            // What follows the identity can be missing.
            #expect(read.identity == (length < identityLength ? nil : plan.identity))
        }
    }

    @Test func `of anything else is empty`() {
        for text in [
            "", "\0\0\0", "user\0agent\0identity\0complete\0", "uid\0x\0gid\0-1\0identity\0complete\0", "variable\0A\0",
        ] {
            #expect(LaunchPlan(Array(text.utf8)) == LaunchPlan())
        }
    }
}
