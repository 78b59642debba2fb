import ArgumentParser
import CaiCore
import CaiModel

/// `cai config`: what holds on this machine.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the settings.", subcommands: [Show.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show every setting with its value and where the value comes from.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            try reportingFailures {
                let settings = try global.workplaceAsFound().settings
                if global.json {
                    try JSON.object([
                        "settings": .object(values(settings)), "services": services(settings),
                        "findings": .array(settings.findings.map(\.json)),
                    ])
                    .print()
                } else {
                    for key in SettingKey.allCases {
                        guard let entry = settings[key] else { continue }
                        print("\(key.rawValue) = \(entry.value.text)  # \(entry.origin)")
                    }
                    for service in settings.services {
                        print("\n[service.\(service.name)]  # \(service.location)")
                        service.shown.forEach { print("\($0.key) = \($0.value)") }
                    }
                }
                settings.findings.forEach(Talk.finding)
                if settings.findings.contains(where: { $0.severity == .error }) { throw Exit.brokenConfiguration }
            }
        }

        /// In the order of their start; of the environment the names only.
        private func services(_ settings: Settings) -> JSON {
            .array(
                settings.services.map { service in
                    var members: [String: JSON] = [
                        "name": .string(service.name), "origin": .string(service.location.description),
                    ]
                    for (key, value) in service.shown { members[key] = .string(value) }
                    return .object(members)
                })
        }

        private func values(_ settings: Settings) -> [String: JSON] {
            var result: [String: JSON] = [:]
            for key in SettingKey.allCases {
                guard let entry = settings[key] else { continue }
                result[key.rawValue] = .object([
                    "value": entry.value.json, "origin": .string(entry.origin.description),
                ])
            }
            return result
        }
    }
}

extension SettingValue {
    fileprivate var json: JSON {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .number(number)
        case .list(let values): .strings(values)
        case .flag(let isOn): .bool(isOn)
        }
    }
}
