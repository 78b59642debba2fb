/// How the lines of services are told.
package enum RelayFormat: String, Sendable {
    /// `[NAME] line`, in which every control character but a tab is a question mark: none can look like another's line.
    case text
    /// `{"service":…,"stream":…,"line":…}`, with `"time"` in a file, and `"partial":true` where the line goes on or has no
    /// end.
    case json

    /// What a pipe takes at once (pipe(7), PIPE_BUF), so that no other line comes into the middle.
    static let longest = 4096

    /// A line as lines of output, each with its end and at most `longest` bytes, and with a time in front if there is one.
    /// Lines of process 1 have no service: its name is empty.
    package func pieces(
        _ line: LineCutter.Line, of service: String, on stream: String, at time: String? = nil
    ) -> [[UInt8]] {
        let start = start(service, stream, time)
        // Room for the end of a piece.
        let limit = Self.longest - 24
        var pieces: [[UInt8]] = []
        var piece = start
        // The end of a line as other systems have it.
        let bytes = line.isWhole && line.bytes.last == 0x0D ? line.bytes.dropLast() : line.bytes[...]
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let text = self == .text ? Self.plain(scalar) : Self.escaped(scalar)
            if piece.count + text.count > limit {
                pieces.append(piece + end(isPartial: true))
                piece = start
            }
            piece += text
        }
        return pieces + [piece + end(isPartial: !line.isWhole)]
    }

    private func start(_ service: String, _ stream: String, _ time: String?) -> [UInt8] {
        switch self {
        case .text: return Array(((time.map { "\($0) " } ?? "") + (service.isEmpty ? "" : "[\(service)] ")).utf8)
        case .json:
            let time = time.map { "\"time\":\"\($0)\"," } ?? ""
            let service = service.isEmpty ? "" : "\"service\":\"\(service)\","
            return Array("{\(time)\(service)\"stream\":\"\(stream)\",\"line\":\"".utf8)
        }
    }

    private func end(isPartial: Bool) -> [UInt8] {
        Array((self == .text ? "\n" : isPartial ? "\",\"partial\":true}\n" : "\"}\n").utf8)
    }

    private static func plain(_ scalar: Unicode.Scalar) -> [UInt8] {
        let isHarmless = scalar == "\t" || !isControl(scalar)
        return isHarmless ? Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) : [UInt8(ascii: "?")]
    }

    /// RFC 8259, section 7; what is no ASCII stays as it is, but for what a terminal or a reader may take for the end of a
    /// line.
    private static func escaped(_ scalar: Unicode.Scalar) -> [UInt8] {
        switch scalar {
        case "\"", "\\": return [UInt8(ascii: "\\"), UInt8(ascii: scalar)]
        case _ where isControl(scalar):
            let digits = String(scalar.value, radix: 16)
            return Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        default: return Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// C0, DEL, C1, and the two line separators.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
