import CaiModel
import SystemPackage
import Testing

private let overlayRoot = "1 0 0:50 / / rw - overlay overlay rw"
private let hash = String(repeating: "0123456789abcdef", count: 4)

private func verdict(
    _ mount: String, _ presence: PathSighting.Presence = .directory, _ wanted: PersistentPath? = nil
) throws -> PersistenceVerdict {
    let wanted = try wanted ?? #require(PersistencePreset.containai.paths.first)
    let table = MountTable(parsing: Array("\(overlayRoot)\n7 1 \(mount)".utf8))
    try #require(table.findings.isEmpty)
    let sighting = PathSighting(presence: presence, resolved: wanted.path, mountID: mount.hasPrefix("=") ? 1 : 7)
    let classifier = MountClassifier(MountSurroundings(table: table, rootMountID: 1))
    return PersistenceVerdict(wanted, sighting: sighting, classification: classifier.classify(sighting))
}

private func report(_ verdicts: PersistenceVerdict..., environment: [String: String] = [:]) -> PersistenceReport {
    PersistenceReport(
        verdicts: verdicts, platform: HostingPlatform(environment: environment),
        container: ContainerDecision(ContainerFacts()), findings: [])
}

private let named = "8:1 /volumes/containai-data/_data /mnt/agent-data rw - ext4 /dev/sda1 rw"
private let anonymous = "8:1 /volumes/\(hash)/_data /mnt/agent-data rw - ext4 /dev/sda1 rw"
private let readOnly = "8:1 /volumes/containai-data/_data /mnt/agent-data ro - ext4 /dev/sda1 rw"
private let memory = "0:60 / /mnt/agent-data rw - tmpfs tmpfs rw"
private let share = "0:60 / /mnt/agent-data rw - virtiofs mount0 rw"
private let strange = "0:60 / /mnt/agent-data rw - strangefs x rw"

@Suite struct `A persistence verdict` {
    @Test(arguments: [
        (named, true, true, false, PersistenceRisk.none), (anonymous, true, false, false, .high),
        (memory, false, false, false, .critical), (share, true, true, true, .low),
        ("8:1 /home/me /x rw - ext4 a rw", true, true, true, .none),
        ("0:50 / /x rw - overlay o rw", true, false, false, .critical),
        ("8:1 /srv//deleted /x rw - ext4 a rw", false, false, false, .critical),
        ("0:60 /volumes/v/_data /x rw - tmpfs t rw", true, true, false, .low),
    ])
    func `tells what survives`(mount: String, restart: Bool, recreate: Bool, down: Bool, risk: PersistenceRisk) throws {
        let verdict = try verdict(mount)
        #expect(verdict.survival == Survival(restart: restart, recreate: recreate, composeDownVolumes: down))
        #expect(verdict.risk == risk)
        #expect(verdict.isPersistent == (restart && recreate))
    }

    @Test(arguments: [
        (named, PathSighting.Presence.directory, false, false), (anonymous, .directory, true, true),
        (memory, .directory, true, true), (readOnly, .directory, true, true), (share, .directory, false, true),
        (strange, .directory, false, true), (named, .missing, false, true), (anonymous, .missing, true, true),
        (named, .other, true, true), (named, .unreadable("Permission denied"), false, true),
    ])
    func `fails a check, or only a strict one`(
        mount: String, presence: PathSighting.Presence, fails: Bool, failsStrictly: Bool
    ) throws {
        let verdict = try verdict(mount, presence)
        #expect(verdict.isProblem(strict: false) == fails)
        #expect(verdict.isProblem(strict: true) == failsStrictly)
    }

    @Test func `2.13 #6: an anonymous volume is told truthfully and does not count as persistent`() throws {
        let verdict = try verdict(anonymous)
        #expect(verdict.kind == .anonymousVolume && verdict.isPersistent == false)
        #expect(verdict.survival.restart == true && verdict.survival.recreate == false)
        #expect(verdict.source == "volume \(hash)")
    }

