extension Step {
    /// The step as an instruction, for plans that are shown: the same words whether it was or would be carried out.
    package func words(_ layout: Layout) -> String {
        switch self {
        case .makeDirectory(let path, let mode): "create directory \(layout.text(path)) (\(octal(mode)))"
        case .makeFile(let path, _, let mode): "create placeholder \(layout.text(path)) (\(octal(mode)))"
        case .fillEmpty(let path, _, _): "write an empty JSON object to \(layout.text(path))"
        case .setMode(let path, let from, let to):
            "change the mode of \(layout.text(path)) from \(octal(from)) to \(octal(to))"
        case .adopt(let adoption):
            "move \(layout.text(adoption.live)) to \(layout.text(adoption.target)) (\(adoption.fileCount) files, "
                + "\(adoption.byteCount) bytes) and link it"
        case .storeOpen(let save):
            "store what was written to \(layout.text(save.live)) after it was moved in \(layout.text(save.target))"
        case .putLink(let link, let target, let replacing, _):
            "link \(layout.text(link)) to \(layout.text(target))"
                + (replacing.isMissing ? "" : ", keeping the other link displaced")
        case .setAside(let link, let target, let found, _):
            "keep \(layout.text(link)), \(found.word), displaced and link it to \(layout.text(target))"
        case .removeLink(let link, _): "remove the link \(layout.text(link))"
        case .linkOnVolume(let path, let text): "make the symlink \(layout.text(path)) to \(text.printable)"
        case .write(let place, _, let mode, _, _): "write \(layout.text(place)) (\(octal(mode)))"
        case .restore(let kept, let run, let place, _):
            "restore \(layout.text(place)) from \(run)/\(kept.printable)"
        case .move(let from, let to, _): "move \(layout.text(from)) to \(layout.text(to))"
        case .place(let placement): placement.words(layout)
        }
    }
}

extension Placement {
    fileprivate func words(_ layout: Layout) -> String {
        let path = layout.text(target)
        switch content {
        case .directory(let mode, _, _): return "create directory \(path) (\(octal(mode)))"
        case .copy(_, let facts, let mode): return "write \(path) (\(octal(mode)), \(facts.size) bytes)"
        case .files(let files): return "write \(files.count) files to \(path) (\(files.byteCount) bytes)"
        case .text(let bytes, let mode): return "write \(path) (\(octal(mode)), \(bytes.count) bytes)"
        case .link(let text, _): return "make the symlink \(path) to \(text.printable)"
        case .kept(let kept, let run): return "restore \(path) from \(run)/\(kept.printable)"
        case .mode(let mode): return "change the mode of \(path) to \(octal(mode))"
        case .time: return "give \(path) the time of its last change back"
        case .nothing: return "remove \(path), keeping it displaced"
        }
    }
}

private func octal(_ mode: UInt16) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
