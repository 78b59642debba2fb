import CaiModel
import CaiPlatform
import SystemPackage

/// The contents of new files, written and made durable together before the first of them gets its name: a loss of power
/// leaves a file whole or missing, and a fresh volume with many placeholders costs one barrier.
///
/// They stand in the directory of the journals, where the next run removes those that a killed run left.
struct NewFiles {
    /// Above this many files, one sync of the whole file system is cheaper than one fsync for each.
    private static let fsyncLimit = 8

    private let volume: Tree
    private let run: RunID
    /// The steps whose contents are ready.
    private var ready: Set<Int> = []

    init(_ volume: Tree, _ run: RunID) {
        self.volume = volume
        self.run = run
    }

    /// Writes the contents of these steps if they are many; few are written by their steps. A content that cannot be written
    /// is left to its step, which reports the error.
    mutating func prepare(_ steps: [Step], firstNumber: Int) {
        let contents = steps.enumerated().compactMap { offset, step in
            step.newContent.map { (number: firstNumber + offset, content: $0.content, mode: $0.mode) }
        }
        guard contents.count > Self.fsyncLimit, let workshop = try? workshop() else { return }  // as above
        for new in contents {
            let part = name(new.number)
            if !Node(part, in: workshop).isMissing { try? workshop.unlink(part) }  // of an attempt before; as above
            do {
                try workshop.writeFile(part, Array(new.content.utf8), mode: new.mode, isDurable: false)
            } catch {
                break
            }
            ready.insert(new.number)
        }
        do {
            try workshop.descriptor.syncFileSystem(workshop.label)
        } catch {
            discard()
        }
    }

    /// Moves the content of a step to a name. False if it is not ready, or lies on another mount.
    mutating func take(_ number: Int, to directory: Directory, _ part: FilePath.Component) throws -> Bool {
        guard ready.contains(number) else { return false }
        do {
            try workshop().renameExclusively(name(number), to: directory, part)
        } catch let error as SystemCallError where error.errno == .improperLink {
            return false
        }
        ready.remove(number)
        return true
    }

    /// Removes the contents that no step took. One that stays is removed by the next run.
    mutating func discard() {
        guard !ready.isEmpty, let workshop = try? workshop() else { return }  // as said
        for number in ready { try? workshop.unlink(name(number)) }  // as said
        ready = []
    }

    private func workshop() throws -> Directory { try StateDirectory(volume: volume).make(Journal.name) }

    private func name(_ number: Int) -> FilePath.Component {
        FilePath.Component("\(run)-\(number)\(StateDirectory.partSuffix)") ?? "new.part"
    }
}

extension Step {
    /// The content and mode of a new file that is not empty.
    fileprivate var newContent: (content: String, mode: UInt16)? {
        switch self {
        case .makeFile(_, let content, let mode) where !content.isEmpty: (content, mode)
        case .fillEmpty(_, let content, let mode): (content, mode)
        default: nil
        }
    }
}

extension Applier {
    /// Writes the content of a step under its `.part` name and makes it durable.
    func writePart(_ content: String, _ mode: UInt16, _ number: Int, in parent: Directory) throws {
        let part = temporary(number, .part)
        if try newFiles.take(number, to: parent, part) { return }
        try parent.writeFile(part, Array(content.utf8), mode: mode, isDurable: true)
    }
}
