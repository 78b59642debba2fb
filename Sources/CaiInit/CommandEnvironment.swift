import CaiPlatform
import Glibc

/// The environment of this process for a command: the same strings in the same order, but for those that tell the process
/// for which descriptors or a watchdog are meant, where they name this one, and for those that are to be set.
struct CommandEnvironment: ~Copyable {
    /// NULL-terminated.
    let variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    /// Where the number of the command belongs, NULL-terminated; there is room for eleven bytes at each place.
    let processIDPlaces: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    /// The variables that were to be set and for which there was no room, by name.
    let leftOut: [String]
    private let rewritten: CStrings
    private let added: CStrings

    /// A variable to be set that is there takes its place, every time that it is there; the others come last. Of what is
    /// there, the names for which `withholds` is true are left out. All take at most `room` bytes, as execve(2) counts:
    /// the longest of those to be set are left out if they do not fit.
    init(
        setting given: [(name: String, value: String)] = [], withholding withholds: ((String) -> Bool)? = nil,
        room: Int = .max
    ) {
        let own = getpid()
        let names = ["LISTEN_PID=", "WATCHDOG_PID="]
        let stale = names.map { Array("\($0)\(own)\0".utf8).map { CChar(bitPattern: $0) } }
        let inherited = Self.inherited(withholding: withholds)
        let (values, leftOut) = Self.fitting(given, inherited, room)
        self.leftOut = leftOut
        let count = inherited.count
        var places: [(index: Int, name: String)] = []
        for (count, variable) in inherited.enumerated() {
            if let index = stale.firstIndex(where: { strcmp($0, variable) == 0 }) {
                places.append((count, names[index]))
            }
        }
        rewritten = CStrings(places.map { Array($0.name.utf8) + [UInt8](repeating: 0, count: 11) })
        added = CStrings(values.map { Array("\($0.name)=\($0.value)".utf8) })
        let all = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count + values.count + 1)
        for (index, variable) in inherited.enumerated() { all[index] = variable }
        var end = count
        for (number, value) in values.enumerated() {
            let prefix = Array("\(value.name)=".utf8)
            let present = (0..<count).filter { index in
                all[index].map { strncmp($0, value.name + "=", prefix.count) == 0 } == true
            }
            for index in present { all[index] = added.pointers[number] }
            if present.isEmpty {
                all[end] = added.pointers[number]
                end += 1
            }
        }
        all[end] = nil
        variables = all
        processIDPlaces = .allocate(capacity: places.count + 1)
        for (number, place) in places.enumerated() {
            variables[place.index] = rewritten.pointers[number]
            processIDPlaces[number] = rewritten.pointers[number].map { $0 + place.name.utf8.count }
        }
        processIDPlaces[places.count] = nil
    }

    private static func fitting(
        _ values: [(name: String, value: String)], _ inherited: [UnsafeMutablePointer<CChar>], _ room: Int
    ) -> (values: [(name: String, value: String)], leftOut: [String]) {
        let sizes = values.map { ExecLimit.size(ofLength: $0.name.utf8.count + 1 + $0.value.utf8.count) }
        var left = inherited.reduce(room) { $0 - ExecLimit.size(ofLength: strlen($1)) } - sizes.reduce(0, +)
        var isOut = sizes.map { $0 > ExecLimit.size(ofLength: ExecLimit.longestString - 1) }
        for index in values.indices where isOut[index] { left += sizes[index] }
        for index in sizes.indices.sorted(by: { sizes[$0] > sizes[$1] }) where left < 0 && !isOut[index] {
            isOut[index] = true
            left += sizes[index]
        }
        guard isOut.contains(true) else { return (values, []) }
        return (
            values.indices.filter { !isOut[$0] }.map { values[$0] },
            values.indices.filter { isOut[$0] }.map { values[$0].name }
        )
    }

    private static func inherited(withholding withholds: ((String) -> Bool)?) -> [UnsafeMutablePointer<CChar>] {
        var result: [UnsafeMutablePointer<CChar>] = []
        var next = environ
        while let variable = next.pointee {
            let isWithheld = withholds.map {
                $0(String(decoding: bytes(variable).prefix { $0 != equals }, as: UTF8.self))
            }
            if isWithheld != true { result.append(variable) }
            next += 1
        }
        return result
    }

    deinit {
        variables.deallocate()
        processIDPlaces.deallocate()
    }
}

private let equals = UInt8(ascii: "=")
