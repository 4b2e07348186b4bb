// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "swift-futures",
    products: [
        .library(name: "Futures", targets: ["Futures"]),
        .library(name: "Wire", targets: ["Wire"]),
        .executable(name: "worker-host", targets: ["WorkerHost"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c",
            providers: [.apt(["libprotobuf-c-dev"]), .brew(["protobuf-c"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(name: "CProto", dependencies: ["CProtobufC", "CZlib"]),
        .target(name: "Wire", dependencies: ["CProto"]),
        .target(
            name: "Futures",
            dependencies: [
                "Wire", "CProto",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        .executableTarget(
            name: "WorkerHost",
            dependencies: [
                "Futures", "CZlib", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "TestSupport", dependencies: ["Futures", "Wire", "CProto"], path: "Tests/TestSupport"),
        // What the tests run in worker processes, and the executable that they start as a worker.
        .target(name: "TestFunctions", dependencies: ["Futures"], path: "Tests/TestFunctions"),
        .executableTarget(
            name: "test-worker", dependencies: ["Futures", "TestFunctions", "Wire"], path: "Tests/TestWorker"),
        // The scheduler of the process pool in a simulated world, for tests and for long runs (scripts/simulate.sh).
        .target(
            name: "PoolSimulation",
            dependencies: ["Futures", .product(name: "DequeModule", package: "swift-collections")],
            path: "Tests/Simulation/PoolSimulation"),
        .executableTarget(
            name: "simulate-pool",
            dependencies: ["PoolSimulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Tests/Simulation/Program"),
        // Parts of the library alone, for counting their instructions (Benchmarks/parts.sh). Here for what is `package` only.
        .executableTarget(
            name: "part-benchmark",
            dependencies: ["Futures", "Wire", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks/Sources/PartBenchmark"),
        .testTarget(name: "WireTests", dependencies: ["Wire", "CProto", "Futures", "TestSupport"]),
        .testTarget(
            name: "FuturesTests",
            dependencies: [
                "Futures", "Wire", "CProto", "TestSupport", "TestFunctions", "test-worker", "WorkerHost",
                "PoolSimulation", "simulate-pool",
            ]),
        // The crash table: phase × fault × policy.
        .testTarget(
            name: "FaultTests", dependencies: ["Futures", "TestSupport", "TestFunctions", "test-worker"],
            path: "Tests/Faults"),
        .testTarget(name: "WorkerHostTests", dependencies: ["Futures", "TestSupport", "WorkerHost"]),
    ],
    swiftLanguageModes: [.v6]
)

// See Sources/Futures/Future/Mutex.swift.
if Context.environment["FUTURES_THREAD_SANITIZER"] != nil {
    for target in package.targets where target.name == "Futures" {
        target.swiftSettings = (target.swiftSettings ?? []) + [.define("FUTURES_THREAD_SANITIZER")]
    }
}

// The checks build with it; a user's build must not fail because a later compiler warns.
if Context.environment["FUTURES_WARNINGS_AS_ERRORS"] != nil {
    for target in package.targets where target.type != .system {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
        target.cSettings = (target.cSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
