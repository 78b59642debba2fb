/// A value for a path of member names.
package struct JSONSetting: Sendable {
    package let path: [String]
    package let value: JSONLiteral

    package init(_ path: [String], _ value: JSONLiteral) {
        self.path = path
        self.value = value
    }
}

extension JSONDocument {
    /// Whether a text holds nothing but white space, comments and a byte order mark, as a file that somebody has only begun.
    package static func holdsNothing(_ bytes: [UInt8]) -> Bool {
        var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while position < bytes.count {
            if [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
                position += 1
            } else if let end = endOfJSONComment(at: position, in: bytes) {
                position = end
            } else {
                return false
            }
        }
        return true
    }

    /// A blank text with an object of these values behind what it holds.
    package static func filling(_ blank: [UInt8], with settings: [JSONSetting]) -> [UInt8] {
        let lineFeed = blank.firstIndex(of: 0x0A) ?? 0
        let newline: [UInt8] = lineFeed > 0 && blank[lineFeed - 1] == 0x0D ? [0x0D, 0x0A] : [0x0A]
        let style = JSONLiteral.Style(newline: newline, unit: [0x20, 0x20], colon: [0x3A, 0x20])
        let isAtLineStart = blank.isEmpty || blank == [0xEF, 0xBB, 0xBF] || blank.last == 0x0A
        return blank + (isAtLineStart ? [] : newline)
            + JSONLiteral(settings).rendered(style, indentation: []) + newline
    }

    /// The text with all these values, as `setting(_:to:)` makes it for one. No path may begin with another one.
    ///
    /// Where something on the way to a value is not an object, an object takes its place; these paths are returned too. The
    /// root must be an object.
    package func setting(all settings: [JSONSetting]) -> (bytes: [UInt8], replaced: [[String]]) {
        var replaced: [[String]] = []
        let edits = edits(settings, in: 0, at: [], &replaced)
        return (edited(bytes, edits) ?? bytes, replaced)
    }

    private func edits(
        _ settings: [JSONSetting], in object: Int, at path: [String], _ replaced: inout [[String]]
    ) -> [TextEdit] {
        let value = JSONValue(document: self, index: object)
        var edits: [TextEdit] = []
        var missing: [(name: [UInt8], value: JSONLiteral)] = []
        for (name, inner) in grouped(settings) {
            let literal = JSONLiteral(inner)
            guard let member = value[name] else {
                missing.append((quotedJSON(name), literal))
                continue
            }
            if inner.contains(where: \.path.isEmpty) {
                edits += replacement(of: member, by: literal)
            } else if member.kind == .object {
                edits += self.edits(inner, in: member.index, at: path + [name], &replaced)
            } else {
                replaced.append(path + [name])
                edits += replacement(of: member, by: literal)
            }
        }
        guard !missing.isEmpty else { return edits }
        let place = JSONInsertion(into: object, of: self)
        let style = place.layout.style(onLines: place.isMultiline)
        return edits
            + place.edits(missing.map { ($0.name, $0.value.rendered(style, indentation: place.indentation)) })
    }

    private func replacement(of old: JSONValue, by value: JSONLiteral) -> [TextEdit] {
        if old.says(value) { return [] }
        let layout = JSONLayout(of: self)
        let indentation = indentation(ofLineAt: old.range.lowerBound, in: bytes)
        let isOnLines = layout.isMultiline && value.isContainer
        return [TextEdit(old.range, value.rendered(layout.style(onLines: isOnLines), indentation: indentation))]
    }
}

extension JSONValue {
    /// Whether the value says the same as a literal, however it is written. It must have been read with everything in it.
    package func says(_ value: JSONLiteral) -> Bool {
        let compact = value.rendered(.compact, indentation: [])
        guard let same = try? JSONDocument(compact) else { return false }  // a literal is always a document
        return same.canonicalText(of: 0) == document.canonicalText(of: index)
    }
}

extension JSONLiteral {
    fileprivate var isContainer: Bool {
        switch self {
        case .object, .array: true
        default: false
        }
    }

    /// The object that holds the values; the value itself where a path is empty.
    fileprivate init(_ settings: [JSONSetting]) {
        if let own = settings.last(where: \.path.isEmpty) {
            self = own.value
        } else {
            self = .object(grouped(settings).map { (name: $0.name, value: JSONLiteral($0.inner)) })
        }
    }
}

/// The settings by the first name of their paths, in the order in which they come, without that name.
private func grouped(_ settings: [JSONSetting]) -> [(name: String, inner: [JSONSetting])] {
    var groups: [(name: String, inner: [JSONSetting])] = []
    for setting in settings {
        guard let name = setting.path.first else { continue }
        let rest = JSONSetting(Array(setting.path.dropFirst()), setting.value)
        if let index = groups.firstIndex(where: { $0.name == name }) {
            groups[index].inner.append(rest)
        } else {
            groups.append((name, [rest]))
        }
    }
    return groups
}
