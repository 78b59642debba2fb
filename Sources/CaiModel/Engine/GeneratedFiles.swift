import SystemPackage

/// A file that `cai` writes from the manifests, and what stands at its place now.
package struct GeneratedFile: Sendable {
    package let place: Place
    package let content: String
    package let mode: UInt16
    package let found: Node
    /// The content of the file that stands there, when it could be read.
    package let foundContent: [UInt8]?

    package init(place: Place, content: String, mode: UInt16, found: Node, foundContent: [UInt8]?) {
        self.place = place
        self.content = content
        self.mode = mode
        self.found = found
        self.foundContent = foundContent
    }
}

/// Plans to write the generated files whose content differs. What stood there is displaced; what is no regular file is
/// left alone, with a finding.
package func planGenerated(_ files: [GeneratedFile], layout: Layout) -> Plan {
    var plan = Plan()
    for file in files {
        switch file.found {
        case .missing, .file:
            if file.found.isFile, file.foundContent == Array(file.content.utf8) { continue }
            plan.steps.append(
                .write(file.place, content: file.content, mode: file.mode, replacing: file.found, isOurs: false))
        case let node:
            let sentence: String
            if case .unreachable(let obstacle) = node {
                sentence = obstacle.sentence
            } else {
                sentence = "is \(node.word); the generated file was not written"
            }
            plan.findings.append(
                Finding(.warning, at: layout.text(file.place), sentence, advice: "move it away and run cai init again"))
        }
    }
    return plan
}

/// Plans the move of a git configuration that stands where the first releases had it (predecessors 1.12, step 4): only
/// when the old file has content and the new one has none, or, after a migration that was interrupted, the same.
package func planGitMigration(old: Node, new: Node, isSame: Bool = false, layout: Layout) -> Plan {
    let oldPath = VolumePath(unchecked: ".gitconfig")
    let newPath = VolumePath(unchecked: "git/gitconfig")
    guard case .file(let facts) = old, facts.size > 0 else { return Plan() }
    switch new {
    case .missing: return Plan(steps: [.move(oldPath, to: newPath, mode: facts.mode)])
    case .file(let existing) where existing.size == 0 || isSame:
        return Plan(steps: [.move(oldPath, to: newPath, mode: facts.mode)])
    case .file: return Plan()
    default:
        return Plan(findings: [
            Finding(
                .warning, at: layout.text(newPath), "is \(new.word); the git configuration was not moved there",
                advice: "move it away and run cai init again")
        ])
    }
}
