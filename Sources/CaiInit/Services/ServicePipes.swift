import CPlatform
import Glibc

/// A pipe that process 1 keeps both ends of.
struct OutputPipe {
    let reader: CInt
    let writer: CInt

    /// Nil where there are no descriptors left.
    init?() {
        var ends: [CInt] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
        (reader, writer) = (ends[0], ends[1])
        // Only the relay's end: services wait for a log that is read slowly.
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    var ends: [CInt] { [reader, writer] }
    func close() { ends.forEach { _ = Glibc.close($0) } }
}

/// The pipes of a service.
struct ServicePipes {
    let service: String
    let output: OutputPipe
    let errors: OutputPipe
    /// The user of the service; nil before its first start.
    private(set) var owner: uid_t?

    /// Nil where there are no descriptors left.
    init?(for service: String) {
        guard let output = OutputPipe() else { return nil }
        guard let errors = OutputPipe() else {
            output.close()
            return nil
        }
        (self.service, self.output, self.errors) = (service, output, errors)
    }

    var ends: [CInt] { output.ends + errors.ends }
    func close() { ends.forEach { _ = Glibc.close($0) } }

    /// Gives them to a user: opening `/dev/stdout` checks the owner of the pipe. Without the privilege nothing changes.
    mutating func give(to user: uid_t) {
        if owner == nil, user != geteuid() {
            for writer in [output.writer, errors.writer] { fchown(writer, user, gid_t.max) }
        }
        owner = user
    }
}
