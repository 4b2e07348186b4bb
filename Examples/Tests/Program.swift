import Foundation

/// Longer than anything here takes on a loaded machine; a test that gets there has failed.
let longTime = Duration.seconds(60)

/// A program that has ended.
struct Program {
    var output: String
    var errorOutput: String
    /// A signal's number negated if that ended it.
    var exitCode: Int32

    /// Where the build put a program or library: beside the test bundle.
    static func path(of name: String) -> String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// Runs one of the examples to its end.
    ///
    /// - Parameter input: a file for its standard input.
    static func run(_ name: String, _ arguments: String..., input: String = "/dev/null") throws -> Program {
        try run(at: path(of: name), arguments, input: input)
    }

    /// Runs any program to its end, or kills it after a long time.
    ///
    /// - Parameter environment: what it gets beside this process's.
    static func run(
        at path: String, _ arguments: [String], input: String = "/dev/null", environment: [String: String] = [:]
    ) throws -> Program {
        let folder = TemporaryFolder()
        let output = try folder.makeFile("output")
        let errorOutput = try folder.makeFile("error output")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle(forReadingAtPath: input)
        process.standardOutput = output
        process.standardError = errorOutput
        try process.run()
        let limit = DispatchWorkItem { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        DispatchQueue.global().asyncAfter(deadline: .now() + longTime / .seconds(1), execute: limit)
        process.waitUntilExit()
        limit.cancel()
        return Program(
            output: try folder.contents("output"), errorOutput: try folder.contents("error output"),
            exitCode: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
    }

    /// Whether there is such a process. One that has ended is none, though nobody may have asked how it ended yet.
    static func isRunning(_ pid: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return !status[(status.lastIndex(of: ")") ?? status.startIndex)...].hasPrefix(") Z")
    }

    /// The children of a process, this one or another.
    static func childProcesses(of pid: Int32 = getpid()) throws -> [Int32] {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
        return threads.flatMap { thread in
            let children = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/children", encoding: .utf8)
            return (children ?? "").split(separator: " ").compactMap { Int32($0) }
        }
    }
}

/// A folder of a test's own, gone with it.
final class TemporaryFolder {
    private let url = FileManager.default.temporaryDirectory.appendingPathComponent("examples-\(UUID().uuidString)")

    init() {
        try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var path: String { url.path }

    func file(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Makes an empty file to write to.
    func makeFile(_ name: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: file(name)))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: file(name)))
    }

    /// Makes a file with these bytes; returns its path.
    func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    func contents(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self)
    }
}
