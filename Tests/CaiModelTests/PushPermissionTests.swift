import CaiModel
import SystemPackage
import Testing

@Suite struct `The permission of a host for a push` {
    private func entry(_ source: String, _ flags: EntryFlags, isDisabled: Bool = false) -> Entry {
        Entry(
            kind: .entry, source: HomePath(unchecked: FilePath(source)), target: VolumePath(unchecked: "target"),
            link: nil,
            flags: flags, isDisabled: isDisabled, layer: .user, location: SourceLocation(file: "f", line: 1, column: 1))
    }

    private var permission: PushPermission {
        PushPermission(
            builtIn: [
                entry(".claude/skills", [.directory, .excludeSystem]), entry(".gitconfig", [.file, .gitFilter]),
                entry(".ssh", [.directory, .secret], isDisabled: true),
                entry(".bashrc.d", [.directory, .privacyFilter]),
                entry(".tool/*", [.directory, .glob]),
            ], allowed: [HomePath(unchecked: ".mine")])
    }

    @Test(arguments: [
        (".claude/skills", true), (".claude/skills/one", true), (".claude", false), (".claude/skillsets", false),
        (".gitconfig", true), (".gitconfig/x", false), (".aws", false), (".tool/a", false), (".mine", true),
        (".mine/deep", true), (".minexyz", false),
    ])
    func `goes to built-in paths, what lies in built-in directories, and what a person named`(
        _ path: String, _ isPermitted: Bool
    ) {
        let (entries, refused) = permission.entries([entry(path, [.directory])])
        #expect(entries.count == (isPermitted ? 1 : 0))
        #expect(refused.map(\.relative.string) == (isPermitted ? [] : [path]))
    }

    @Test func `keeps what the built-in entry holds back`() {
        let (entries, _) = permission.entries([
            entry(".claude/skills", [.directory]), entry(".gitconfig", [.directory]), entry(".ssh/config", [.file]),
            entry(".bashrc.d", [.directory]),
        ])
        #expect(entries[0].flags == [.directory, .excludeSystem])
        #expect(entries[1].flags == [.file])
        #expect(entries[2].isDisabled && entries[2].flags == [.file, .secret])
        #expect(entries[3].flags == [.directory, .privacyFilter])
    }

    @Test func `lets a container ask for less`() {
        let (entries, refused) = permission.entries([entry(".gitconfig", [.file, .secret], isDisabled: true)])
        #expect(entries.first?.isDisabled == true && entries.first?.flags == [.file, .secret] && refused.isEmpty)
    }
}
