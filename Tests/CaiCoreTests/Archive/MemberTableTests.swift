import CaiModel
import CaiTestSupport
import SystemPackage
import Testing

@testable import CaiCore

@Suite struct `A table of members` {
    private static func made(_ number: Int) -> ContentDigest {
        ContentDigest(hex: String(repeating: "0123456789abcdef", count: 3) + String(number + (1 << 60), radix: 16))
    }

    /// What the member of a number is.
    private static func member(_ number: Int, _ path: FilePath) -> ArchiveMember {
        switch number % 4 {
        case 0:
            ArchiveMember(
                path: path, kind: .file, size: Int64(number) + 1, mode: 0o640, modified: Int64(number),
                digest: made(number))
        case 1: ArchiveMember(path: path, kind: .directory, size: 0, mode: 0o755, modified: -1)
        case 2:
            ArchiveMember(
                path: path, kind: .symlink(text: FilePath("to/\(number)")), size: 0, mode: 0o777, modified: 2)
        default:
            ArchiveMember(
                path: path, kind: .hardLink(to: FilePath("of/\(number)")), size: 0, mode: 0o600, modified: 3)
        }
    }

    @Test func `says of every path what was last said of it, after any number of changes`() {
        var random = SystemRandomNumberGenerator()
        var table = MemberTable()
        var known: [FilePath: ArchiveMember] = [:]
        for number in 0..<20_000 {
            let path = FilePath("d\(Int.random(in: 0..<30, using: &random))/\(Int.random(in: 0..<300, using: &random))")
            if let index = table.index(of: path), number % 3 == 0 {
                table.remove(at: index)
                known[path] = nil
            } else if known[path] == nil {
                let member = Self.member(number, path)
                table.append(member)
                known[path] = member
            }
        }
        for directory in 0..<30 {
            for name in 0..<300 {
                let path = FilePath("d\(directory)/\(name)")
                #expect(table.index(of: path).flatMap { table.member(at: $0) } == known[path])
            }
        }
        #expect(Set(table.members) == Set(known.values))
        #expect(
            table.index(of: "d1") == nil && table.index(of: "") == nil
                && table.index(of: "d1/1/") == table.index(of: "d1/1"))
    }

    @Test func `keeps names that are no text, and digests that come later`() throws {
        var table = MemberTable()
        let odd = FilePath(bytes: [0x61, 0xFF, 0x2F, 0xC3])
        table.append(ArchiveMember(path: odd, kind: .file, size: 5, mode: 0o600, modified: 0))
        table.append(ArchiveMember(path: "empty", kind: .file, size: 0, mode: 0o600, modified: 0))
        let (first, second) = (try #require(table.index(of: odd)), try #require(table.index(of: "empty")))
        #expect(table.digest(at: first) == nil)
        table.set(Self.made(7), at: first)
        table.set(digest(of: []), at: second)
        #expect(table.member(at: first)?.path == odd && table.digest(at: first) == Self.made(7))
        #expect(table.digest(at: second) == digest(of: []))
    }

    @Test func `knows the one name that a directory holds`() {
        var table = MemberTable()
        table.append(ArchiveMember(path: "home", kind: .directory, size: 0, mode: 0o755, modified: 0))
        table.append(ArchiveMember(path: "home/agent", kind: .directory, size: 0, mode: 0o755, modified: 0))
        #expect(table.onlyName(in: "") == "home" && table.onlyName(in: "home") == "agent")
        #expect(table.onlyName(in: "home/agent") == nil)
        table.append(ArchiveMember(path: "home/other", kind: .file, size: 0, mode: 0o644, modified: 0))
        #expect(table.onlyName(in: "") == "home" && table.onlyName(in: "home") == nil)
    }
}
