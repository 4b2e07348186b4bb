import CProto
import Glibc
import TestSupport
import Testing
import Wire

@testable import Futures

/// A process that was started as a worker is, and does not serve; ends with it.
final class Victim {
    struct Silent: Error {}

    /// How it ended.
    struct End {
        var status: TerminationStatus
        /// What it wrote to its standard error, all of it.
        var words: [UInt8]
        var processorTime: Duration

        /// As a report shows it.
        var tail: String { ErrorTail.text(of: words, isCut: false) }
    }

    private let process: SpawnedProcess

    /// - Parameter command: the program; a shell's script waits for a line from descriptor 3 before it looks at its
    ///   limits.
    init(
        _ command: WorkerCommand, limits: WorkerLimits = .none, backtrace: CrashBacktrace = .inherited
    ) throws {
        process = try command.spawn(limits: limits, backtrace: backtrace)
    }

    /// What the test worker does instead of serving.
    static func command(_ manner: String, _ arguments: String..., environment: [String: String] = [:]) -> WorkerCommand
    {
        WorkerCommand(
            executable: BuildProducts.path(of: "test-worker"), arguments: ["victim", manner] + arguments,
            environment: environment)
    }

    static func shell(_ script: String) -> WorkerCommand {
        WorkerCommand(executable: "/bin/sh", arguments: ["-c", script])
    }

    deinit {
        _ = futures_pidfd_signal(process.pidfd.rawValue, SIGKILL)
        var exit = futures_exit()
        _ = futures_reap(process.pidfd.rawValue, 1, &exit)
    }

    var pid: Int32 { process.pid }

    func letGo() { #expect([UInt8(ascii: "\n")].withUnsafeBytes { process.toWorker.write($0) } == 1) }

    func send(_ frames: borrowing FrameBuffer) {
        let (count, written) = (frames.count, frames.withFirstBytes { process.toWorker.write($0) })
        #expect(written == count)
    }

    /// Waits until it says something on the wire, and takes that.
    func hear() throws -> String {
        try wait(for: process.fromWorker)
        var text = [UInt8](repeating: 0, count: 65_536)
        guard case .bytes(let count) = text.withUnsafeMutableBytes({ process.fromWorker.read(into: $0) }) else {
            throw Silent()
        }
        return String(decoding: text[..<count], as: UTF8.self)
    }

    /// Everything that it says on the wire.
    func hearAll() throws -> String { String(decoding: try readToEnd(process.fromWorker), as: UTF8.self) }

    /// Waits for its end.
    func end() throws -> End {
        let words = try readToEnd(process.standardError)
        try wait(for: process.pidfd)
        var exit = futures_exit()
        try #require(futures_reap(process.pidfd.rawValue, 0, &exit) == 1)
        return End(
            status: exit.is_signal != 0
                ? .signaled(signal: exit.value, dumpedCore: exit.dumped_core != 0) : .exited(code: exit.value),
            words: words, processorTime: .microseconds(exit.processor_microseconds))
    }

    private func readToEnd(_ descriptor: borrowing FileDescriptor) throws -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            try wait(for: descriptor)
            switch piece.withUnsafeMutableBytes({ descriptor.read(into: $0) }) {
            case .bytes(let count): all += piece[..<count]
            case .wouldBlock: continue
            case .endOfFile, .failed: return all
            }
        }
    }

    private func wait(for descriptor: borrowing FileDescriptor) throws {
        var ready = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 60_000) == 1 else { throw Silent() }
    }
}
