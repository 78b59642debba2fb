package import CaiModel
package import CaiPlatform
import SystemPackage

extension SystemCallError {
    /// Why it failed, for a sentence that names the subject.
    package var plainReason: String {
        switch (operation, errno) {
        case (_, .isDirectory): "it is a directory"
        case (Directory.tooDeep, _): "it lies deeper than \(Directory.deepest) directories"
        case (WorkBudget.operation, _): "it \(WorkBudget.reason)"
        case ("open", .notSupported): "it is not a regular file"
        case ("open", .tooManySymbolicLinkLevels): "it is a symlink that is not followed"
        case (_, .noSuchFileOrDirectory): "it does not exist"
        case (_, .fileTooLarge): "it is too large"
        default: "\(operation): \(errno)"
        }
    }

    /// What a user can do about it, where that is known.
    package var advice: String? { advice() }

    /// What failed and why.
    package var plainSentence: String { "\(subject): \(plainReason)" }
}

extension Finding {
    /// A file that cannot be read, as an error.
    package init(unreadable error: any Error, at place: String) {
        let call = error as? SystemCallError
        let advice = call.flatMap { $0.errno == .noSuchFileOrDirectory ? "check the name" : $0.advice }
        self.init(.error, at: place, "cannot be read: \(call?.plainReason ?? error.sentence)", advice: advice)
    }
}
