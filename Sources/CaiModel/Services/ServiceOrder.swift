/// Puts services behind those that they come after; of equals the one that was declared first comes first.
struct ServiceOrder {
    private var services: [ServiceDeclaration]

    init(_ services: [ServiceDeclaration]) { self.services = services }

    /// The services in the order of their start. Names that are not known, and those that would close a circle, are left out
    /// of `after`, and told with a sentence and an advice.
    func sorted(tell: (ServiceDeclaration, String, String?) -> Void) -> [ServiceDeclaration] {
        let names = Set(services.map(\.name) + [ServiceDeclaration.agentName])
        var waiting = services.map { service in
            var service = service
            for name in service.after where !names.contains(name) {
                tell(service, "[service.\(service.name)] comes after \(quoted(name)), which is no service", nil)
            }
            service.after.removeAll { !names.contains($0) }
            return service
        }
        var sorted: [ServiceDeclaration] = []
        var done: Set<String> = [ServiceDeclaration.agentName]
        while !waiting.isEmpty {
            if let index = waiting.firstIndex(where: { done.isSuperset(of: $0.after) }) {
                done.insert(waiting[index].name)
                sorted.append(waiting.remove(at: index))
            } else {
                let circle = circle(in: waiting, done)
                let first = waiting.firstIndex { circle.contains($0.name) } ?? 0
                let path = (circle + circle.prefix(1)).joined(separator: " after ")
                tell(
                    waiting[first], "services come after each other in a circle: \(path)",
                    "\(waiting[first].name) is started without waiting for that")
                waiting[first].after.removeAll { name in circle.contains(name) && !done.contains(name) }
            }
        }
        return sorted
    }

    /// The names of one circle: everybody who waits waits for somebody who waits.
    private func circle(in waiting: [ServiceDeclaration], _ done: Set<String>) -> [String] {
        var path: [String] = []
        var next = waiting.first
        while let service = next, !path.contains(service.name) {
            path.append(service.name)
            next = waiting.first { other in service.after.contains(other.name) && !done.contains(other.name) }
        }
        return Array(path.drop { $0 != next?.name })
    }
}
