import CaiModel
import CaiPlatform
import SystemPackage

extension Finding {
    /// The finding about a fact that the file system of a place, or a sandbox, refused to keep.
    init(unkept example: UnkeptFacts.Example) {
        // A temporary name says nothing to a user; the directory that it is in does.
        let names = example.path.components.prefix { !$0.string.hasPrefix(TemporaryName.prefix) }
        let place = FilePath(root: example.path.root, names).printable
        switch example.fact {
        case .mode(let wanted, let found):
            self.init(
                .warning, at: place,
                "keeps the mode 0\(String(found, radix: 8)), because its file system, or the sandbox of this container, "
                    + "refuses the mode 0\(String(wanted, radix: 8)): the content is kept, and others may read it",
                advice: "mount a volume whose file system has modes, or this one for the agent alone, for example with "
                    + "uid=1000,file_mode=0600,dir_mode=0700 (cifs) or uid=1000,umask=077 (exFAT, FUSE)")
        case .lock:
            self.init(
                .warning, at: place,
                "cannot be locked, because its file system, or the sandbox of this container, has no locks: only the "
                    + "commands of this container wait for one another",
                advice: "use this volume in one container at a time")
        }
    }
}
