import CaiModel
import SystemPackage
import Testing

private let target = VolumePath(unchecked: "claude")

/// A file of this size, changed at this time.
private func file(_ size: Int64, at time: Int64 = 0) -> Node {
    .file(FileFacts(device: 1, inode: UInt64(size), size: size, mode: 0o644, modified: time))
}

private func sample(_ text: String) -> ContentSample {
    ContentSample(digest: ContentDigest(hex: text), document: nil, isPlaceholder: text.isEmpty)
}

private func baseline(_ path: String, _ text: String) -> Baseline {
    var baseline = Baseline { _ in "" }
    baseline[VolumePath(unchecked: FilePath(path))] = Baseline.File(
        digest: ContentDigest(hex: text), size: 1, mode: 0o600)
    return baseline
}

@Suite struct `The decision between a live file and the volume's` {
    private func pair(
        _ live: String, _ stored: String, liveTime: Int64 = 0, storedTime: Int64 = 0,
        _ continuation: Continuation? = nil
    ) -> ObservedPair {
        ObservedPair(
            path: "history.jsonl", live: file(Int64(live.utf8.count), at: liveTime),
            stored: file(Int64(stored.utf8.count), at: storedTime), liveContent: sample(live),
            storedContent: sample(stored), continuation: continuation)
    }

    @Test(arguments: [nil, "a", "ab", "c"], [0, 1] as [Int64])
    func `takes the longer of two append-only files, whatever was written last`(base: String?, newer: Int64) {
        let known = base.map { baseline("claude/history.jsonl", $0) } ?? Baseline { _ in "" }
        let longer = pair("ab", "a", liveTime: newer, storedTime: 1 - newer, .live)
        #expect(decide(longer, target: target, baseline: known) == .take)
        let shorter = pair("a", "ab", liveTime: newer, storedTime: 1 - newer, .stored)
        #expect(decide(shorter, target: target, baseline: known) == .same)
    }

    @Test func `keeps both append-only files if neither continues the other`() {
        let known = Baseline { _ in "" }
        #expect(decide(pair("ab", "c", liveTime: 1), target: target, baseline: known) == .takeOver)
        #expect(decide(pair("ab", "c", storedTime: 1), target: target, baseline: known) == .keep)
    }

    @Test func `keeps an empty append-only file from a longer one`() {
        let known = Baseline { _ in "" }
        #expect(decide(pair("", "ab", .stored), target: target, baseline: known) == .keep)
        #expect(decide(pair("ab", "", .live), target: target, baseline: known) == .take)
    }

    @Test func `drops what cai stored before, in an agent directory only`() {
        let known = baseline("claude/history.jsonl", "old")
        let baked = pair("old", "edited", liveTime: 5)
        #expect(decide(baked, target: target, baseline: known) == .keep)
        #expect(decide(baked, target: target, baseline: known, isAgentDirectory: true) == .same)
        let other = pair("other", "edited", liveTime: 5)
        #expect(decide(other, target: target, baseline: known, isAgentDirectory: true) == .takeOver)
    }
}
