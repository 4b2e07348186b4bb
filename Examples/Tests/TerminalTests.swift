import Foundation
import Testing

/// WordCount with standard error on a terminal.
@Suite struct TerminalTests {
    let folder = TemporaryFolder()

    /// What a count of short lines shows on a terminal of this width.
    private func drawings(columns: UInt16) throws -> [Substring] {
        let file = try folder.write(String(repeating: "some words\n", count: 1_000_000).utf8, to: "text")
        let terminal = try Terminal(columns: columns)
        let process = try terminal.start("WordCount", file, "--chunk-size", "10K")
        let text = terminal.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let drawings = text.split(separator: "\r\u{1B}[K", omittingEmptySubsequences: false)
        #expect(drawings.allSatisfy { $0.count < columns && !$0.contains("\n") }, "\(text)")
        #expect(drawings.first == "" && drawings.last == "", "\(text)")
        return drawings
    }

    @Test("a bar as wide as the terminal, taken away at the end")
    func bar() throws {
        #expect(try drawings(columns: 70).contains { $0.hasPrefix("counting in worker processes [") && $0.count == 69 })
    }

    @Test("a narrow terminal gets numbers only")
    func narrow() throws {
        #expect(try drawings(columns: 10).allSatisfy { !$0.contains("[") })
    }

    @Test("Ctrl-C takes the bar away, ends the program as any other, and leaves no worker")
    func interrupt() throws {
        let file = try largeFile()
        let terminal = try Terminal(columns: 80)
        let process = try terminal.start("WordCount", file, "--workers", "2")
        var text = terminal.read(until: "%")
        let workers = try Program.childProcesses(of: process.processIdentifier)
        #expect(workers.count == 2)
        process.interrupt()
        text += terminal.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT)
        #expect(text.hasSuffix("\r\u{1B}[K"), "\(text)")
        let end = ContinuousClock.now + longTime
        while workers.contains(where: Program.isRunning), ContinuousClock.now < end { sched_yield() }
        #expect(!workers.contains(where: Program.isRunning))
    }

    @Test("a worker that is killed: the bar goes, and the pool's message comes")
    func killedWorker() throws {
        let terminal = try Terminal(columns: 80)
        let process = try terminal.start("WordCount", try largeFile(), "--workers", "2")
        var text = terminal.read(until: "%")
        let workers = try Program.childProcesses(of: process.processIdentifier)
        kill(try #require(workers.first), SIGKILL)
        text += terminal.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1)
        let message =
            "\r\u{1B}[KWordCount: the process pool is broken: a worker process ended abruptly; make a new one\r\n"
        #expect(text.contains(message), "\(text)")
        #expect(text.contains("was ended by signal 9 (SIGKILL) while it ran "), "\(text)")
    }

    /// 4 GB, nearly all of which is a hole: seconds of work.
    private func largeFile() throws -> String {
        let handle = try folder.makeFile("large")
        for megabyte in 1...4000 {
            try handle.seek(toOffset: UInt64(megabyte) << 20)
            handle.write(Data("\n".utf8))
        }
        return folder.file("large")
    }
}

/// A pseudo-terminal.
private final class Terminal {
    private let primary: Int32
    private let secondary: FileHandle

    init(columns: UInt16) throws {
        // By pts(4) and ioctl_tty(2): posix_openpt and its kin are not visible from Swift.
        let (TIOCSPTLCK, TIOCGPTN): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
        primary = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var isLocked: Int32 = 0
        var number: Int32 = 0
        try #require(ioctl(primary, TIOCSPTLCK, &isLocked) == 0 && ioctl(primary, TIOCGPTN, &number) == 0)
        let path = "/dev/pts/\(number)"
        secondary = FileHandle(fileDescriptor: open(path, O_RDWR | O_NOCTTY), closeOnDealloc: false)
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(primary, UInt(TIOCSWINSZ), &size) == 0)
    }

    deinit { close(primary) }

    /// Starts one of the examples with its standard error here.
    func start(_ name: String, _ arguments: String...) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.path(of: name))
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = secondary
        try process.run()
        // Reading ends when the program and its workers have closed theirs.
        try secondary.close()
        return process
    }

    /// What comes next; nil when nobody has the terminal any more.
    func read() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Foundation.read(primary, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// What comes, until this is in it.
    func read(until end: String) -> String {
        var text = ""
        while !text.contains(end), let more = read() { text += more }
        return text
    }

    func readToEnd() -> String {
        var text = ""
        while let more = read() { text += more }
        return text
    }
}
