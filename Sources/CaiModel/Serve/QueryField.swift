/// What may be in the query of a request: an option of the command that does the same job.
package enum QueryField: Sendable {
    /// `?name`, `?name=true`, `?name=false`.
    case flag(String)
    /// `?name=value`, an option of that name.
    case value(String)
    /// `?name=value`, an argument without a name.
    case word(String)

    /// What is wrong with a query, as a sentence.
    package struct Problem: Error, Hashable, Sendable {
        package let sentence: String
    }

    /// The key in the query.
    package var name: String {
        switch self {
        case .flag(let name), .value(let name), .word(let name): name
        }
    }

    /// The query as the words of a command line, the argument without a name at their end. Throws for what is not known: a
    /// slip of the pen must not be a request for something else.
    package static func arguments(
        _ query: some Sequence<(key: Substring, value: Substring)>, _ fields: [QueryField]
    ) throws(Problem) -> [String] {
        var options: [String] = []
        var arguments: [String] = []
        var seen: Set<String> = []
        for (key, value) in query {
            guard let field = fields.first(where: { $0.name == key }) else {
                throw Problem(sentence: "there is no \(quoted(key)) here")
            }
            guard seen.insert(field.name).inserted else { throw Problem(sentence: "\(field.name) is there twice") }
            // An argument that begins with a dash would be an option.
            if case .word = field { arguments = ["--", String(value)] } else { options += try field.words(value) }
        }
        return options + arguments
    }

    private func words(_ value: Substring) throws(Problem) -> [String] {
        switch self {
        case .flag(let name):
            switch value {
            case "", "true", "1": return ["--\(name)"]
            case "false", "0": return []
            default: throw Problem(sentence: "\(name) must be true or false")
            }
        case .value(let name): return ["--\(name)=\(value)"]
        case .word: return [String(value)]
        }
    }

    private static func quoted(_ text: Substring) -> String {
        "\""
            + String(
                String.UnicodeScalarView(text.unicodeScalars.prefix(40).filter { $0.value >= 0x20 && $0.value != 0x7F })
            ) + "\""
    }
}
