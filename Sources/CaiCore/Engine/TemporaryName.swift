import CaiModel
import SystemPackage

/// The names a run uses beside its targets. `.part` holds a copy in the making, which may always be removed; `.swap`
/// changes places with what stands at a target and `.aside` stepped aside for it, so what they hold may be the only copy
/// of somebody's data.
enum TemporaryName {
    enum Kind: String { case part, swap, aside }

    static let prefix = ".cai-"
    /// The number of what is stored again because it changed while its step ran; such a name is always a `.part`.
    static let restored = Int.max

    /// The name for step `number` of a run, or for a part of the database that the step moves.
    static func make(
        _ run: RunID, _ number: Int, _ kind: Kind, _ part: DatabaseCompanion? = nil
    ) -> FilePath.Component {
        // A run's name and a number never contain a slash, so this is always one component.
        FilePath.Component("\(prefix)\(run)-\(number)\(part?.rawValue ?? "").\(kind.rawValue)")
            ?? FilePath.Component(".cai")
    }

    /// The kind and, for a well-formed name, the step number; nil for names that are not ours.
    static func parse(_ name: FilePath.Component) -> (run: RunID, number: Int, kind: Kind)? {
        let text = name.string
        guard text.hasPrefix(prefix), let dot = text.lastIndex(of: "."),
            let kind = Kind(rawValue: String(text[text.index(after: dot)...]))
        else {
            return nil
        }
        var body = text[..<dot].dropFirst(prefix.count)
        if let part = DatabaseCompanion.allCases.first(where: { body.hasSuffix($0.rawValue) }) {
            body = body.dropLast(part.rawValue.count)
        }
        guard let dash = body.lastIndex(of: "-"), let run = RunID(String(body[..<dash])),
            let number = Int(body[body.index(after: dash)...])
        else { return nil }
        return (run, number, kind)
    }
}
