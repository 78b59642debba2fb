package import SystemPackage

/// One thing that a run put on the volume where nothing stood, or a mode or a directory's time that it changed there: what an
/// undo takes back.
package struct Addition: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case directory
        case file(ContentDigest, size: Int64)
        case symlink(text: FilePath)
        case mode(from: UInt16, to: UInt16)
        /// When a directory was changed: by the run, and before that; nanoseconds since the epoch.
        case time(from: Int64, to: Int64)
    }

    package let path: VolumePath
    package let kind: Kind

    /// Whether it is a time and nothing that somebody would count.
    package var isTime: Bool { if case .time = kind { true } else { false } }

    package init(_ path: VolumePath, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }
}

/// The text in which a run notes its additions: a first line with the version, then one line for each, its words separated
/// by tabs, which no encoded path holds.
package enum AdditionList {
    private static let version = "cai additions 1"

    package static func text(_ additions: [Addition]) -> [UInt8] {
        Array((version + "\n").utf8) + lines(additions)
    }

    /// What is added to a text for more of them.
    package static func lines(_ additions: [Addition]) -> [UInt8] {
        var result: [UInt8] = []
        for addition in additions {
            result += (words(addition.kind) + [addition.path.relative.encoded]).joined(separator: "\t").utf8
            result.append(0x0A)
        }
        return result
    }

    /// The line for a file that is new, made of what the baseline says of it, without its end.
    package static func line(ofWritten line: ArraySlice<UInt8>) -> [UInt8] {
        let fields = line.split(separator: 0x09, maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4 else { return [] }
        return Array("file\t".utf8) + fields[1] + [0x09] + fields[2] + [0x09] + fields[0] + [0x0A]
    }

    /// Reads what `text` wrote; nil for anything else.
    package static func additions(in bytes: [UInt8]) -> [Addition]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first.map(String.init) == version, lines.last == "" else { return nil }
        var result: [Addition] = []
        for line in lines.dropFirst().dropLast() {
            guard let addition = addition(line.split(separator: "\t").map(String.init)) else { return nil }
            result.append(addition)
        }
        return result
    }

    private static func words(_ kind: Addition.Kind) -> [String] {
        switch kind {
        case .directory: ["directory"]
        case .file(let digest, let size): ["file", digest.hex, String(size)]
        case .symlink(let text): ["symlink", text.encoded]
        case .mode(let from, let to): ["mode", String(from, radix: 8), String(to, radix: 8)]
        case .time(let from, let to): ["time", String(from), String(to)]
        }
    }

    private static func addition(_ words: [String]) -> Addition? {
        guard let last = words.last, let path = VolumePath(recorded: last), let kind = kind(words.dropLast()) else {
            return nil
        }
        return Addition(path, kind)
    }

    private static func kind(_ words: ArraySlice<String>) -> Addition.Kind? {
        let words = Array(words)
        switch (words.first, words.count) {
        case ("directory", 1): return .directory
        case ("file", 3): return Int64(words[2]).map { .file(ContentDigest(hex: words[1]), size: $0) }
        case ("symlink", 2): return FilePath(encoded: words[1]).map { .symlink(text: $0) }
        case ("mode", 3):
            guard let from = UInt16(words[1], radix: 8), let to = UInt16(words[2], radix: 8) else { return nil }
            return .mode(from: from & 0o7777, to: to & 0o7777)
        case ("time", 3):
            guard let from = Int64(words[1]), let to = Int64(words[2]) else { return nil }
            return .time(from: from, to: to)
        default: return nil
        }
    }
}

/// An addition of a run, and what stands there today.
package struct SeenAddition: Sendable {
    package let addition: Addition
    package let found: Node
    /// Whether a file has the content that the run gave it.
    package let isSame: Bool
    /// What a directory holds.
    package let names: [FilePath.Component]

    package init(_ addition: Addition, found: Node, isSame: Bool = false, names: [FilePath.Component] = []) {
        self.addition = addition
        self.found = found
        self.isSame = isSame
        self.names = names
    }
}

/// Plans to take back what a run added, as far as it still is what the run made: what was changed since stays, with a finding,
/// and so does a directory that holds anything else. What could not be looked at is an error finding. Additions below one of
/// `replaced` go with what stands there.
package func planTakingBack(
    _ seen: [SeenAddition], replaced: Set<VolumePath>, layout: Layout
) -> (placements: [Placement], findings: [Finding]) {
    var removable: [VolumePath: Node] = [:]
    var placements: [Placement] = []
    var findings: [Finding] = []
    var times: [VolumePath: Placement] = [:]
    // The inner ones first: whether a directory can go depends on what is in it.
    for item in seen.sorted(by: { $1.addition.path < $0.addition.path })
    where !item.addition.path.isAtOrBelow(replaced) {
        let path = item.addition.path
        switch (item.addition.kind, item.found) {
        case (_, .missing), (_, .unreachable(.notDirectory)), (_, .unreachable(.symlink)): continue
        case (_, .unreachable(let obstacle)):
            findings.append(Finding(.error, at: layout.text(path), obstacle.sentence, advice: obstacle.advice))
        case (.mode(let from, let to), .file(let facts)), (.mode(let from, let to), .directory(let facts)):
            if facts.mode == to { placements.append(Placement(path, found: item.found, content: .mode(from))) }
        // Every look at the links writes that one anew.
        case (.time(let from, let to), .directory(let facts)):
            // Who changed it since has given it the time that it has.
            if facts.modified == to { times[path] = Placement(path, found: item.found, content: .time(from)) }
        case (.time, _): continue
        case (.file, .file) where item.isSame || path == .linkStamp: removable[path] = item.found
        case (.symlink(let text), .symlink(let found)) where text == found: removable[path] = item.found
        case (.directory, .directory):
            let others = item.names.filter { removable[path.appending($0)] == nil }
            if others.isEmpty { removable[path] = item.found }
        default:
            findings.append(Finding(.note, at: layout.text(path), "was changed after it was added, and stays"))
        }
    }
    for (path, found) in removable where path.parent.map({ removable[$0] == nil }) ?? true {
        placements.append(Placement(path, found: found, content: .nothing))
    }
    placements += times.values.filter { !$0.target.isAtOrBelow(Set(removable.keys)) }
    return (placements.sorted { $0.target < $1.target }, findings.reversed())
}
