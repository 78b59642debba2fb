import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

#if CAI_FUZZ

    import Glibc

    /// libFuzzer's own main, which calls the function it is given with ever new bytes.
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<CInt>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
        _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt

    /// The reader that the variable CAI_FUZZ_TARGET names.
    nonisolated(unsafe) private let chosen: Targets.Run = {
        let name = getenv("CAI_FUZZ_TARGET").map { String(cString: $0) } ?? ""
        do {
            if let target = try Targets.make(name) { return target }
            fatalError("CAI_FUZZ_TARGET is one of \(Targets.names.joined(separator: ", "))")
        } catch {
            fatalError("\(error)")
        }
    }()

    /// One input of libFuzzer; a crash is a finding.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        do {
            try chosen(Array(UnsafeBufferPointer(start: bytes, count: count)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }

    /// Where the program begins, as SwiftPM names the main function of an executable.
    @_cdecl("fuzz_main")
    public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
        var (count, place) = (count, Optional(arguments))
        return runDriver(&count, &place, testOneInput)
    }

#else

    /// Without libFuzzer: `fuzz TARGET FILE…` reads each file once, `fuzz unpack ARCHIVE DIRECTORY` unpacks one.
    @main
    enum Replay {
        static func main() throws {
            let arguments = Array(CommandLine.arguments.dropFirst())
            guard let name = arguments.first else {
                throw Complaint("targets: \(Targets.names.joined(separator: ", "))")
            }
            if name == "unpack", arguments.count == 3 {
                return try unpack(FilePath(arguments[1]), FilePath(arguments[2]))
            }
            guard let target = try Targets.make(name) else { throw Complaint("there is no target \(name)") }
            for path in arguments.dropFirst() {
                try target(try Descriptor(opening: FilePath(path)).readAll(limit: 64 << 20, FilePath(path)))
            }
        }

        private static func unpack(_ archive: FilePath, _ directory: FilePath) throws {
            let limits = ArchiveLimits(bytes: 1 << 40, ratio: 1000, members: 10_000_000, depth: 1000, pathBytes: 4096)
            _ = try ArchiveUnpacker(limits: limits, entries: []).unpack(
                from: try Descriptor(opening: archive), named: archive, into: try Directory.open(directory))
        }
    }

#endif
