import Glibc

/// A command of the shell that runs, with pipes to its standard input and from its standard output.
///
/// `@unchecked Sendable`: one thread's at a time, who holds it alone.
final class ShellProcess: @unchecked Sendable {
    let command: String
    private let pid: pid_t
    private let toCommand: Pipe
    private let fromCommand: Pipe
    private var isReaped = false
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// Starts it; its standard error is the worker's.
    ///
    /// - Throws: ``ShellCommandError`` or ``SystemReason`` if it cannot be started.
    init(_ command: String) throws {
        self.command = command
        (toCommand, fromCommand) = (try Pipe(), try Pipe())
        pid = try Self.start(command, toCommand, fromCommand)
        toCommand.closeReading()
        fromCommand.closeWriting()
        _ = fcntl(toCommand.writing, F_SETFL, O_NONBLOCK)
    }

    /// One that was not waited for is ended.
    deinit {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        _ = end()
    }

    private static func start(_ command: String, _ input: Pipe, _ output: Pipe) throws -> pid_t {
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
        let words = ["sh", "-c", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, "/bin/sh", &actions, &attributes, &arguments, environ)
        guard result == 0 else { throw ShellCommandError(command: command, cannotStart: result) }
        return pid
    }

    /// Whether it may write more.
    var isWriting: Bool { fromCommand.reading >= 0 }
    /// Whether it may be given more.
    var isReading: Bool { toCommand.writing >= 0 }

    /// Whether nothing that it has written waits to be read, and it may still write.
    var isSilent: Bool {
        var ready = pollfd(fd: fromCommand.reading, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 0) == 0
    }

    /// There is no more for it to read.
    func closeInput() { toCommand.closeWriting() }

    /// Waits until it takes some of the bytes, or has written something, or will not write any more; and sees to that.
    ///
    /// - Parameters:
    ///   - rest: what it has not taken; nothing when it has seen enough.
    ///   - output: where it goes what it writes.
    /// - Throws: ``ShellCommandError`` if the bytes cannot be read: those of a mapped file that was cut, or whose disk fails.
    func exchange(_ rest: inout UnsafeRawBufferPointer, _ output: inout [UInt8]) throws {
        var ready = [
            pollfd(fd: fromCommand.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: rest.isEmpty ? -1 : toCommand.writing, events: Int16(POLLOUT), revents: 0),
        ]
        if poll(&ready, 2, -1) < 0 { return }
        if ready[1].revents != 0 {
            let count = write(toCommand.writing, rest.baseAddress, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno == EPIPE {
                rest = UnsafeRawBufferPointer(start: nil, count: 0)
            } else if errno != EAGAIN, errno != EINTR {
                throw ShellCommandError(command: command, cannotBeGivenInput: errno)
            }
        }
        if ready[0].revents != 0 {
            let count = read(fromCommand.reading, &buffer, buffer.count)
            if count > 0 { output += buffer[..<count] }
            // It may read on, though it writes no more.
            if count == 0 || (count < 0 && errno != EINTR) { fromCommand.closeReading() }
        }
    }

    /// Waits until it has ended; gives its status, as waitpid(2) does.
    func end() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        return status
    }
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
