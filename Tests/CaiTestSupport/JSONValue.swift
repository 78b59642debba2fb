import FoundationEssentials

/// A JSON answer, read for a test. What is missing is `null`, so that a lookup never has to be unwrapped.
package enum JSONValue: Sendable, Hashable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package subscript(key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }
    package var array: [JSONValue] { if case .array(let values) = self { values } else { [] } }
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var number: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// An object without some of its members.
    package func without(_ keys: Set<String>) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !keys.contains($0.key) })
    }
}

extension JSONValue {
    /// The steps of a report, without what only a real run can say.
    package var steps: [JSONValue] { self["steps"].array.map { $0.without(["result", "reason", "displaced"]) } }

    /// The results of the steps.
    package var results: [String] { self["steps"].array.map { $0["result"].text ?? "none" } }

    /// The state of one link, by its path.
    package func linkState(_ link: String) -> String? {
        self["links"].array.first { $0["link"].text == link }?["state"].text
    }

    /// The findings as `place: sentence`.
    package var findings: [String] {
        self["findings"].array.map { "\($0["place"].text ?? "?"): \($0["sentence"].text ?? "?")" }
    }
}

extension JSONValue {
    /// Reads a document; nil when it is none.
    package init?(parsing text: String) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else { return nil }
        self = value
    }
}

extension JSONValue {
    /// A document on one line; `null`, which fails every expectation, where it is none.
    package init(line: some StringProtocol) {
        self = (try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))) ?? .null
    }
}
