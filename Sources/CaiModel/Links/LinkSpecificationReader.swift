import SystemPackage

extension LinkSpecification {
    /// Reads a file that findings call `file`; nil when the file as a whole cannot be used, which is one finding.
    ///
    /// A link that cannot be used is a finding that names its index and its place, and the others are read. Of two entries
    /// for the same path the later one counts, as it is the one that would be left standing.
    package static func read(_ bytes: [UInt8], file: String) -> (specification: LinkSpecification?, findings: [Finding])
    {
        var reader = LinkSpecificationReader(file: file)
        do throws(JSONProblem) {
            let specification = reader.read(try JSONDocument(bytes))
            return (specification, reader.findings)
        } catch {
            let place = SourceLocation(file: file, line: error.line, column: error.column).description
            return (nil, [Finding(.error, at: place, "not a link specification: \(error.sentence)")])
        }
    }
}

/// Reads one document and collects what is wrong with it.
private struct LinkSpecificationReader {
    private(set) var findings: [Finding] = []
    private let file: String
    private var links: [SpecifiedLink] = []
    private var places: [HomePath: Int] = [:]

    /// How many bad links are reported one by one.
    private static let maximumFindings = 100
    private var unreported = 0

    init(file: String) { self.file = file }

    /// A reason that a field cannot be used, as the end of a sentence that begins with its name.
    private struct FieldProblem: Error { let sentence: String }

    mutating func read(_ document: JSONDocument) -> LinkSpecification? {
        let root = document.root
        guard root.kind == .object else { return refuse("it is not an object", root) }
        if let version = root["version"], version.integer != 1 { return refuse("its version is not 1", version) }
        guard let list = root["links"], list.kind == .array else { return refuse("it has no list of links", root) }
        do throws(FieldProblem) {
            let home = try path("home_dir", in: root)
            let volume = try path("data_mount", in: root)
            for (index, value) in list.elements.enumerated() { readLink(value, index, home, volume) }
            if unreported > 0 {
                findings.append(Finding(.warning, at: file, "\(unreported) more links cannot be used"))
            }
            return LinkSpecification(home: absolute(home), volume: absolute(volume), links: links)
        } catch {
            return refuse(error.sentence, root)
        }
    }

    private mutating func readLink(_ value: JSONValue, _ index: Int, _ home: FilePath, _ volume: FilePath) {
        do throws(FieldProblem) {
            guard value.kind == .object else { throw FieldProblem(sentence: "it is not an object") }
            let link = HomePath(unchecked: try path("link", in: value, below: home, "home_dir"))
            let target = VolumePath(unchecked: try path("target", in: value, below: volume, "data_mount"))
            if target.isReserved {
                throw FieldProblem(sentence: "\"target\" is where cai keeps its own records")
            }
            let specified = SpecifiedLink(link: link, target: target, removeFirst: isSet(value["remove_first"]))
            guard let earlier = places[link] else {
                places[link] = links.count
                return links.append(specified)
            }
            if links[earlier] != specified {
                report(value, index, "it is the same link as an earlier one; this one counts")
            }
            links[earlier] = specified
        } catch {
            report(value, index, error.sentence)
        }
    }

    /// The path in a field, relative to the directory that it must lie below.
    private func path(
        _ name: String, in object: JSONValue, below directory: FilePath, _ directoryName: String
    ) throws(FieldProblem) -> FilePath {
        var path = try path(name, in: object)
        guard path.removePrefix(directory), !path.isEmpty else {
            throw FieldProblem(sentence: "\"\(name)\" does not lie below \"\(directoryName)\"")
        }
        return path
    }

    /// The absolute path in a field, without its leading slash.
    private func path(_ name: String, in object: JSONValue) throws(FieldProblem) -> FilePath {
        guard let value = object[name], !value.isNull else { throw FieldProblem(sentence: "\"\(name)\" is missing") }
        guard let text = value.string else { throw FieldProblem(sentence: "\"\(name)\" is not text") }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw FieldProblem(sentence: "\"\(name)\" is not an absolute path")
        }
        do throws(PathProblem) {
            return try HomePath(String(decoding: text.utf8.dropFirst(), as: UTF8.self)).relative
        } catch {
            let problem = error == .absolute ? PathProblem.notNormal : error
            throw FieldProblem(sentence: "\"\(name)\" \(problem.sentence)")
        }
    }

    /// The predecessors write the flag in four ways; everything else is no.
    private func isSet(_ value: JSONValue?) -> Bool {
        value?.bool == true || value?.integer == 1 || value?.string == "true" || value?.string == "1"
    }

    private func absolute(_ path: FilePath) -> FilePath { FilePath(root: "/", path.components) }

    private mutating func report(_ value: JSONValue, _ index: Int, _ sentence: String) {
        guard findings.count < Self.maximumFindings else { return unreported += 1 }
        findings.append(Finding(.warning, at: place(of: value), "links[\(index)]: \(sentence)"))
    }

    private mutating func refuse(_ sentence: String, _ value: JSONValue) -> LinkSpecification? {
        findings.append(Finding(.error, at: place(of: value), "not a link specification: \(sentence)"))
        return nil
    }

    private func place(of value: JSONValue) -> String {
        let (line, column) = value.location
        return SourceLocation(file: file, line: line, column: column).description
    }
}
