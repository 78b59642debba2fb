import SystemPackage

/// Patterns for content that is left out of an import or an export, by path on the volume.
///
/// Patterns follow gitignore(5), with the predecessors' rules (1.7) for the patterns that they knew, which is why a slash
/// in front or behind means nothing:
///
/// 1. without a slash, with `*`, `?` or `[`: that name at any depth;
/// 2. without a slash and without those: that path of the volume and all below it, nowhere else (`**/name` is the name at
///    any depth);
/// 3. with a slash inside: the path from the root of the volume, where `**` stands for any number of directories and the
///    other characters never match a slash; what lies below a match goes with it.
///
/// A pattern that begins with `!` takes paths in again that earlier patterns left out, but nothing below a directory that
/// is left out. Of the patterns that match a path the last one counts.
package struct Excludes: Sendable {
    /// Working state of agents that an import leaves out; there is no warning for one that matches nothing.
    package static let builtIn = conversations + ["claude/statsig", "continue/sessions", "continue/index"]

    /// Those of them that an import with `--sessions` takes in.
    package static let conversations = ["claude/projects", "claude/todos"]

    private let patterns: [ExcludePattern]
    /// How many of them the user wrote.
    private let ownCount: Int

    /// Takes the user's patterns; of equal ones the first, and none with a line break. The built-in ones come before them,
    /// so that `!claude/projects` takes that in again.
    package init(_ patterns: [String], builtIn: [String] = Excludes.builtIn) {
        var seen: Set<String> = []
        let own = patterns.filter { !$0.contains(where: \.isNewline) && seen.insert($0).inserted }
        self.patterns = (builtIn + own).compactMap { ExcludePattern($0) }
        ownCount = own.compactMap { ExcludePattern($0) }.count
    }

    /// Leaves nothing out.
    package static let none = Excludes([], builtIn: [])

    package var isEmpty: Bool { patterns.isEmpty }

    /// The pattern that leaves a path out, as it was written; nil when none does. Whoever walks a tree asks for a
    /// directory first and does not enter one that is left out.
    package func excluding(_ path: VolumePath) -> String? {
        let names = path.relative.components.map(\.nameBytes)
        return patterns.last { $0.matches(names) }.flatMap { $0.isNegated ? nil : $0.text }
    }

    /// The pattern that leaves a path or one of the directories above it out; nil when none does.
    package func excludingAnyAncestor(of path: VolumePath) -> (pattern: String, path: VolumePath)? {
        var here = FilePath()
        for name in path.relative.components {
            here.append(name)
            let place = VolumePath(unchecked: here)
            if let pattern = excluding(place) { return (pattern, place) }
        }
        return nil
    }

    /// Whether some pattern may match something below a directory, so that it has to be walked name by name.
    package func concerns(below path: VolumePath) -> Bool {
        let names = path.relative.components.map(\.nameBytes)
        return patterns.contains { $0.mayConcern(names) }
    }

    /// The user's patterns that can match nothing of what is imported: neither one of these paths, nor anything above or
    /// below it.
    package func unmatched(by targets: some Sequence<VolumePath>) -> [String] {
        let targets = targets.map { $0.relative.components.map(\.nameBytes) }
        return patterns.suffix(ownCount).filter { pattern in !targets.contains { pattern.mayConcern($0) } }
            .map(\.text)
    }
}

/// One pattern.
private struct ExcludePattern: Sendable {
    /// As it was written.
    let text: String
    let isNegated: Bool
    /// Whether a name at any depth is meant.
    private let isFloating: Bool
    /// `nil` stands for `**`.
    private let parts: [Glob?]

    /// Nil for a pattern that means nothing.
    init?(_ text: String) {
        self.text = text
        isNegated = text.hasPrefix("!")
        let pattern = isNegated ? text.dropFirst() : text[...]
        let components = pattern.split(separator: "/").filter { $0 != "." }
        guard !components.isEmpty else { return nil }
        parts = components.map { $0 == "**" ? nil : Glob($0) }
        // The predecessors knew no `!`, so that their rule for plain names does not hold for it.
        isFloating = components.count == 1 && (isNegated || parts[0]?.isLiteral == false)
    }

    /// Whether it means this very path. `**` at the end means what is inside, not the directory itself.
    func matches(_ names: [[UInt8]]) -> Bool {
        if isFloating { return names.last.map { parts[0]?.matches($0) ?? true } ?? false }
        return reached(by: names).isWhole
    }

    /// Whether it may mean a path, something above it or something below it.
    func mayConcern(_ names: [[UInt8]]) -> Bool { isFloating || reached(by: names).isPartial }

    /// How far the pattern goes along a path: `isWhole` when both end together, `isPartial` when one of them ends.
    private func reached(by names: [[UInt8]]) -> (isWhole: Bool, isPartial: Bool) {
        // Most patterns are about something else altogether.
        if let name = names.first, let first = parts[0], !first.matches(name) { return (false, false) }
        // The numbers of names that the parts so far can have taken.
        var taken: Set<Int> = [0]
        for (index, part) in parts.enumerated() {
            if taken.isEmpty { return (false, parts[..<index].contains(nil)) }
            if taken.contains(names.count) { return (false, true) }
            if let part {
                taken = Set(taken.filter { part.matches(names[$0]) }.map { $0 + 1 })
            } else if let least = taken.min() {
                let isLast = index == parts.count - 1
                taken = isLast ? [names.count] : Set(least...names.count - 1)
            }
        }
        return (taken.contains(names.count), !taken.isEmpty || parts.contains(nil))
    }
}

extension FilePath.Component {
    /// The bytes of the name.
    var nameBytes: [UInt8] {
        withPlatformString { start in
            var count = 0
            while start[count] != 0 { count += 1 }
            return UnsafeBufferPointer(start: start, count: count).map { UInt8(bitPattern: $0) }
        }
    }
}
