import CaiTestSupport
import Dispatch
import Glibc
import Synchronization
import SystemPackage
import Testing

/// `cai links watch --json` at work on a world.
final class Guardian {
    let program: Running
    private(set) var events: [JSONValue] = []

    /// Starts it and waits until it watches.
    init(_ world: World, wrapper: [String] = [], environment: [String] = [], waits: Bool = true) throws {
        program = try Running(
            wrapper + ["env"] + environment
                + [Command.binary.string, "links", "watch", "--json", "--root", world.root.string])
        if waits { try wait(for: "watching") }
    }

    /// Waits for an event of a kind whose path ends so; returns it.
    @discardableResult
    func wait(for kind: String, _ suffix: String = "") throws -> JSONValue {
        while let event = try next() {
            if event["event"].text == kind, event["path"].text?.hasSuffix(suffix) ?? suffix.isEmpty { return event }
        }
        throw GuardianEnded(wanted: "\(kind) \(suffix)", errors: try program.errorRest())
    }

    /// Waits, event after event, until something holds.
    func wait(until what: String, _ holds: () throws -> Bool) throws {
        while try !holds() {
            guard try next() != nil else { throw GuardianEnded(wanted: what, errors: try program.errorRest()) }
        }
    }

    private func next() throws -> JSONValue? {
        guard let line = try program.line() else { return nil }
        let event = try #require(JSONValue(parsing: line), "\(line) is no JSON document")
        events.append(event)
        return event
    }

    /// Lets it finish what is waiting, and end; returns all it has said.
    @discardableResult
    func stop() throws -> [JSONValue] {
        program.signal(SIGTERM)
        while try next() != nil {}
        #expect(try program.end() == .exited(0))
        return events
    }

    func kill() throws {
        program.signal(SIGKILL)
        _ = try program.end()
    }

    /// Events of a kind so far.
    func count(_ kind: String) -> Int { events.filter { $0["event"].text == kind }.count }

    /// User and system time that it has used, in seconds.
    func processorTime() throws -> Double {
        let text = try Files.text(FilePath("/proc/\(program.process)/stat"))
        let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Double($0) } ?? []
        // The letter of the state is no number: utime and stime are 12th and 13th of the rest (proc(5)).
        return try (#require(fields.dropFirst(10).first) + #require(fields.dropFirst(11).first))
            / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    var descriptorCount: Int { (try? Files.names(FilePath("/proc/\(program.process)/fd")).count) ?? 0 }

    /// Anonymous memory in KiB.
    func memory() throws -> Int {
        let line = try Files.text(FilePath("/proc/\(program.process)/status")).split(separator: "\n").first {
            $0.hasPrefix("RssAnon:")
        }
        return try #require(line?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    }
}

private struct GuardianEnded: Error, CustomStringConvertible {
    let wanted: String
    let errors: String
    var description: String { "the guard ended before: \(wanted)\n\(errors)" }
}

/// Reads a path over and over until it is stopped, and notes what a reader must never see.
final class Reader: Sendable {
    private let isStopped = Atomic(false)
    private let end = DispatchSemaphore(value: 0)
    private let odd = Mutex<[String]>([])
    private let reads = Atomic(0)

    /// `isWhole` tells a whole file from a part of one.
    init(_ path: FilePath, isWhole: @escaping @Sendable (String) -> Bool) {
        DispatchQueue(label: "reader").async { [self] in
            while !isStopped.load(ordering: .acquiring) {
                do {
                    let text = try Files.text(path)
                    if !isWhole(text) { odd.withLock { $0.append("half: \(text.prefix(60))") } }
                } catch {
                    odd.withLock { $0.append("\(error)") }
                }
                reads.add(1, ordering: .relaxed)
            }
            end.signal()
        }
    }

    /// What it saw that it must not see.
    func stop() -> [String] {
        isStopped.store(true, ordering: .releasing)
        end.wait()
        return odd.withLock { Array($0.prefix(3)) } + (reads.load(ordering: .relaxed) == 0 ? ["nothing was read"] : [])
    }
}

/// Saves over and over until it is stopped.
final class Saver: Sendable {
    private let isStopped = Atomic(false)
    private let end = DispatchSemaphore(value: 0)
    private let failure = Mutex<(any Error)?>(nil)

    /// `save` gets the number of the save.
    init(_ save: @escaping @Sendable (Int) throws -> Void) {
        DispatchQueue(label: "saver").async { [self] in
            var number = 0
            do {
                while !isStopped.load(ordering: .acquiring) {
                    number += 1
                    try save(number)
                }
            } catch {
                failure.withLock { $0 = error }
            }
            end.signal()
        }
    }

    /// Lets the current save end; throws what kept it from saving.
    func stop() throws {
        isStopped.store(true, ordering: .releasing)
        end.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

/// A document that is whole exactly when it ends with its own beginning.
func document(_ writer: String, _ number: Int) -> String {
    let name = "\(writer)-\(number)"
    return #"{"save": "\#(name)", "filler": "\#(String(repeating: name, count: 300))", "end": "\#(name)"}"#
}

func isWholeDocument(_ text: String) -> Bool {
    if text == "{}\n" { return true }  // the placeholder
    guard let name = text.split(separator: "\"").dropFirst(3).first else { return false }
    return text.hasSuffix(#""end": "\#(name)"}"#)
}

extension World {
    /// Saves as an agent does, with no more calls than that takes.
    func save(_ path: FilePath, _ content: String, temporary: String = ".saving") throws {
        let place = self.path(path)
        let beside = FilePath(place.string + temporary)
        try Files.write(content.utf8, to: beside)
        if World.isRoot { chown(beside.string, World.agent, World.agent) }
        if rename(beside.string, place.string) != 0 { throw FileTrouble("rename", place, errno) }
    }

    /// What no guard may leave behind when it had the time to finish.
    func leftovers() throws -> [String] {
        let temporary = try Snapshot(of: root).facts.keys.filter {
            $0.lastComponent?.string.hasPrefix(".cai-") ?? false
                || $0.removingLastComponent().lastComponent?.string == "journal"
        }
        return temporary.map(\.shown).sorted()
    }
}