    @Test func `a missing path says what it would be created on`() throws {
        let onLayer = try verdict("0:50 / /x rw - overlay o rw", .missing)
        #expect(onLayer.kind == .missing && onLayer.risk == .critical && onLayer.isPersistent == false)
        let onVolume = try verdict(named, .missing)
        #expect(onVolume.kind == .missing && onVolume.risk == .low && onVolume.isPersistent == true)
        #expect(onVolume.notes == ["It would be created on this: named volume, volume containai-data."])
    }

    @Test func `a file is only wrong where a directory has to be`() throws {
        #expect(try verdict(named, .other).kind == .notADirectory)
        #expect(try verdict(named, .other, PersistentPath(named: "/mnt/agent-data/a.json")).kind == .namedVolume)
    }
}

@Suite struct `The fix for a path` {
    @Test func `names the volume of the preset for every way to run a container`() throws {
        let fix = try #require(PersistenceFix(for: PersistencePreset.containai.paths[0]))
        #expect(fix.docker == "-v containai-data:/mnt/agent-data")
        #expect(fix.compose == "- containai-data:/mnt/agent-data" && fix.composeVolume == "containai-data: {}")
        #expect(fix.kubernetesMount == "- {name: containai-data, mountPath: /mnt/agent-data}")
        #expect(fix.kubernetesVolume == "- {name: containai-data, persistentVolumeClaim: {claimName: containai-data}}")
        #expect(fix.railway == "railway volume add --mount-path /mnt/agent-data")
        let workspace = try #require(PersistenceFix(for: PersistencePreset.containai.paths[1]))
        #expect(workspace.docker == #"-v "$PWD":/home/agent/workspace"#)
        #expect(workspace.compose == "- .:/home/agent/workspace" && workspace.railway == nil)
    }

