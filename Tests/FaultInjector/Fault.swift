/// One thing that goes wrong during one run.
enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// The process is killed at the N-th call of a name.
    case kill(call: String, number: Int)
    /// The N-th call of a name fails; with `persists` every later one of that name fails too.
    case error(String, call: String, number: Int, persists: Bool)
    /// The volume has room for so many more pages.
    case fullVolume(pages: Int)
    /// The volume is mounted read-only.
    case readOnlyVolume
    /// The process may open so many descriptors.
    case descriptors(Int)

    /// What strace is told to inject.
    var injection: (call: String, expression: String)? {
        switch self {
        case .kill(let call, let number): (call, "\(call):signal=KILL:when=\(number)")
        case .error(let error, let call, let number, let persists):
            (call, "\(call):error=\(error):when=\(number)\(persists ? "+" : "")")
        case .fullVolume, .readOnlyVolume, .descriptors: nil
        }
    }

    /// What the cases of one report line have in common.
    var group: String {
        switch self {
        case .kill(let call, _): "SIGKILL at \(call)"
        case .error(let error, let call, _, let persists): "\(error) from \(call)\(persists ? " for good" : "")"
        case .fullVolume: "full volume"
        case .readOnlyVolume: "read-only volume"
        case .descriptors: "few descriptors"
        }
    }

    /// Names the fault on the command line; `init(_:)` reads it again.
    var description: String {
        switch self {
        case .kill(let call, let number): "kill:\(call):\(number)"
        case .error(let error, let call, let number, let persists): "\(error):\(call):\(number)\(persists ? "+" : "")"
        case .fullVolume(let pages): "full:\(pages)"
        case .readOnlyVolume: "read-only"
        case .descriptors(let count): "descriptors:\(count)"
        }
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":").map(String.init)
        let number = parts.last.map { $0.hasSuffix("+") ? String($0.dropLast()) : $0 }.flatMap(Int.init)
        switch (parts.first, parts.count, number) {
        case ("read-only", 1, _): self = .readOnlyVolume
        case ("full", 2, let pages?): self = .fullVolume(pages: pages)
        case ("descriptors", 2, let count?): self = .descriptors(count)
        case ("kill", 3, let number?): self = .kill(call: parts[1], number: number)
        case (let error?, 3, let number?):
            self = .error(error, call: parts[1], number: number, persists: text.hasSuffix("+"))
        default: return nil
        }
    }
}

/// Chooses the faults for one scenario from the calls of an undisturbed run.
struct FaultSelection {
    let calls: [Calls.Call]
    let isThorough: Bool

    var faults: [Fault] { kills + errors + conditions }

    private var kills: [Fault] {
        byName { $0.isChanging }.flatMap { name, numbers in
            chosen(numbers, middle: 10).map { Fault.kill(call: name, number: $0) }
        }
    }

    private var errors: [Fault] {
        let all = byName { $0.name != "write" || $0.isChanging }
        return Calls.errors.sorted { $0.key < $1.key }.flatMap { error, names in
            all.filter { names.contains($0.name) }.flatMap { name, numbers in
                let isLook = Calls.looking.contains(name)
                let once = chosen(numbers, middle: isLook ? 1 : 2).map {
                    Fault.error(error, call: name, number: $0, persists: false)
                }
                guard ["ENOSPC", "EROFS", "EMFILE", "EIO"].contains(error), !isLook else { return once }
                return once
                    + chosen(numbers, middle: 0).map { Fault.error(error, call: name, number: $0, persists: true) }
            }
        }
    }

    private var conditions: [Fault] {
        let pages = isThorough ? Array(0...40) : [0, 1, 2, 5, 9, 14, 20]
        let limits = Array(6...(isThorough ? 60 : 24))
        return [.readOnlyVolume] + pages.map { .fullVolume(pages: $0) } + limits.map { .descriptors($0) }
    }

    private func byName(_ isWanted: (Calls.Call) -> Bool) -> [(name: String, numbers: [Int])] {
        Dictionary(grouping: calls.filter(isWanted), by: \.name).map { ($0.key, $0.value.map(\.number).sorted()) }
            .sorted { $0.0 < $1.0 }
    }

    /// All numbers, or the first, the last and some between them.
    private func chosen(_ numbers: [Int], middle: Int) -> [Int] {
        guard !isThorough, numbers.count > middle + 2 else { return numbers }
        let last = numbers.count - 1
        return (0...middle + 1).map { numbers[$0 * last / (middle + 1)] }
    }
}
