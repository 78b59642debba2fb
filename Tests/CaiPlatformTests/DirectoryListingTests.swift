import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `The listing of a directory` {
    @Test func `has every kind of entry once, in the order of the bytes of their names`() throws {
        let world = try World([
            "d": [
                "b": "12345", "a": Item("").mode(0o600), "ab": "x", "B": .link("b"), "sub": [:], "pipe": .fifo,
                FilePath(bytes: [0x61, 0xFF]): "not UTF-8", "line\nbreak": "", ".hidden": "",
            ]
        ])
        let directory = try Directory.open(world.root.appending("d"))
        let listing = try DirectoryListing(directory)
        let names = listing.entries.map { entry in listing.withName(of: entry) { Array($0) } }
        let sorted = names.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(names == sorted && names.count == 9)
        for (entry, bytes) in zip(listing.entries, names) {
            let name = try #require(listing.name(of: entry))
            #expect(name.bytes == bytes)
            let status = try #require(try directory.status(of: name))
            #expect(entry.kind == status.kind && entry.mode == status.mode)
            #expect(entry.size == status.size && entry.modified == status.modified)
        }
        #expect(try DirectoryListing(directory.openDirectory("sub")).entries.isEmpty)
        let listed = try directory.listedEntries()
        #expect(listed.map(\.name.bytes) == sorted)
        for entry in listed {
            #expect(try directory.kind(of: entry) == directory.status(of: entry.name)?.kind, "\(entry)")
        }
    }
}

@Suite struct `Reading a whole file` {
    @Test(arguments: [0, 1, 4095, 4096, 131_072, 300_001])
    func `gives all of its bytes at any size, and none when there are more than are wanted`(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let world = try World(["file": .file(bytes: bytes)])
        let path = world.root.appending("file")
        #expect(try Descriptor(opening: path).readAll(limit: size, path) == bytes)
        guard size > 0 else { return }
        #expect {
            try Descriptor(opening: path).readAll(limit: size - 1, path)
        } throws: {
            ($0 as? SystemCallError)?.errno == .fileTooLarge
        }
    }
}
