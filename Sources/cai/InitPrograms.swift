import ArgumentParser
import CaiInit
import CaiPlatform
import Glibc

extension InitProgram {
    /// The command whose help text describes it.
    private var command: any ParsableCommand.Type { self == .run ? RunCommand.self : EntrypointCommand.self }

    /// Does what the command line asks for, and ends this program.
    func main() -> Never {
        switch Run.perform(self) {
        case .exit(let code): _exit(code)
        case .help: Cai.exit(withError: CleanExit.helpRequest(command))
        case .version: Cai.exit(withError: CleanExit.message(Build.version))
        case .usage(let problem):
            StandardError.write(
                "Error: \(problem)\nUsage: \(Cai.usageString(for: command))\n  See 'cai \(name) --help' for more"
                    + " information.\n")
            _exit(ExitCode.validationFailure.rawValue)
        }
    }
}
