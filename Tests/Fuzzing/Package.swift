// swift-tools-version: 6.2
import PackageDescription

// A package of its own: it builds only with the flags that scripts/fuzz.sh gives, and users of the library neither
// resolve nor build it. ErrorTail.swift and ErrorCodec.swift are links to files of the library, which does not export
// what is in them.
let package = Package(
    name: "fuzzing",
    // SwiftPM knows a package by its folder's name: this does not build in a checkout that is itself called Fuzzing.
    dependencies: [.package(name: "swift-futures", path: "../..")],
    targets: [
        .target(name: "CMeter"),
        .executableTarget(
            name: "Fuzz", dependencies: ["CMeter", .product(name: "Wire", package: "swift-futures")],
            // libFuzzer has the main function.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
    ],
    swiftLanguageModes: [.v6]
)

if Context.environment["FUTURES_WARNINGS_AS_ERRORS"] != nil {
    for target in package.targets {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
        target.cSettings = (target.cSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
