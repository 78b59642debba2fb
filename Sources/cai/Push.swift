import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import FoundationEssentials
import Glibc
import SystemPackage

/// One push after the other over one connection.
struct Push {
    /// A directory that is pushed.
    struct Source {
        let files: PushSource
        let guide: PushGuide
        let arrangement: SourceArrangement
        /// How the directory is called on this machine.
        let home: FilePath
    }

    private let client: PushClient
    private let query: [String]
    private let isJSON: Bool
    private let isVerbose: Bool

    /// How often somebody who is busy is asked again.
    private static let mostTries = 60
    /// How long nothing may have changed before it is pushed, and how long that is waited for.
    private static let quiet = Duration.milliseconds(50)
    private static let patience = Duration.milliseconds(500)

    init(_ client: PushClient, query: [String], isJSON: Bool, isVerbose: Bool) {
        self.client = client
        self.query = query
        self.isJSON = isJSON
        self.isVerbose = isVerbose
    }

    /// What has to be known of a home before it is looked at.
    func guide() throws -> PushGuide {
        let answer = try client.ask("GET", "/v1/plan")
        try check(answer)
        return try JSONDecoder().decode(PushGuide.self, from: Data(answer.content))
    }

    /// Pushes a directory. While watching it does not return until it cannot go on.
    func run(_ source: Source, isWatching: Bool) throws {
        let watch = try isWatching ? ChangeWatch() : nil
        try look(source, watch)
        var failure = try push(source, needs(source, source.files.question()))
        guard let watch else {
            if let failure { throw failure }
            return
        }
        while true {
            _ = try Input.wait(for: [watch.raw], atMost: nil)
            try settle(watch)
            let before = source.files.blocks
            try look(source, watch)
            let changed = source.files.changes(since: before)
            if !changed.isEmpty { failure = try push(source, needs(source, source.files.question(about: changed))) }
        }
    }

    /// Looks, until every directory that was seen had been watched before it was looked into.
    private func look(_ source: Source, _ watch: ChangeWatch?) throws {
        source.files.look(source.guide)
        guard let watch else { return }
        while try source.files.watch(watch) { source.files.look(source.guide) }
    }

    /// Lets who writes come to an end.
    private func settle(_ watch: ChangeWatch) throws {
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end {
            while try watch.read({ _ in }) {}
            guard try Input.wait(for: [watch.raw], atMost: Self.quiet)[0] else { return }
        }
        while try watch.read({ _ in }) {}
    }

    /// Sends an archive as it is.
    func send(archive file: consuming Descriptor, layout: String?) throws {
        let file = file
        let path = "/v1/import?" + (query + (layout.map { ["layout=\($0)"] } ?? [])).joined(separator: "&")
        let answer = try client.ask("POST", path) { send in try copy(file, send) }
        if let failure = try show(answer) { throw failure }
    }

