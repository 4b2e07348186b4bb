import Glibc

/// A command of the shell that reads bytes and writes others, as GNU parallel's `--pipe` runs them.
struct ShellCommand {
    let text: String

    /// Runs it with the bytes as its standard input; its standard error is the worker's.
    ///
    /// - Returns: what it wrote to its standard output. It need not read all.
    /// - Throws: ``ShellCommandError`` if it cannot be started, or ends with another code than 0.
    func run(_ input: UnsafeRawBufferPointer) throws -> [UInt8] {
        let (toCommand, fromCommand) = (try Pipe(), try Pipe())
        let pid = try start(toCommand, fromCommand)
        toCommand.closeReading()
        fromCommand.closeWriting()
        let output = exchange(input, toCommand, fromCommand)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw ShellCommandError(command: text, status: status) }
        return output
    }

    private func start(_ input: Pipe, _ output: Pipe) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A worker ignores it, and what it starts would, too.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        let words = ["sh", "-c", text]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, "/bin/sh", &actions, &attributes, &arguments, environ)
        guard result == 0 else { throw ShellCommandError(command: text, cannotStart: result) }
        return pid
    }

    /// Writes and reads by turns, as the command likes it.
    private func exchange(_ input: UnsafeRawBufferPointer, _ toCommand: Pipe, _ fromCommand: Pipe) -> [UInt8] {
        var output: [UInt8] = []
        var rest = input
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        _ = fcntl(toCommand.writing, F_SETFL, O_NONBLOCK)
        if rest.isEmpty { toCommand.closeWriting() }
        while fromCommand.reading >= 0 || toCommand.writing >= 0 {
            var ready = [
                pollfd(fd: fromCommand.reading, events: Int16(POLLIN), revents: 0),
                pollfd(fd: toCommand.writing, events: Int16(POLLOUT), revents: 0),
            ]
            if poll(&ready, 2, -1) < 0 { continue }
            if ready[1].revents != 0 {
                let count = write(toCommand.writing, rest.baseAddress, rest.count)
                if count >= 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } else if errno != EAGAIN, errno != EINTR {
                    // It has seen enough.
                    rest = UnsafeRawBufferPointer(start: nil, count: 0)
                }
                if rest.isEmpty { toCommand.closeWriting() }
            }
            if ready[0].revents != 0 {
                let count = read(fromCommand.reading, &buffer, buffer.count)
                if count > 0 { output += buffer[..<count] }
                // It may read on, though it writes no more.
                if count == 0 || (count < 0 && errno != EINTR) { fromCommand.closeReading() }
            }
        }
        return output
    }
}

/// A command of the shell failed.
struct ShellCommandError: Error, CustomStringConvertible {
    let command: String
    private let reason: String

    init(command: String, status: Int32) {
        self.command = command
        let signal = status & 0x7f
        reason =
            signal == 0 ? "exited with \((status >> 8) & 0xff)" : "was ended by \(String(cString: strsignal(signal)))"
    }

    init(command: String, cannotStart number: Int32) {
        self.command = command
        reason = "cannot be started: \(String(cString: strerror(number)))"
    }

    var description: String { "'\(command)' \(reason)" }
}

/// Both ends of a pipe, closed at the end or before; -1 then, which poll passes over.
private final class Pipe {
    private(set) var reading: Int32 = -1
    private(set) var writing: Int32 = -1

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemReason(errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        closeReading()
        closeWriting()
    }

    func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }
}
