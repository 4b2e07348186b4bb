import Foundation
import Testing

/// WordCount with standard error on a terminal.
@Suite struct TerminalTests {
    let folder = TemporaryFolder()

    @Test("a bar as wide as the terminal, taken away at the end")
    func bar() throws {
        let file = try folder.write(String(repeating: "some words\n", count: 1_000_000).utf8, to: "text")
        let terminal = try Terminal(columns: 70)
        let process = try terminal.start("WordCount", file, "--chunk-size", "10K")
        let text = terminal.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let drawings = text.split(separator: "\r\u{1B}[K", omittingEmptySubsequences: false).dropFirst()
        #expect(drawings.contains { $0.hasPrefix("counting in worker processes [") }, "\(text)")
        #expect(drawings.allSatisfy { $0.count <= 69 && !$0.contains("\n") }, "\(text)")
        #expect(drawings.last == "", "\(text)")
    }

    @Test("a narrow terminal gets numbers only")
    func narrow() throws {
        let file = try folder.write(String(repeating: "some words\n", count: 10_000).utf8, to: "text")
        let terminal = try Terminal(columns: 10)
        let process = try terminal.start("WordCount", file, "--chunk-size", "10K")
        let text = terminal.readToEnd()
        process.waitUntilExit()
        #expect(!text.contains("[#"))
        #expect(text.split(separator: "\r\u{1B}[K").allSatisfy { $0.count <= 9 }, "\(text)")
    }

    @Test("Ctrl-C takes the bar away, ends the program as any other, and leaves no worker")
    func interrupt() throws {
        // 4 GB, nearly all of which is a hole: seconds of work, in which the bar is there.
        let file = folder.file("text")
        let handle = try folder.makeFile("text")
        for megabyte in 1...4000 {
            try handle.seek(toOffset: UInt64(megabyte) << 20)
            handle.write(Data("\n".utf8))
        }
        let terminal = try Terminal(columns: 80)
        let process = try terminal.start("WordCount", file, "--workers", "2")
        var text = ""
        while !text.contains("%"), let more = terminal.read() { text += more }
        let workers = try Program.childProcesses(of: process.processIdentifier)
        #expect(workers.count == 2)
        process.interrupt()
        text += terminal.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT)
        #expect(text.hasSuffix("\r\u{1B}[K"), "\(text)")
        let end = ContinuousClock.now + longTime
        while workers.contains(where: { kill($0, 0) == 0 }), ContinuousClock.now < end { sched_yield() }
        #expect(workers.allSatisfy { kill($0, 0) != 0 })
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

    func readToEnd() -> String {
        var text = ""
        while let more = read() { text += more }
        return text
    }
}
