import Glibc
package import SystemPackage

extension World {
    /// Adds a tree whose keys are paths of the world.
    package func add(_ tree: Item) throws {
        guard case .directory(let children) = tree.kind else { return }
        for (name, item) in children { try put(name, item) }
    }

    /// Puts something at a path of the world, making the directories above it. What stands there is replaced; a
    /// directory gets the children in addition to those it has.
    package func put(_ path: FilePath, _ item: Item) throws {
        let place = self.path(path)
        try makeParents(of: place)
        try make(item, at: place)
    }

    /// What an agent does that saves atomically: writes a temporary file and renames it over `path`. A link there
    /// becomes a file.
    package func saveByRename(_ path: FilePath, _ content: String, mode: UInt16 = 0o600) throws {
        let place = self.path(path)
        let temporary = FilePath(bytes: place.bytes + Array(".tmp".utf8))
        try makeParents(of: place)
        try make(.file(content).mode(mode), at: temporary)
        try Files.setTime(temporary, Int64(time(nil)) * 1_000_000_000)
        try checked(
            "rename", place,
            temporary.withPlatformString { from in place.withPlatformString { rename(from, $0) } })
    }

    /// Removes a path of the world with everything below it.
    package func remove(_ path: FilePath) throws { try Files.remove(self.path(path)) }

    private func makeParents(of place: FilePath) throws {
        let parent = place.removingLastComponent()
        guard parent != root, try Files.status(parent) == nil else { return }
        try makeParents(of: parent)
        try make([:], at: parent)
    }

    private func make(_ item: Item, at place: FilePath) throws {
        if case .directory(let children) = item.kind {
            if let status = try Files.status(place), status.st_mode & S_IFMT != S_IFDIR { try Files.remove(place) }
            if !Files.exists(place) { try checked("mkdir", place, place.withPlatformString { mkdir($0, 0o700) }) }
            for (name, child) in children {
                let below = place.appending(name.components)
                try makeParents(of: below)
                try make(child, at: below)
            }
        } else {
            try Files.remove(place)
            try makeLeaf(item, at: place)
        }
        try dress(item, at: place)
    }

    private func makeLeaf(_ item: Item, at place: FilePath) throws {
        switch item.kind {
        case .directory: break
        case .file(let content): try Files.write(content, to: place)
        case .sparse(let size, let end): try makeSparse(size, end, at: place)
        case .link(let text):
            try checked(
                "symlink", place, text.withPlatformString { text in place.withPlatformString { symlink(text, $0) } })
        case .hardLink(let other):
            try checked(
                "link", place,
                path(other).withPlatformString { other in place.withPlatformString { Glibc.link(other, $0) } })
        case .fifo: try node(S_IFIFO, at: place)
        case .socket: try node(S_IFSOCK, at: place)
        case .device: try node(S_IFCHR, at: place)
        }
    }

    private func node(_ kind: mode_t, at place: FilePath) throws {
        // 1:3 is the null device.
        try checked("mknod", place, place.withPlatformString { mknod($0, kind | 0o644, kind == S_IFCHR ? 0x103 : 0) })
    }

    private func makeSparse(_ size: Int64, _ end: [UInt8], at place: FilePath) throws {
        let file = try checked(
            "open", place, place.withPlatformString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) })
        defer { close(file) }
        try checked("truncate", place, ftruncate(file, off_t(size)))
        try checked("write", place, pwrite(file, end, end.count, off_t(size - Int64(end.count))))
    }

    /// Gives a thing its owner, mode, attributes and time; in this order, because each may take away the one before.
    private func dress(_ item: Item, at place: FilePath) throws {
        if case .hardLink = item.kind { return }
        let isOutside = !place.starts(with: home) && !place.starts(with: volume)
        if World.isRoot {
            let owner = item.owner ?? (isOutside ? 0 : World.agent)
            try checked(
                "chown", place,
                place.withPlatformString { fchownat(AT_FDCWD, $0, owner, owner, AT_SYMLINK_NOFOLLOW) })
        }
        if case .link = item.kind {
        } else {
            try checked("chmod", place, place.withPlatformString { chmod($0, mode_t(item.mode)) })
        }
        for (name, value) in item.attributes { try Files.setAttribute(name, value, of: place) }
        try Files.setTime(place, item.modified * 1_000_000_000)
    }
}
