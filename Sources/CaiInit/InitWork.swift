import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// What every init does around the start of its command.
enum InitWork {
    /// Asks for a signal at the parent's end. Returns whether that has come already, of which the kernel says nothing.
    static func watchParent(_ signal: Signal?, _ log: RunLog) -> Bool {
        guard let signal else { return false }
        let parent = cai_first_parent()
        if cai_set_parent_death_signal(signal.number) != 0 { log.info("the kernel does not tell of the parent's end") }
        return getppid() != parent
    }

    /// The ids to run with; nil when they are those of this process, which then need not be allowed to change them.
    static func credentials(_ user: String) throws(CommandFailure) -> Credentials? {
        do {
            let credentials = try Credentials(user)
            let isSame = geteuid() != 0 && getuid() == credentials.uid && getgid() == credentials.gid
            return isSame ? nil : credentials
        } catch {
            throw CommandFailure(.user(error.description), user, .noSuchFileOrDirectory)
        }
    }

    /// Gives up what would keep others waiting, descriptors that somebody reads from and a directory to unmount, and the
    /// memory that only starting took. `kept` are descriptors of its own.
    static func letGo(keeping kept: [CInt] = []) {
        var first: UInt32 = 3
        for descriptor in kept.sorted() where descriptor >= 3 {
            if descriptor > first { cai_close_between(first, UInt32(descriptor) - 1) }
            first = UInt32(descriptor) + 1
        }
        cai_close_from(first)
        chdir("/")
        cai_release_program_memory()
    }
}

/// The words of a command line, each turned into bytes when it is looked at.
struct CommandWords: Collection {
    private let pointers: UnsafePointer<UnsafeMutablePointer<CChar>?>
    let startIndex = 0
    let endIndex: Int

    init(_ pointers: UnsafePointer<UnsafeMutablePointer<CChar>?>) {
        self.pointers = pointers
        var count = 0
        while pointers[count] != nil { count += 1 }
        endIndex = count
    }

    func index(after index: Int) -> Int { index + 1 }
    subscript(index: Int) -> [UInt8] { pointers[index].map { bytes($0) } ?? [] }
}
