// swift-tools-version: 6.2
import PackageDescription

// `container/build` sets CAI_STATIC for the shipped binary. The wrapped frame registration keeps the first unwind of a
// statically linked program from sorting every frame description in it (25 ms on a binary of this size).
let isStatic = Context.environment["CAI_STATIC"] == "1"
let staticLinking: [LinkerSetting] =
    isStatic
    ? [
        .unsafeFlags([
            "-Xlinker", "--eh-frame-hdr",
            "-Xlinker", "--wrap=__register_frame_info",
            "-Xlinker", "--wrap=__deregister_frame_info",
        ])
    ] : []

// The shipped binary begins at an entry point of its own: see Sources/CPlatform/start.c, which has it for this processor. Its
// wrapped clone3 falls back to clone where a sandbox refuses it: see Sources/CPlatform/boot.c.
#if arch(x86_64)
    let ownStart: [LinkerSetting] =
        isStatic ? [.unsafeFlags(["-Xlinker", "--entry=cai_start", "-Xlinker", "--wrap=__clone3"])] : []
    let wrapping: [CSetting] = isStatic ? [.define("CAI_WRAPS_CLONE3")] : []
#else
    let ownStart: [LinkerSetting] = []
    let wrapping: [CSetting] = []
#endif

// The archives themselves in place of `-larchive`: the shared libarchive would bring ICU. It does not name what it needs,
// and the linker looks from left to right.
let archiveLibraries = [":libarchive.a", ":libacl.a", ":libzstd.a", ":libz.a", ":libdeflate.a"].map {
    LinkerSetting.linkedLibrary($0)
}

// `container/fuzz` builds the readers for libFuzzer, which brings the main function.
let fuzzing: [SwiftSetting] =
    Context.environment["CAI_FUZZ"] == "1" ? [.define("CAI_FUZZ"), .unsafeFlags(["-parse-as-library"])] : []

let swift: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The text of a C string literal for a build-time definition.
func literal(_ text: String) -> String { "\"\(text)\"" }

let commit = Context.gitInformation.map { $0.currentCommit + ($0.hasUncommittedChanges ? "+" : "") }
let buildFacts: [CSetting] = [
    .define("CAI_COMMIT", to: literal(Context.environment["CAI_COMMIT"] ?? commit ?? "unknown")),
    .define("CAI_BUILD_DATE", to: literal(Context.environment["CAI_BUILD_DATE"] ?? "unknown")),
]

let package = Package(
    name: "cai",
    products: [.executable(name: "cai", targets: ["cai"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        // Without its default traits: they bring full Foundation, 44 MB.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "cai",
            dependencies: [
                "CaiCore", "CaiInit", "CaiManifests", "CaiModel", "CaiNetwork", "CaiPlatform", "CaiUnits",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift, linkerSettings: staticLinking + ownStart),
        .target(
            name: "CaiCore",
            dependencies: [
                "CArchive", "CaiModel", "CaiPlatform",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift, linkerSettings: archiveLibraries),
        .target(
            name: "CaiNetwork",
            dependencies: [
                "CaiCore", "CaiModel", "CaiPlatform",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        .target(
            name: "CaiInit",
            dependencies: ["CPlatform", "CaiPlatform", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swift),
        .target(
            name: "CaiModel",
            dependencies: ["CToml", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swift),
        // The built-in manifests, checked and embedded while building: an invalid one fails the build.
        .target(
            name: "CaiManifests", dependencies: ["CaiModel"], swiftSettings: swift, plugins: ["EmbedManifests"]),
        .plugin(name: "EmbedManifests", capability: .buildTool(), dependencies: ["embed-manifests"]),
        .executableTarget(
            name: "embed-manifests",
            dependencies: ["CaiModel", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swift),
        // The systemd units, embedded while building.
        .target(name: "CaiUnits", swiftSettings: swift, plugins: ["EmbedUnits"]),
        .plugin(name: "EmbedUnits", capability: .buildTool(), dependencies: ["embed-files"]),
        .executableTarget(
            name: "embed-files",
            dependencies: [.product(name: "SystemPackage", package: "swift-system")], swiftSettings: swift),
        .target(
            name: "CaiPlatform",
            dependencies: ["CPlatform", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swift),
        .target(name: "CPlatform", cSettings: buildFacts + wrapping, linkerSettings: [.linkedLibrary("crypt")]),
        .systemLibrary(name: "CArchive"),
        // toml++ 3.3, header only (Debian: libtomlplusplus-dev).
        .target(name: "CToml"),
        // The program of `container/faults` and `container/powerloss`: disturbs the built binary, and takes the power from its disks.
        .executableTarget(
            name: "fault-injector",
            dependencies: [
                "CPlatform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/FaultInjector", swiftSettings: swift),
        // What `container/fuzz` feeds with bytes; without libFuzzer it reads files.
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CaiCore", "CaiModel", "CaiPlatform", .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/Fuzz", exclude: ["Corpus"], swiftSettings: swift + fuzzing),
        // What the tests of `cai run` start below it and beside it.
        .executableTarget(name: "probe", path: "Tests/Probe"),
        .testTarget(
            name: "CaiInitTests",
            dependencies: [
                "CaiInit", "CaiPlatform", "CaiTestSupport", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        // What the service-manager protocol is held against: libsystemd, in a program of the tests. The binary does
        // without it.
        .systemLibrary(
            name: "CSystemd", path: "Tests/CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .executableTarget(name: "systemd-peer", dependencies: ["CSystemd"], path: "Tests/SystemdPeer"),
        .testTarget(
            name: "CaiPlatformTests",
            dependencies: [
                "CaiPlatform", "CaiTestSupport", "systemd-peer",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        .testTarget(
            name: "CaiModelTests",
            dependencies: [
                "CaiManifests", "CaiModel", "CaiTestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        .testTarget(
            name: "CaiCoreTests",
            dependencies: [
                "CPlatform", "CaiCore", "CaiManifests", "CaiModel", "CaiPlatform", "CaiTestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        .testTarget(
            name: "CaiSystemTests",
            dependencies: [
                "cai", "CaiModel", "CaiPlatform", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
        // What tests of the built binary share: temporary worlds, snapshots, starting programs.
        .target(
            name: "CaiTestSupport",
            dependencies: [
                "CPlatform",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/CaiTestSupport",
            swiftSettings: swift),
        .testTarget(
            name: "CaiBlackBoxTests",
            dependencies: [
                "cai", "probe", "CaiTestSupport", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)
