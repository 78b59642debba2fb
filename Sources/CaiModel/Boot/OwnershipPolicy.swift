/// What the kernel shows as the owner of a file whose real owner has no number in this user namespace ("nobody").
package let overflowID: UInt32 = 65534

/// What ownership is decided from: one directory entry, links not followed.
package struct OwnedEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case regular, directory, symlink
        /// A FIFO or a socket.
        case endpoint
        /// A block or character device.
        case device
    }

    package let kind: Kind
    package let uid: UInt32
    package let gid: UInt32
    /// How many names the file has.
    package let linkCount: UInt64
    /// Permission bits with setuid, setgid and sticky.
    package let mode: UInt16

    package init(kind: Kind, uid: UInt32, gid: UInt32, linkCount: UInt64, mode: UInt16) {
        self.kind = kind
        self.uid = uid
        self.gid = gid
        self.linkCount = linkCount
        self.mode = mode
    }
}

/// What is to become of an entry's ownership.
package enum OwnershipDecision: Hashable, Sendable {
    case keep
    /// It becomes the owner's, without setuid and setgid.
    case give
    /// It stays as it is, and a person decides.
    case report(OwnershipDoubt)
}

/// Why an entry of somebody else's is not given away.
package enum OwnershipDoubt: Hashable, Sendable, CaseIterable {
    /// It has further names, which may lie outside of what is being repaired.
    case otherNames
    /// Whoever owns it owns the device.
    case device
    /// It may have been a second name of a file elsewhere, and only its owner and group may read it.
    case privateFile
    /// Nobody but its owner may look into it, and it holds something.
    case privateDirectory

    /// The doubt as a sentence that follows the path.
    package var sentence: String {
        switch self {
        case .otherNames:
            "belongs to somebody else and has other names (hard links), which may lie elsewhere; left alone"
        case .privateFile:
            "belongs to somebody else, who lets only some read it; with fs.protected_hardlinks off the agent may have put"
                + " the name of a file from elsewhere there; left alone"
        case .device: "is a device that belongs to somebody else; left alone"
        case .privateDirectory: "is a private directory of somebody else and not empty; left alone"
        }
    }
}

/// Decides which entries are given to the owner of the volume.
///
/// Everything on a volume belongs to one account, so every foreign uid or gid is wrong, those of "nobody" included, which
/// a shifted user namespace leaves behind. Three things are never given away, because whoever may write to the volume
/// could turn the repair into a gift of something that is not on it: a device; a file of root, or of any other account,
/// with more than one name, because the agent may have made the second name itself (link(2) asks nobody where
/// `fs.protected_hardlinks` is off), and no look at the volume can prove that all names lie on it; there a file that others
/// may not read, because it may have lost its first name since, as /etc/shadow does with each change; and a directory in
/// the home that is private. A file with more names that already is the owner's, or nobody's, only gets the right ids: that
/// hands out nothing that an account had for itself.
package struct OwnershipPolicy: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// Whether other accounts have files there too: then only what root or "nobody" left is wrong.
    private var isShared = false

    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }

    /// True if every user may make hard links to files of others (`fs.protected_hardlinks` is 0): a file that has one name
    /// may have had another one elsewhere.
    private var distrustsPrivateFiles = false

    /// The same where every user may make hard links to files of others, if `isTrue`.
    package func withUnprotectedLinks(_ isTrue: Bool) -> OwnershipPolicy {
        var policy = self
        policy.distrustsPrivateFiles = isTrue
        return policy
    }

    /// The same for a tree in which other accounts have files too.
    package var sharing: OwnershipPolicy {
        var policy = self
        policy.isShared = true
        return policy
    }

    /// Whether the entry has the ids that it should have.
    package func isRight(_ entry: OwnedEntry) -> Bool {
        isShared ? entry.uid != 0 && entry.uid != overflowID : entry.uid == uid && entry.gid == gid
    }

    /// Decides about an entry of the volume.
    package func decide(_ entry: OwnedEntry) -> OwnershipDecision {
        if isRight(entry) { return .keep }
        switch entry.kind {
        case .directory: return .give
        case .device: return .report(.device)
        case .regular, .symlink, .endpoint:
            if entry.uid == uid || entry.uid == overflowID { return .give }
            if entry.linkCount > 1 { return .report(.otherNames) }
            let isReadable = entry.kind != .regular || entry.mode & 0o004 != 0
            return distrustsPrivateFiles && !isReadable ? .report(.privateFile) : .give
        }
    }

    /// Decides about a directory of the home in which links are made. Only what root or "nobody" left is given, as an
    /// image build leaves it; a directory of another account stays that account's.
    package func decide(homeDirectory entry: OwnedEntry, isEmpty: Bool) -> OwnershipDecision {
        guard entry.kind == .directory, entry.uid == 0 || entry.uid == overflowID, entry.uid != uid else {
            return .keep
        }
        let isPublic = entry.mode & 0o005 == 0o005
        return isPublic || isEmpty ? .give : .report(.privateDirectory)
    }
}
