/// One of the files passwd(5), group(5), shadow(5) and gshadow(5): its lines, to be changed one at a time.
///
/// Every line that is not changed stays as it was read, to the byte: comments, lines that make no sense, lines of name
/// services (`+`, `-`), and a missing newline at the end as long as nothing is added behind it.
package struct AccountTable: Hashable, Sendable {
    private var lines: [[UInt8]]
    /// Whether the text ends with a newline.
    private var isTerminated: Bool
    /// The first line of each name.
    private var places: [[UInt8]: Int] = [:]

    /// Takes a text apart. It never fails: what is no entry is kept as it is.
    package init(_ text: [UInt8]) {
        lines = text.split(separator: newline, omittingEmptySubsequences: false).map(Array.init)
        isTerminated = text.isEmpty || text.last == newline
        if text.isEmpty || isTerminated { lines.removeLast() }
        findPlaces()
    }

    private mutating func findPlaces() {
        places = [:]
        for index in lines.indices where isEntry(lines[index]) {
            let name = Array(lines[index].prefix { $0 != colon })
            if places[name] == nil { places[name] = index }
        }
    }

    /// The text, as it is to be written.
    package var text: [UInt8] {
        var result = Array(lines.joined(separator: [newline]))
        if isTerminated, !lines.isEmpty { result.append(newline) }
        return result
    }

    /// The fields of the first entry of a name; nil when there is none. Bytes that are not UTF-8 are replaced in what is
    /// read, never in the file.
    package func fields(of name: String) -> [String]? { index(of: name).map { fields(at: $0) } }

    /// The fields of every entry, in the order of the file; comments and lines of name services are left out.
    package var entries: [[String]] {
        lines.indices.filter { isEntry(lines[$0]) }.map { fields(at: $0) }
    }

    /// The numbers of lines, counted from 1, that are neither an entry with so many fields, nor a comment, nor for a name
    /// service.
    package func malformedLines(fieldCount: Int) -> [Int] {
        lines.indices.filter { index in
            let line = lines[index]
            if line.isEmpty || line.first == UInt8(ascii: "#") || isForNameService(line) { return false }
            let fields = fields(at: index)
            return fields.count != fieldCount || fields[0].isEmpty
        }.map { $0 + 1 }
    }

    /// Puts an entry in the place of the first one of its name, or behind the last entry: before the lines for name
    /// services, behind which nothing is looked for. An entry that is so already is not touched.
    package mutating func set(_ fields: [String]) {
        let line = Array(fields.joined(separator: ":").utf8)
        if let index = index(of: fields[0]) {
            if self.fields(at: index) != fields { lines[index] = line }
            return
        }
        let end = lines.firstIndex(where: isForNameService) ?? lines.endIndex
        if end == lines.endIndex { isTerminated = true }
        lines.insert(line, at: end)
        if end == lines.endIndex - 1 { places[Array(fields[0].utf8)] = end } else { findPlaces() }
    }

    /// Removes every entry of a name.
    package mutating func remove(_ name: String) {
        let start = Array(name.utf8) + [colon]
        lines.removeAll { $0.starts(with: start) }
        findPlaces()
    }

    /// Changes the fields of every entry for which `change` returns others.
    package mutating func update(_ change: ([String]) -> [String]) {
        for index in lines.indices where isEntry(lines[index]) {
            let old = fields(at: index)
            let new = change(old)
            if new != old { lines[index] = Array(new.joined(separator: ":").utf8) }
        }
    }

    private func index(of name: String) -> Int? {
        places[Array(name.utf8)]
    }

    private func fields(at index: Int) -> [String] {
        lines[index].split(separator: colon, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func isEntry(_ line: [UInt8]) -> Bool {
        line.contains(colon) && line.first != UInt8(ascii: "#") && line.first != colon && !isForNameService(line)
    }

    private func isForNameService(_ line: [UInt8]) -> Bool {
        line.first == UInt8(ascii: "+") || line.first == UInt8(ascii: "-")
    }
}

private let newline = UInt8(ascii: "\n")
private let colon = UInt8(ascii: ":")
