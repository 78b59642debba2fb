import CPlatform
import CaiPlatform
import Glibc

/// Where one process of a service tells that it does its work.
final class ReadyChannel {
    /// What is heard there.
    enum Word {
        case ready
        /// Nothing more will be said.
        case over
        /// What it says about itself.
        case status(String)
    }

    private enum Way {
        case socket(NotifyListener)
        case pipe(reader: CInt)
    }

    private let way: Way
    /// The end of the pipe that the service gets; of no use here once it was started.
    private var writer: CInt = -1

    /// Makes one for a way of telling; nil where nothing is told, or where the kernel gives no descriptor.
    init?(_ readiness: ServicePlan.Readiness) {
        switch readiness {
        case .notify:
            guard let listener = NotifyListener() else { return nil }
            way = .socket(listener)
        case .descriptor:
            var ends: [CInt] = [-1, -1]
            guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            way = .pipe(reader: ends[0])
            writer = ends[1]
        default: return nil
        }
    }

    deinit {
        started()
        if case .pipe(let reader) = way { Glibc.close(reader) }
    }

    /// For waiting until something was said.
    var descriptor: CInt {
        switch way {
        case .socket(let listener): listener.descriptor
        case .pipe(let reader): reader
        }
    }

    var descriptors: [CInt] { [descriptor] + (writer >= 0 ? [writer] : []) }

    /// What the service finds in its environment.
    var variables: [(name: String, value: String)] {
        switch way {
        case .socket(let listener): [("NOTIFY_SOCKET", listener.address)]
        case .pipe: [(ServiceIdentity.readyVariable, "\(readyDescriptor)")]
        }
    }

    /// The descriptor that the service gets.
    var place: cai_placement? { writer >= 0 ? cai_placement(from: writer, to: readyDescriptor) : nil }

    /// The service was started, or could not be.
    func started() {
        if writer >= 0 { Glibc.close(writer) }
        writer = -1
    }

    /// What was said since. Messages of processes that are not the service's say nothing.
    func hear(from service: pid_t) -> [Word] {
        switch way {
        case .socket(let listener):
            var words: [Word] = []
            // More than this have to wait: others want to be heard as well.
            for _ in 0..<16 {
                guard let (text, sender) = listener.next() else { break }
                if ProcessTree.holds(sender, below: service) { words += Self.words(in: text) }
            }
            return words
        case .pipe(let reader):
            var buffer = [UInt8](repeating: 0, count: 512)
            let count = read(reader, &buffer, buffer.count)
            if count < 0 { return errno == EAGAIN || errno == EINTR ? [] : [.over] }
            // Behind the line break there is nothing more to say.
            return buffer[..<count].contains(UInt8(ascii: "\n")) ? [.ready, .over] : count == 0 ? [.over] : []
        }
    }

    /// What a message of sd_notify(3) says; variables that are not known say nothing.
    private static func words(in text: String) -> [Word] {
        text.split(separator: "\n").compactMap { line in
            if line == "READY=1" { return .ready }
            return line.hasPrefix("STATUS=") ? .status(String(line.dropFirst(7).prefix(200))) : nil
        }
    }
}

/// The first number behind the standard ones.
private let readyDescriptor: CInt = 3
