import CaiModel
package import CaiPlatform
package import SystemPackage

/// The connection could not be used.
package struct PushProblem: Error, Hashable, Sendable {
    package let sentence: String
    package let advice: String?
    /// The exit code of the program that was to make the connection, where that has ended.
    package let code: Int?

    init(_ sentence: String, advice: String? = nil, code: Int? = nil) {
        self.sentence = sentence
        self.advice = advice
        self.code = code
    }
}

/// An answer of the agent service.
package struct PushAnswer: Sendable {
    package let status: Int
    package let content: [UInt8]
    /// Seconds after which to ask again.
    package let retryAfter: Int?
}

/// A client of the agent service on one connection at a time: a Unix socket, or a program that leads to one. It blocks.
package final class PushClient {
    private enum Way { case socket(FilePath), program(String) }

    private let way: Way
    private var connection: Descriptor
    private var process: Int32?
    private let token: String?
    private let label: String
    private var received: [UInt8] = []
    private var unsent: [UInt8] = []
    private var position = 0

    /// Connects to a socket.
    package init(socket path: FilePath, token: String?) throws(SystemCallError) {
        way = .socket(path)
        connection = try LocalConnection.open(path)
        process = nil
        label = path.string
        self.token = token
    }

    /// Starts a program that leads to the service.
    package init(command line: String, token: String?) throws(SystemCallError) {
        way = .program(line)
        let started = try LocalConnection.start(line)
        process = started.process
        connection = started.take()
        label = "--exec"
        self.token = token
    }

    deinit { endProgram() }

    private func endProgram() {
        guard let process else { return }
        LocalConnection.finishSending(connection)
        _ = LocalConnection.wait(for: process)
    }

    /// Connects again where the other side has ended the connection: who says nothing for a while is let go.
    private func renew() throws(SystemCallError) {
        guard position == received.count, try Input.wait(for: [connection.raw], atMost: .zero)[0] else { return }
        endProgram()
        switch way {
        case .socket(let path): connection = try LocalConnection.open(path)
        case .program(let line):
            process = nil
            let started = try LocalConnection.start(line)
            process = started.process
            connection = started.take()
        }
    }

    /// Asks, and waits for the answer. `content` writes the content of the request, piece by piece.
    package func ask(
        _ method: String, _ path: String,
        content: ((@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void)? = nil
    ) throws -> PushAnswer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: cai\r\nUser-Agent: cai/\(Build.version)\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if content != nil { head += "Transfer-Encoding: chunked\r\n" }
        try renew()
        do {
            unsent = Array((head + "\r\n").utf8)
            if let content {
                try content { try self.sendChunk($0) }
                unsent += "0\r\n\r\n".utf8
            }
            try sendRest()
        } catch let error as SystemCallError where [.brokenPipe, .connectionReset].contains(error.errno) {
            // It may have said why it does not want the rest.
        }
        return try answer()
    }

    // MARK: sending

    private func sendChunk(_ bytes: UnsafeRawBufferPointer) throws {
        if bytes.isEmpty { return }
        unsent += "\(String(bytes.count, radix: 16))\r\n".utf8
        if bytes.count <= Self.smallChunk {
            unsent.append(contentsOf: bytes)
        } else {
            try sendRest()
            try connection.write(bytes, FilePath(label))
        }
        unsent += [0x0D, 0x0A]
        if unsent.count > Self.smallChunk { try sendRest() }
    }

    /// Each time something comes, the other side wakes up: small pieces go together.
    private static let smallChunk = 32 << 10

    private func sendRest() throws {
        defer { unsent.removeAll(keepingCapacity: true) }
        try connection.write(unsent, FilePath(label))
    }

    // MARK: receiving

    /// The largest number of header lines of an answer, and of announcements before it.
    private static let mostLines = 256

    private func answer() throws -> PushAnswer {
        for _ in 0..<Self.mostLines {
            let words = try line().split(separator: " ", maxSplits: 2)
            guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw PushProblem("\(label): what answers there is not the agent service")
            }
            var fields: [String: String] = [:]
            for text in try lines() {
                let parts = text.split(separator: ":", maxSplits: 1)
                if parts.count == 2 { fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
            }
            if (100..<200).contains(status) { continue }
            return PushAnswer(
                status: status, content: try content(fields), retryAfter: fields["retry-after"].flatMap { Int($0) })
        }
        throw PushProblem("\(label): an answer that never begins")
    }

    /// The lines up to an empty one.
    private func lines() throws -> [String] {
        var lines: [String] = []
        while case let text = try line(), !text.isEmpty {
            lines.append(text)
            guard lines.count <= Self.mostLines else { throw PushProblem("\(label): an answer that cannot be read") }
        }
        return lines
    }

    private static let largestAnswer = 64 << 20

    private func content(_ fields: [String: String]) throws -> [UInt8] {
        if let length = fields["content-length"].flatMap({ Int($0) }) { return try take(length) }
        var content: [UInt8] = []
        guard fields["transfer-encoding"]?.lowercased() == "chunked" else { return content }
        while true {
            let size = try line().prefix { $0 != ";" }
            guard let count = Int(size, radix: 16), count >= 0, content.count + count <= Self.largestAnswer else {
                throw PushProblem("\(label): an answer that cannot be read")
            }
            if count == 0 {
                _ = try lines()
                return content
            }
            content += try take(count)
            _ = try line()
        }
    }

    private func line() throws -> String {
        while true {
            if let end = received[position...].firstIndex(of: 0x0A) {
                defer { position = end + 1 }
                var bytes = received[position..<end]
                if bytes.last == 0x0D { bytes.removeLast() }
                return String(decoding: bytes, as: UTF8.self)
            }
            if received.count - position > 1 << 16 { throw PushProblem("\(label): an answer that cannot be read") }
            try receive()
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        guard (0...Self.largestAnswer).contains(count) else {
            throw PushProblem("\(label): an answer that is too large")
        }
        while received.count - position < count { try receive() }
        defer { position += count }
        return Array(received[position..<position + count])
    }

    /// Reads more, forgetting what was taken.
    private func receive() throws {
        received.removeFirst(position)
        position = 0
        let size = 64 << 10
        let count: Int
        do {
            count = try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
                let count = try connection.read(into: buffer, FilePath(label))
                received.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return count
            }
        } catch let error as SystemCallError where error.errno == .connectionReset {
            count = 0
        }
        if count == 0 { throw cut() }
    }

    private func cut() -> PushProblem {
        guard let process else {
            return PushProblem(
                "\(label): the agent service ended the connection",
                advice: "see its log; nothing was taken of what was cut off"
            )
        }
        LocalConnection.finishSending(connection)
        return PushProblem(
            "--exec: the program ended before an answer came", advice: "run it by itself to see why",
            code: LocalConnection.wait(for: process))
    }
}
