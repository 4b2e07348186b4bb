// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "swift-futures-examples",
    dependencies: [
        .package(name: "swift-futures", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "Primes", dependencies: [.product(name: "Futures", package: "swift-futures")], path: "Primes")
    ],
    swiftLanguageModes: [.v6]
)
