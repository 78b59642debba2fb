import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage
import Testing

@Suite struct `The record of a boot` {
    private func write(_ scratch: Scratch, to directory: String, isPreview: Bool = false) throws -> Finding? {
        let workplace = try Workplace(
            WorkplaceRequest(
                root: scratch.path, configuration: "/no/such/file", environment: [:],
                flags: [.stateDirectory: ("--state", directory)]))
        let request = InitRequest(isPreview: isPreview, strict: [], force: true, environment: [:]) { _, _ in }
        let report = BootReport(
            started: Timestamp(secondsSinceEpoch: 0), duration: .zero, steps: [], isPreview: isPreview)
        return InitJob(workplace, manifests: ManifestLoader(builtIn: []), request: request).record(report)
    }

    @Test func `is written for everybody to read, in a directory that is made`() throws {
        let scratch = try Scratch()
        scratch.directory("run")
        for _ in 0..<2 { #expect(try write(scratch, to: "/run/containai/state") == nil) }
        #expect(try scratch.status("run/containai")?.mode == 0o755)
        #expect(try scratch.status("run/containai/state/boot.json")?.mode == 0o644)
        #expect(try Directory.open(scratch.absolute("run/containai/state")).names() == ["boot.json"])
    }

    @Test func `that cannot be written is a finding`() throws {
        let scratch = try Scratch()
        try scratch.file("run", "no directory")
        #expect(try write(scratch, to: "/run/containai")?.place == "/run/containai/boot.json")
    }

    @Test func `is not written by a preview`() throws {
        let scratch = try Scratch()
        #expect(try write(scratch, to: "/run/containai", isPreview: true) == nil)
        #expect(try scratch.status("run") == nil)
    }
}