    private func copy(
        _ file: borrowing Descriptor, _ send: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while case let count = try file.read(into: buffer, "the archive"), count > 0 {
            try send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    // MARK: a directory

    /// Sends what the service does not have. Returns what to end with.
    private func push(_ source: Source, _ needed: [PushRecord]) throws -> (any Error)? {
        let parts =
            query + ["layout=\(source.arrangement.rawValue)", "source-home=\(encoded(source.home))", "partial"]
        let path = "/v1/import?" + parts.joined(separator: "&")
        let isTelling = query.contains("delete")
        for attempt in 1... {
            var sent: (files: Int, bytes: Int64) = (0, 0)
            let answer = try client.ask("POST", path) {
                sent = try source.files.write(needed, isTelling: isTelling, to: $0)
            }
            if answer.status == 429, attempt < Self.mostTries {
                sleep(answer.pause)
                continue
            }
            source.files.takeFindings().forEach(Talk.finding)
            if isVerbose {
                let count = source.files.blocks.reduce(0) { $0 + $1.count }
                Talk.info("\(sent.files) files travelled, \(sent.bytes) bytes of \(count) things.")
            }
            return try show(answer)
        }
        return nil
    }

    /// What the service does not have of what it is asked about.
    private func needs(_ source: Source, _ question: PushQuestion) throws -> [PushRecord] {
        let first = try plan(source, question)
        var needed = first.needed
        var candidates = first.candidates
        if !first.unknown.isEmpty {
            let second = try plan(source, source.files.question(about: first.unknown.map(\.block)))
            needed += second.needed
            candidates += second.candidates
        }
        if !candidates.isEmpty {
            let last = try plan(source, source.files.question(about: candidates, withDigests: true))
            needed += last.needed + last.candidates
        }
        return needed
    }

    /// An answer by the records it is about.
    private struct Needs {
        let needed: [PushRecord]
        let candidates: [PushRecord]
        let unknown: [PushRecord]
    }

    private func plan(_ source: Source, _ question: PushQuestion) throws -> Needs {
        let secrets = query.filter { $0 == "no-secrets" }
        let path = "/v1/plan?" + (["layout=\(source.arrangement.rawValue)"] + secrets).joined(separator: "&")
        let bytes = question.bytes
        var answer: PushAnswer
        var attempt = 0
        repeat {
            answer = try client.ask("POST", path) { send in
                try bytes.withUnsafeBytes { try send($0) }
            }
            attempt += 1
            if answer.status == 429 { sleep(answer.pause) }
        } while answer.status == 429 && attempt < Self.mostTries
        try check(answer)
        let needs = try JSONDecoder().decode(PushNeeds.self, from: Data(answer.content))
        func records(_ numbers: [Int]) throws -> [PushRecord] {
            guard numbers.allSatisfy(question.records.indices.contains) else {
                throw ServiceRefusal(
                    sentence: "the answer of the agent service names what was not asked for", advice: nil,
                    code: Exit.found)
            }
            return numbers.map { question.records[$0] }
        }
        return Needs(
            needed: try records(needs.needed), candidates: try records(needs.candidates),
            unknown: try records(needs.unknown))
    }

    private func encoded(_ path: FilePath) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
        let digits = Array("0123456789ABCDEF")
        return path.string.utf8.reduce(into: "") { text, byte in
            if plain.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    // MARK: answers

    /// Throws what the service says in place of an answer.
    private func check(_ answer: PushAnswer) throws {
        guard answer.status != 200 else { return }
        throw ServiceRefusal(answer)
    }

    /// Prints what the import came to, as `cai import` does. Returns what to end with.
    private func show(_ answer: PushAnswer) throws -> (any Error)? {
        guard [200, 422].contains(answer.status) else { throw ServiceRefusal(answer) }
        let document = try JSONDecoder().decode(ImportAnswer.self, from: Data(answer.content))
        document.lines.map(\.printable).forEach(Talk.line)
        for finding in document.reload { Talk.warn("\(finding.place.printable): \(finding.sentence.printable)") }
        if isJSON { print(Self.plainJSON(answer.content), terminator: "") }
        fflush(nil)
        return answer.status == 200 ? nil : Exit.found
    }

    /// A JSON document as text in which no character is one that a terminal obeys.
    private static func plainJSON(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.reduce(into: "") { text, scalar in
            if !scalar.isControl || scalar == "\n" {
                text.unicodeScalars.append(scalar)
            } else {
                // Between values the lower ones are blanks, and within a string none of them is valid.
                text += scalar.value < 0x20 ? " " : "\\u00" + String(scalar.value, radix: 16)
            }
        }
    }

    private struct ImportAnswer: Decodable {
        struct Finding: Decodable {
            let place: String
            let sentence: String
        }
        let lines: [String]
        let reload: [Finding]
    }
}

extension PushAnswer {
    /// The seconds to wait before the next try: as long as the service says, but no longer than a person would.
    fileprivate var pause: UInt32 { UInt32(clamping: min(max(retryAfter ?? 1, 1), 30)) }
}

/// What the agent service says in place of an answer.
struct ServiceRefusal: Error {
    let sentence: String
    let advice: String?
    let code: ExitCode
}

extension ServiceRefusal {
    private struct Document: Decodable {
        struct Body: Decodable {
            let code: String
            let message: String
            let advice: String?
        }
        let error: Body
    }

    init(_ answer: PushAnswer) {
        let body = try? JSONDecoder().decode(Document.self, from: Data(answer.content)).error  // another server
        sentence = body?.message.printable ?? "the agent service answers with status \(answer.status)"
        advice = body?.advice?.printable
        code =
            switch (answer.status, body?.code) {
            case (403, _): Exit.notPermitted
            case (429, _), (_, "locked"): Exit.temporary
            default: Exit.found
            }
    }
}
