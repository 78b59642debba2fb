import Glibc

/// The environment of this process for a command: the same strings in the same order, but for those that tell the process
/// for which descriptors or a watchdog are meant, where they name this one, and for those that are to be set.
struct CommandEnvironment: ~Copyable {
    /// NULL-terminated.
    let variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    /// Where the number of the command belongs, NULL-terminated; there is room for eleven bytes at each place.
    let processIDPlaces: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let rewritten: CStrings
    private let added: CStrings

    /// A variable to be set that is there takes its place, every time that it is there; the others come last.
    init(setting values: [(name: String, value: String)] = []) {
        let own = getpid()
        let names = ["LISTEN_PID=", "WATCHDOG_PID="]
        let stale = names.map { Array("\($0)\(own)\0".utf8).map { CChar(bitPattern: $0) } }
        var count = 0
        var places: [(index: Int, name: String)] = []
        while let variable = environ[count] {
            if let index = stale.firstIndex(where: { strcmp($0, variable) == 0 }) {
                places.append((count, names[index]))
            }
            count += 1
        }
        rewritten = CStrings(places.map { Array($0.name.utf8) + [UInt8](repeating: 0, count: 11) })
        added = CStrings(values.map { Array("\($0.name)=\($0.value)".utf8) })
        let all = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count + values.count + 1)
        all.update(from: environ, count: count)
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

    deinit {
        variables.deallocate()
        processIDPlaces.deallocate()
    }
}
