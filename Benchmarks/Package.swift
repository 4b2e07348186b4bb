// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of the library neither resolve nor build it.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "swift-futures", path: "..")],
    targets: [
        .executableTarget(
            name: "pool-benchmark", dependencies: [.product(name: "Futures", package: "swift-futures")],
            path: "Sources/PoolBenchmark"),
        .executableTarget(
            name: "data-benchmark", dependencies: [.product(name: "Futures", package: "swift-futures")],
            path: "Sources/DataBenchmark"),
    ],
    swiftLanguageModes: [.v6]
)

if Context.environment["FUTURES_WARNINGS_AS_ERRORS"] != nil {
    for target in package.targets {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
