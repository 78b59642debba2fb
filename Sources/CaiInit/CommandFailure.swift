import CPlatform
package import SystemPackage

/// Why a command was not started.
package struct CommandFailure: Error, Hashable, Sendable {
    /// What could not be done.
    package enum Step: Hashable, Sendable {
        case fork
        /// Giving it its descriptors.
        case descriptors
        /// Finding the user of `--user`; the text says what is not known.
        case user(String)
        /// Becoming the user of `--user`.
        case identity
        /// Going to the directory of `--workdir`.
        case directory
        case execute
        /// Executing what is a directory.
        case executeDirectory
        /// Executing what is neither a script nor of a format that the kernel knows.
        case executeDamaged
        /// Executing the shell that a script without `#!` needs.
        case executeShell
        /// Executing a file whose interpreter is missing.
        case executeInterpreter
        /// Executing it in time.
        case late
    }

    package let step: Step
    /// The file, directory or user that it is about, printable.
    package let subject: String
    package let errno: Errno

    package init(_ step: Step, _ subject: String, _ errno: Errno) {
        self.step = step
        self.subject = subject
        self.errno = errno
    }

    /// The exit code: 127 for what is not there, 126 for what is there and cannot be executed, as shells have it; 125 for
    /// what the init itself could not do.
    package var code: CInt {
        switch step {
        case .fork, .descriptors, .user, .identity, .directory: 125
        case .execute: errno == .noSuchFileOrDirectory ? 127 : 126
        case .executeDirectory, .executeDamaged, .executeShell, .executeInterpreter, .late: 126
        }
    }
}

extension CommandFailure: CustomStringConvertible {
    /// The subject and the reason in one sentence.
    package var description: String {
        switch step {
        case .fork: "\(subject): no process could be made for it: \(errno)"
        case .descriptors: "\(subject): cannot be given its descriptors: \(errno)"
        case .user(let reason): reason
        case .identity: "\(subject): cannot become this user: \(errno)"
        case .directory: "\(subject): cannot start in this directory: \(errno)"
        case .execute where errno == .noSuchFileOrDirectory && !subject.contains("/"):
            "\(subject): not found on the search path"
        case .execute: "\(subject): \(errno)"
        case .executeDirectory: "\(subject): is a directory"
        case .executeDamaged: "\(subject): damaged, or made for another machine: \(errno)"
        case .executeShell: "\(subject): a script without #! runs under /bin/sh, which cannot be executed: \(errno)"
        case .late where errno == .interrupted:
            "\(subject): was not executed before the end began; its start was given up"
        case .late:
            "\(subject): was not executed in time, and was killed: a process of its user stopped it, or a file that it"
                + " needs does not answer"
        case .executeInterpreter: "\(subject): the interpreter that it needs is missing: \(errno)"
        }
    }
}

extension CommandFailure.Step {
    /// The step that the C library part reports.
    init(_ step: cai_command_step) {
        switch step {
        case cai_command_fork: self = .fork
        case cai_command_descriptors: self = .descriptors
        case cai_command_identity: self = .identity
        case cai_command_directory: self = .directory
        case cai_command_exec_of_directory: self = .executeDirectory
        case cai_command_exec_of_damage: self = .executeDamaged
        case cai_command_exec_of_shell: self = .executeShell
        case cai_command_exec_of_interpreter: self = .executeInterpreter
        case cai_command_late: self = .late
        default: self = .execute
        }
    }
}
