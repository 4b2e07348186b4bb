// swift-tools-version: 6.2
import PackageDescription

let futures = Target.Dependency.product(name: "Futures", package: "swift-futures")

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "swift-futures-examples",
    products: [
        .executable(name: "Quickstart", targets: ["Quickstart"]),
        .executable(name: "Primes", targets: ["Primes"]),
        .executable(name: "LoadSources", targets: ["LoadSources"]),
        .executable(name: "CopyFiles", targets: ["CopyFiles"]),
        .executable(name: "Deadlocks", targets: ["Deadlocks"]),
        .executable(name: "WordCount", targets: ["WordCount"]),
        // What worker-host loads.
        .library(name: "StatisticsPlugin", type: .dynamic, targets: ["StatisticsPlugin"]),
    ],
    dependencies: [
        // SwiftPM knows a package by its folder's name: this does not build in a checkout that is itself called Examples.
        .package(name: "swift-futures", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(name: "Quickstart", dependencies: [futures], path: "Quickstart"),
        .executableTarget(name: "Primes", dependencies: [futures], path: "Primes"),
        .executableTarget(name: "LoadSources", dependencies: [futures, argumentParser], path: "LoadSources"),
        .executableTarget(name: "CopyFiles", dependencies: [futures, argumentParser], path: "CopyFiles"),
        .executableTarget(name: "Deadlocks", dependencies: [futures], path: "Deadlocks"),
        .executableTarget(
            name: "WordCount",
            dependencies: [futures, argumentParser],
            path: "WordCount",
            // Also for the tests, which count a line of 200 MB: a minute without.
            swiftSettings: [.unsafeFlags(["-O"])]),
        // What a plug-in and its users both know, and the plug-in.
        .target(name: "Statistics", dependencies: [futures], path: "Plugin/Statistics"),
        .target(name: "StatisticsPlugin", dependencies: [futures, "Statistics"], path: "Plugin/StatisticsPlugin"),
        .testTarget(
            name: "ExamplesTests",
            dependencies: [
                futures, .product(name: "worker-host", package: "swift-futures"), "CopyFiles", "Deadlocks",
                "LoadSources",
                "Primes", "Quickstart", "Statistics", "StatisticsPlugin", "WordCount",
            ], path: "Tests"),
    ],
    swiftLanguageModes: [.v6]
)

// The checks build with it; a user's build must not fail because a later compiler warns.
if Context.environment["FUTURES_WARNINGS_AS_ERRORS"] != nil {
    for target in package.targets {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
