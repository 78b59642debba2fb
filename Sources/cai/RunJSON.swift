import CaiModel
import SystemPackage

extension RunReport {
    /// The report for machines: every step with what became of it, every finding, and what the command adds.
    func json(_ layout: Layout, command: String, extra: [String: JSON] = [:]) -> JSON {
        let common: [String: JSON] = [
            "command": .string(command), "dry_run": .bool(isPreview), "run": .optional(run?.text),
            "steps": .array(outcomes.flatMap { $0.json(layout) }),
            "findings": .array(allFindings.map(\.json)),
        ]
        return .object(common.merging(extra) { _, new in new })
    }
}

extension Finding {
    var json: JSON {
        .object([
            "severity": .string(severity.rawValue), "place": .string(place), "sentence": .string(sentence),
            "advice": .optional(advice),
        ])
    }
}

extension Outcome {
    /// One object for each path that changed.
    func json(_ layout: Layout) -> [JSON] { step.singles.map { json($0, layout) } }

    private func json(_ step: Step, _ layout: Layout) -> JSON {
        var fields = step.json(layout)
        let kept = result == .planned ? step.expectedDisplaced : displaced
        fields["displaced"] = .strings(kept.map(\.printable))
        switch result {
        case .planned: fields["result"] = .string("planned")
        case .done: fields["result"] = .string("done")
        case .refused: fields["result"] = .string("refused")
        case .failed: fields["result"] = .string("failed")
        case .skipped: fields["result"] = .string("skipped")
        }
        if let reason { fields["reason"] = .string(reason) }
        return .object(fields)
    }
}

extension Step {
    fileprivate func json(_ layout: Layout) -> [String: JSON] {
        switch self {
        case .makeDirectory(let path, let mode):
            ["kind": .string("make_directory"), "path": .string(layout.text(path)), "mode": octal(mode)]
        case .makeFile(let path, _, let mode):
            ["kind": .string("make_file"), "path": .string(layout.text(path)), "mode": octal(mode)]
        case .fillEmpty(let path, _, _): ["kind": .string("fill_empty"), "path": .string(layout.text(path))]
        case .setMode(let path, _, let mode):
            ["kind": .string("set_mode"), "path": .string(layout.text(path)), "mode": octal(mode)]
        case .adopt(let adoption):
            [
                "kind": .string("adopt"), "path": .string(layout.text(adoption.live)),
                "target": .string(layout.text(adoption.target)), "files": .number(adoption.fileCount),
                "size_bytes": .number(adoption.byteCount),
                "items": .array(
                    adoption.items.map {
                        .object(["path": .string($0.path.printable), "verdict": .string($0.verdict.name)])
                    }),
            ]
        case .storeOpen(let save):
            [
                "kind": .string("store_open"), "path": .string(layout.text(save.live)),
                "target": .string(layout.text(save.target)),
            ]
        case .putLink(let link, let target, _, _):
            ["kind": .string("link"), "path": .string(layout.text(link)), "target": .string(layout.text(target))]
        case .setAside(let link, let target, _, _):
            ["kind": .string("set_aside"), "path": .string(layout.text(link)), "target": .string(layout.text(target))]
        case .removeLink(let link, _): ["kind": .string("remove_link"), "path": .string(layout.text(link))]
        case .linkOnVolume(let path, let text):
            [
                "kind": .string("symlink"), "path": .string(layout.text(path)), "target": .string(text.printable),
            ]
        case .write(let place, _, let mode, _, _):
            ["kind": .string("write"), "path": .string(layout.text(place)), "mode": octal(mode)]
        case .restore(let kept, let run, let place, _):
            [
                "kind": .string("restore"), "path": .string(layout.text(place)), "from": .string(kept.printable),
                "run": .string(run.text),
            ]
        case .move(let from, let to, _):
            ["kind": .string("move"), "path": .string(layout.text(from)), "target": .string(layout.text(to))]
        case .place(let placement):
            placement.json.merging(["path": .string(layout.text(placement.target))]) { first, _ in first }
        }
    }
}

extension Placement {
    /// What becomes of the path, without it.
    fileprivate var json: [String: JSON] {
        switch content {
        case .directory(let mode, _, _): ["kind": .string("make_directory"), "mode": octal(mode)]
        case .copy(_, let facts, let mode):
            ["kind": .string("import"), "mode": octal(mode), "size_bytes": .number(facts.size)]
        case .files(let files): ["kind": .string("import"), "size_bytes": .number(files.byteCount)]
        case .text(let bytes, let mode):
            ["kind": .string("write"), "mode": octal(mode), "size_bytes": .number(bytes.count)]
        case .link(let text, _): ["kind": .string("symlink"), "target": .string(text.printable)]
        case .kept(let kept, let run):
            ["kind": .string("restore"), "from": .string(kept.printable), "run": .string(run.text)]
        case .mode(let mode): ["kind": .string("set_mode"), "mode": octal(mode)]
        case .time: ["kind": .string("set_time")]
        case .nothing: ["kind": .string("remove")]
        }
    }
}

private func octal(_ mode: UInt16) -> JSON {
    let digits = String(mode, radix: 8)
    return .string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
}

extension Verdict {
    fileprivate var name: String {
        switch self {
        case .take: "take"
        case .same: "same"
        case .takeOver: "take_over"
        case .keep: "keep"
        case .remove: "remove"
        case .merge: "merge"
        case .enter: "enter"
        }
    }
}