    @Test func `is known for all seven paths of opencode`() {
        let docker = PersistencePreset.opencode.paths.compactMap { PersistenceFix(for: $0)?.docker }
        #expect(
            docker == [
                "-v opencode-data:/home/opencoder/.local/share/opencode",
                "-v opencode-workspace:/home/opencoder/workspace", "-v opencode-ssh:/home/opencoder/.ssh",
                "-v opencode-users:/var/lib/opencode-users", "-v opencode-config:/home/opencoder/.config/opencode",
                "-v opencode-state:/home/opencoder/.local/state/opencode",
                "-v opencode-cache:/home/opencoder/.cache/opencode",
            ])
        let priorities = PersistencePreset.opencode.paths.map(\.priority)
        #expect(priorities == [.critical, .critical, .high, .high, .medium, .medium, .low])
    }

    @Test(arguments: [
        ("/a b", "-v cai-a-b:'/a b'", #"- "cai-a-b:/a b""#),
        ("/it's", #"-v cai-it-s:'/it'\''s'"#, #"- "cai-it-s:/it's""#),
        ("/a:b", "--mount type=volume,src=cai-a-b,dst=/a:b", "- {type: volume, source: cai-a-b, target: /a:b}"),
        (
            #"/a:b,"c"#, #"--mount type=volume,src=cai-a-b-c,'"dst=/a:b,""c"'"#,
            #"- {type: volume, source: cai-a-b-c, target: "/a:b,\"c"}"#
        ),
        ("/$x", "-v cai-x:'/$x'", #"- "cai-x:/$$x""#), ("/ä", "-v cai:'/ä'", #"- "cai:/ä""#),
    ])
    func `is quoted so that it can be pasted`(path: String, docker: String, compose: String) throws {
        let fix = try #require(PersistenceFix(for: PersistentPath(named: FilePath(path))))
        #expect(fix.docker == docker && fix.compose == compose)
    }

    @Test func `is left out for a path that does not fit on a line`() {
        #expect(PersistenceFix(for: PersistentPath(named: "/a\nb")) == nil)
    }

    @Test func `a name made from a path fits a Kubernetes claim`() {
        let name = PersistentPath(named: FilePath("/" + String(repeating: "Long_Name/", count: 20))).volume
        #expect(name.utf8.count <= 63 && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    }
}

@Suite struct `The warning block` {
    @Test func `begins with the line that log watchers know and ends with the fixes`() throws {
        #expect(
            report(try verdict(anonymous)).warning() == [
                "WARNING: Persistence is not configured for one or more paths.", "Non-persistent paths:",
                "  - /mnt/agent-data (anonymous volume, volume \(hash)): survives a restart, lost when the container is recreated",
                "Add to docker run:", "  -v containai-data:/mnt/agent-data", "or to volumes of the compose service:",
                "  - containai-data:/mnt/agent-data", "and to volumes of the compose file:", "  containai-data: {}",
            ])
    }

    @Test func `is empty when everything persists`() throws { #expect(report(try verdict(named)).warning().isEmpty) }

    @Test func `tells read-only apart from not persistent`() throws {
        let lines = report(try verdict(readOnly)).warning()
        #expect(lines.first == "WARNING: One or more persistent paths are read-only.")
        #expect(!lines.contains("Non-persistent paths:"))
    }

    @Test func `names the volume that is mounted read-only, not the one of the preset`() throws {
        let mine = "8:1 /volumes/p1/_data /mnt/agent-data ro - ext4 /dev/sda1 rw"
        let lines = report(try verdict(mine)).warning()
        #expect(lines.contains("  -v p1:/mnt/agent-data") && lines.contains("  p1: {external: true}"), "\(lines)")
        #expect(!lines.contains { $0.contains("containai-data") }, "\(lines)")
        #expect(lines.contains { $0.hasSuffix("mount the same without :ro (Kubernetes: readOnly)") })
    }

    @Test(arguments: [
        "8:1 /home/me/data /mnt/agent-data ro - ext4 /dev/sda1 rw",
        "8:1 /volumes/p1/_data/part /mnt/agent-data ro - ext4 /dev/sda1 rw",
    ])
    func `guesses no source for what is mounted read-only`(mount: String) throws {
        let lines = report(try verdict(mount)).warning()
        #expect(lines.contains { $0.contains("mount the same without :ro") } && !lines.contains("Add to docker run:"))
    }

    @Test(arguments: [
        (["OPENCODE_CLOUD_ENV": "My-DigitalOcean", "RAILWAY_SERVICE_NAME": "x"], HostingPlatform.droplet),
        (["OPENCODE_CLOUD_ENV": "droplet"], .droplet), (["RAILWAY_ENVIRONMENT": "production"], .railway),
        (["RAILWAY_SERVICE_NAME": "x"], .railway), (["RAILWAY_ENVIRONMENT": ""], nil), (["RAILWAY_RUN_UID": "0"], nil),
        (["KUBERNETES_SERVICE_HOST": "10.0.0.1"], .kubernetes), ([:], nil),
    ])
    func `2.13 #9: the platform is told from the environment alone`(
        environment: [String: String], platform: HostingPlatform?
    ) throws {
        #expect(HostingPlatform(environment: environment) == platform)
        let lines = report(try verdict(memory), environment: environment).warning()
        #expect(platform.map { lines.contains($0.hint) } != false)
    }

    @Test func `gives the one command that Railway needs`() throws {
        let lines = report(try verdict(memory), environment: ["RAILWAY_ENVIRONMENT": "production"]).warning()
        #expect(lines.last == "  railway volume add --mount-path /mnt/agent-data")
        #expect(!lines.contains("Add to docker run:"))
    }
}

@Suite struct `The JSON report` {
    @Test func `2.13 #8: has every fact for programs, with sorted keys and null for what is unknown`() throws {
        let json = try report(try verdict(strange)).json()
        #expect(json.contains(#""recreate" : null"#) && json.contains(#""persistent" : null"#))
        #expect(json.contains(#""kind" : "unknown""#) && json.contains(#""path" : "/mnt/agent-data""#))
        let keys = json.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.prefix { $0 != ":" } }
        #expect(keys == keys.sorted() && !keys.isEmpty)
    }
}
