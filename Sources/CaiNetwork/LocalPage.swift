import CaiPlatform

/// The page that a web server of this machine has at `/`.
package enum LocalPage {
    /// Whether a port answers with it, or with where it is: as a browser asks, on localhost, within five seconds.
    package static func answers(on port: Int) -> Bool {
        guard let number = UInt16(exactly: port), number > 0 else { return false }
        let request = "GET / HTTP/1.1\r\nHost: localhost:\(port)\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        guard let answer = LocalPort.ask(number, Array(request.utf8), limit: 64, seconds: 5) else { return false }
        // RFC 9112, section 4: "HTTP/1.1 200 ".
        let words = String(decoding: answer, as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/"), let status = Int(words[1].prefix(3)) else { return false }
        return (200..<400).contains(status)
    }
}
