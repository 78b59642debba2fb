import CaiModel
import SystemPackage
import Testing

@Suite struct `Plain files` {
    private static func files(_ names: [String]) -> PlainFiles {
        var files = PlainFiles(in: "from/here", device: 7, isSecret: false)
        for (number, name) in names.enumerated() { files.append(name, facts(number)) }
        files.pack()
        return files
    }

    private static func facts(_ number: Int) -> FileFacts {
        FileFacts(device: 7, inode: UInt64(number), size: Int64(number * 10), mode: 0o4751, modified: Int64(-number))
    }

    @Test func `are found by their names, and only by those`() {
        let names = (0..<500).map { "n\($0)" }.sorted()
        let files = Self.files(names)
        for (number, name) in names.enumerated() {
            #expect(files.index(of: FilePath.Component(name) ?? "?") == number)
            #expect(files.name(at: number)?.string == name && files.facts(at: number) == Self.facts(number))
        }
        for name: FilePath.Component in ["n", "n500", "a", "z", "n1 "] { #expect(files.index(of: name) == nil) }
        #expect(files.byteCount == (0..<500).reduce(0) { $0 + Int64($1 * 10) })
    }

    @Test func `stay what they are when others are taken out`() {
        var files = Self.files(["a", "b", "c", "d", "e"])
        files.remove(at: 1)
        files.removeAll { $0 == "d" }
        #expect(files.indices.map { files.name(at: $0) } == ["a", "c", "e"])
        #expect(files.indices.map { files.facts(at: $0) } == [0, 2, 4].map(Self.facts))
        #expect(files.index(of: "b") == nil && files.index(of: "e") == 2)
        #expect(files.emptied.isEmpty && files.count == 3)
    }

    @Test func `are as many placements, each with its own name, mode and source`() throws {
        var files = Self.files(["a", "b"])
        #expect(files.mode(at: 0) == 0o751)
        files.isSecret = true
        let step = Step.place(
            Placement(VolumePath(unchecked: "to"), found: .missing, content: .files(files)))
        let singles = step.singles.map { $0 }
        #expect(step.count == 2 && singles.count == 2)
        let wanted = Placement(
            VolumePath(unchecked: "to/b"), found: .missing,
            content: .copy("from/here/b", Self.facts(1), mode: 0o700))
        #expect(singles.last == .place(wanted))
        let inRoot = Placement(VolumePath(unchecked: FilePath()), found: .missing, content: .files(files))
        #expect(inRoot.single(at: 0)?.target == VolumePath(unchecked: "a"))
    }
}
