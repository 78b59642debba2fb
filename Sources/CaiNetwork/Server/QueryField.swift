import HummingbirdCore

/// What may be in the query of a request: an option of the command that does the same job.
enum QueryField: Sendable {
    /// `?name`, `?name=true`, `?name=false`.
    case flag(String)
    /// `?name=value`, an option of that name.
    case value(String)
    /// `?name=value`, an argument without a name.
    case word(String)

    private var name: String {
        switch self {
        case .flag(let name), .value(let name), .word(let name): name
        }
    }

    /// The query as the words of a command line. Throws `APIError` for what is not known: a slip of the pen must not be a
    /// request for something else.
    static func arguments(_ uri: URI, _ fields: [QueryField]) throws -> [String] {
        var arguments: [String] = []
        var seen: Set<String> = []
        for (key, value) in uri.queryParameters {
            guard let field = fields.first(where: { $0.name == key }) else {
                throw APIError.badQuery("there is no \(quoted(key)) here")
            }
            guard seen.insert(field.name).inserted else { throw APIError.badQuery("\(field.name) is there twice") }
            arguments += try field.words(String(value))
        }
        return arguments
    }

    private func words(_ value: String) throws -> [String] {
        switch self {
        case .flag(let name):
            switch value {
            case "", "true", "1": return ["--\(name)"]
            case "false", "0": return []
            default: throw APIError.badQuery("\(name) must be true or false")
            }
        case .value(let name): return ["--\(name)=\(value)"]
        // A word that begins with a dash would be an option.
        case .word: return ["--", value]
        }
    }

    private static func quoted(_ text: Substring) -> String {
        "\"" + String(text.unicodeScalars.prefix(40).filter { $0.value >= 0x20 && $0.value != 0x7F }) + "\""
    }
}
