import ArgumentParser
import CaiModel

/// `cai help threat-model`: a topic, which the command itself prints as well.
struct ThreatModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "threat-model",
        abstract: "Topic: show who is trusted with what, and which test shows it.",
        discussion: ThreatModel.text)

    func run() { print(ThreatModel.text, terminator: "") }
}
