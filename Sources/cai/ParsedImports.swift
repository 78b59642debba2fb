import ArgumentParser
import Synchronization

/// Command lines of imports that were read before: to read one takes longer than to answer what it asks.
final class ParsedImports: Sendable {
    private let known = Mutex<[[String]: ImportCommand]>([:])
    /// Clients ask in few ways; who asks in ever new ones has them read again.
    private static let most = 32

    /// The import that these arguments ask for, from a stream. Throws what `ImportCommand.parse` does.
    func command(_ arguments: [String]) throws -> ImportCommand {
        if let command = known.withLock({ $0[arguments] }) { return command }
        let command = try ImportCommand.parse(["--from=-"] + arguments)
        known.withLock { known in
            if known.count >= Self.most { known.removeAll() }
            known[arguments] = command
        }
        return command
    }
}
