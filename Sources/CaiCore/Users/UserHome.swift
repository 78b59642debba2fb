import CaiModel
import CaiPlatform
import SystemPackage

/// Makes home directories: with what `/etc/skel` holds, and owned by the user.
struct UserHome {
    let root: Directory
    /// HOME_MODE of login.defs(5).
    let mode: UInt16

    /// Makes the home of an account when there is none; what is there already, whatever it is, is left alone. The copy is
    /// made beside it, as the user, and gets the name when it is complete and durable. Returns whether it was made.
    func make(for account: AccountDatabase.Account) throws -> Bool {
        let path = FilePath(account.home)
        guard let name = path.lastComponent, path.components.count > 1, !root.existsInRoot(path) else { return false }
        let parent = try parent(of: path)
        guard try parent.status(of: name) == nil, let part = FilePath.Component(".cai-home-\(account.name)") else {
            return false
        }
        if try parent.status(of: part) != nil { try TreeEmptier.remove(part, in: parent) }
        do {
            let home = try parent.makeDirectory(part, mode: 0o700)
            try fill(home, account)
            try home.descriptor.setOwner(uid: account.uid, gid: account.gid, home.label)
            try home.descriptor.keepMode(mode, home.label)
            try home.sync()
            try parent.renameExclusively(part, to: parent, name)
        } catch {
            try? TreeEmptier.remove(part, in: parent)  // copies of the skeleton; the reason is in the error
            throw error
        }
        try parent.sync()
        return true
    }

    /// The directory that the home lies in, made where it is missing. Below the first one, which is the image's, no symlink
    /// is followed: it may be another user's.
    private func parent(of path: FilePath) throws -> Directory {
        let components = Array(path.removingLastComponent().components)
        let top = try root.makeDirectories(FilePath(root: "/", components.prefix(1)), mode: 0o755)
        return try Tree(root: top).makeDirectories(FilePath(root: nil, components.dropFirst()), mode: 0o755)
    }

    private func fill(_ home: Directory, _ account: AccountDatabase.Account) throws {
        let skeleton: Directory
        do {
            skeleton = try root.openInRoot("/etc/skel")
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return
        }
        for name in try skeleton.names() {
            var copier = TreeCopier()
            try copier.copy(name, in: skeleton, to: home, as: name)
            try give(name, in: home, account)
        }
    }

    /// Nobody else knows the directory yet, so nobody can put a link in the way.
    private func give(_ name: FilePath.Component, in directory: Directory, _ account: AccountDatabase.Account) throws {
        if try directory.status(of: name)?.kind == .directory {
            let inner = try directory.openDirectory(name)
            for each in try inner.names() { try give(each, in: inner, account) }
        }
        try directory.setOwner(of: name, uid: account.uid, gid: account.gid)
    }
}
