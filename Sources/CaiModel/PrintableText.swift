/// Declared text for people: control characters appear as `\u{N}`, and what is longer than a line is cut, so that a
/// hostile file can neither forge a line of output nor a terminal sequence.
func printable(_ text: String) -> String {
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == 200 { return result + "…" }
        if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Declared text in double quotes; see `printable`.
func quoted(_ text: String) -> String { "\"" + printable(text) + "\"" }
