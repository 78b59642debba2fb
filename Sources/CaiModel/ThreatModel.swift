/// The threat model: who is trusted with what, and the tests that show it.
package enum ThreatModel {
    /// A test, by the names of its suite and its function, which read as one sentence.
    package struct Test: Sendable {
        package let suite: String
        package let name: String

        fileprivate init(_ suite: String, _ name: String) {
            self.suite = suite
            self.name = name
        }
    }

    /// One statement about a party, and the tests that show it.
    package struct Line: Sendable {
        package let sentence: String
        package let tests: [Test]
    }

    /// A party, and what it is trusted with.
    package struct Party: Sendable {
        package let name: String
        package let trust: String
        package let lines: [Line]
    }

    /// All parties, the most trusted first.
    package static let parties: [Party] = [
        Party(
            name: "The host, and who runs cai there",
            trust: "Trusted with everything: it starts the container and owns its volumes.",
            lines: [
                Line(
                    sentence: "A push sends what the host allows: built-in places, and what a person named.",
                    tests: [
                        Test(
                            "The permission of a host for a push",
                            "goes to built-in paths, what lies in built-in directories, and what a person named"),
                        Test("The permission of a host for a push", "lets a container ask for less"),
                    ]),
                Line(
                    sentence: "What a service sends to its terminal is printable and bounded.",
                    tests: [
                        Test(
                            "cai push to a program that is not the service",
                            "what it says is one line each, without control characters"),
                        Test(
                            "cai push to a program that is not the service",
                            "an answer with endless headers ends the push"),
                    ]),
            ]),
        Party(
            name: "Root in the container",
            trust: "Trusted with the container: its settings below /etc, process 1, accounts, and the agent's files.",
            lines: [
                Line(
                    sentence: "Root keeps its way to the socket, also while others use all that they may.",
                    tests: [
                        Test("The agent service among slow and idle clients", "keeps a place and a connection for root")
                    ]),
                Line(
                    sentence: "Accounts and logins are root's alone, whoever else may use the socket.",
                    tests: [Test("Users over the agent socket", "are root's business, whoever else may use the socket")]
                ),
            ]),
        Party(
            name: "The agent",
            trust: "Trusted with its home, its workspace and the volume; its files may be hostile.",
            lines: [
                Line(
                    sentence: "Root follows no link that the agent wrote, also one that appears while root works.",
                    tests: [
                        Test(
                            "Traps in home and volume",
                            "promise 5: an agent that swaps a directory for a link while root works gains nothing"),
                        Test(
                            "Import: symlinks of the source (1.6.3)",
                            "root follows no link of the agent to the source, but its own ones"),
                    ]),
                Line(
                    sentence: "A record that it planted names no place outside of home and volume.",
                    tests: [
                        Test(
                            "A journal that the agent has planted",
                            "with steps cannot name a place outside of its trees"),
                        Test(
                            "A journal that the agent has planted",
                            "with a batch cannot name a place outside of its trees"),
                    ]),
                Line(
                    sentence: "It is given no file of another account, also not by a hard link.",
                    tests: [
                        Test(
                            "The ownership policy",
                            "gives no private file of others where the agent may make hard links to it"),
                        Test(
                            "The ownership repair",
                            "leaves a file of root that lost its other name alone where links are not protected"),
                    ]),
                Line(
                    sentence: "Process 1 waits a bounded time for what it can stop or block.",
                    tests: [
                        Test(
                            "A command whose start is held up",
                            "because another process has stopped it is a failure, and it is ended"),
                        Test("A command whose start is held up", "because opening its file waits is a failure"),
                        Test(
                            "A service whose start is held up by its user",
                            "keeps nothing else from starting, and not the end from coming"),
                    ]),
                Line(
                    sentence: "Its .env keeps no program from starting.",
                    tests: [
                        Test(
                            "Variables of .env for which no program has room",
                            "are named and left out, and everything else starts"),
                        Test(
                            "Variables of .env for which no program has room",
                            "are named and left out where only their sum is too much"),
                    ]),
                Line(
                    sentence: "Neither size nor depth of its files keeps later boot steps from running.",
                    tests: [
                        Test(
                            "Files of the agent",
                            "that are larger than a boot has time for keep no later step from running"),
                        Test("A tree that is deeper than any path may be", "on the volume stops no command"),
                    ]),
                Line(
                    sentence: "Its manifests use up no kernel resources of root.",
                    tests: [
                        Test("Manifests", "of more directories than are watched leave the kernel's watches to others")
                    ]),
            ]),
        Party(
            name: "The repository in the workspace",
            trust: "Trusted with nothing, unless trust_repository is set.",
            lines: [
                Line(
                    sentence: "Its configuration takes nothing in, and leaves nothing out of a backup.",
                    tests: [
                        Test(
                            "Import: configuration, excludes and additional paths (1.7 to 1.9)",
                            "1.18 #28: a repository cannot widen what is imported unless the user's configuration grants it"
                        ),
                        Test("The content of cai export", "is not changed by [export] of a repository without trust"),
                    ])
            ]),
        Party(
            name: "Other local users",
            trust: "Trusted with nothing.",
            lines: [
                Line(
                    sentence: "The kernel says who asks on the socket; others are refused.",
                    tests: [
                        Test(
                            "Who may use the agent socket",
                            "is asked of the kernel: others are refused, and the log says whom, and nothing that they sent"
                        )
                    ]),
                Line(
                    sentence: "They can read no file of the agent, and no secret on its way.",
                    tests: [
                        Test(
                            "What the predecessors trusted, and when they looked (1.18)",
                            "promise 6: no secret is shown by any command, wherever it stands")
                    ]),
                Line(
                    sentence: "A link that they planted gets no home directory behind it.",
                    tests: [Test("Users and bad input", "makes no home behind a symlink that another user planted")]),
            ]),
        Party(
            name: "The author of an archive",
            trust: "Trusted with nothing: an import is as safe as the places that it may write.",
            lines: [
                Line(
                    sentence: "A hostile archive is refused by the name of the member, and leaves nothing behind.",
                    tests: [
                        Test("A hostile archive", "is refused by the name of the member, and leaves nothing anywhere"),
                        Test("A hostile archive", "of 4 GiB of zeros is refused long before they are written"),
                        Test("A strange archive", "cannot bring cai's own records along"),
                    ])
            ]),
    ]

    /// The model as text: a paragraph for each party, and for each test its suite and below it its name.
    package static var text: String {
        parties.map { party in
            let lines = party.lines.map { line in
                "- \(line.sentence)\n" + line.tests.map { "  \($0.suite)\n    \($0.name)\n" }.joined()
            }
            return "\(party.name). \(party.trust)\n" + lines.joined()
        }.joined(separator: "\n")
    }
}
