import CaiPlatform

/// What an init tells on standard error.
package struct RunLog: Sendable {
    private let verbosity: Int
    private let program: InitProgram
    /// True until the command runs: nothing else can be late for an error then.
    var mayWait = true

    /// Tells failures, and with growing verbosity more. Lines begin with the name of the program.
    package init(verbosity: Int, of program: InitProgram = .run) {
        self.verbosity = verbosity
        self.program = program
    }

    /// Something that keeps the init from doing its work. Before the command runs it waits for the reader if it has to.
    package func error(_ text: String) {
        if !mayWait { return tell("ERROR", text) }
        StandardError.write("[ERROR] cai \(program.name): \(text)\n")
    }

    /// Something that is told without being asked for, or by a flag of its own.
    package func warning(_ text: @autoclosure () -> String) { tell("WARN", text()) }

    /// What happens to the command, from the first `-v` on.
    package func info(_ text: @autoclosure () -> String) {
        if verbosity > 0 { tell("INFO", text()) }
    }

    /// What the init does meanwhile, from the second `-v` on.
    package func debug(_ text: @autoclosure () -> String) {
        if verbosity > 1 { tell("DEBUG", text()) }
    }

    /// Reports variables for which the environment of a program has no room.
    func leftOut(_ names: [String], of subject: String = "the command") {
        let shown = names.prefix(10).map { printable(Array($0.utf8)) }.joined(separator: ", ")
        let more = names.count > 10 ? " and \(names.count - 10) more" : ""
        warning("\(subject) starts without \(shown)\(more): the environment of a program has no room for them")
    }

    /// An init that waits for the reader of its log forwards nothing, so that a line that would have to wait is dropped.
    private func tell(_ kind: String, _ text: String) {
        StandardError.writeAtOnce("[\(kind)] cai \(program.name): \(text)\n")
    }
}
