import CProto
import Glibc

/// A program that a test starts, and ends by its pid.
public final class ChildProgram {
    /// Its process id.
    public let pid: Int32
    private let output: Int32
    private var isReaped = false

    /// It could not be started.
    public struct Failure: Error {
        /// What failed, and why.
        public var call: String
    }

    /// - Parameter capturesOutput: whether standard output and error can be read with ``readToEnd()``; else they are
    ///   the test's own.
    public init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], capturesOutput: Bool = false
    ) throws {
        var (readEnd, writeEnd) = (Int32(-1), Int32(-1))
        guard futures_pipe(&readEnd, &writeEnd) == 0 else { throw Failure(call: "pipe") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if capturesOutput {
            posix_spawn_file_actions_adddup2(&actions, writeEnd, STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, writeEnd, STDERR_FILENO)
        }
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = []
        var entry = environ
        while let variable = entry.pointee {
            variables.append(strdup(variable))
            entry += 1
        }
        variables += environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + variables { free(text) } }
        // This process ignores it, and a shell's programs would complain of broken pipes, some of the time.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var pid: pid_t = 0
        let result = posix_spawn(&pid, path, &actions, &attributes, &argv, &variables)
        close(writeEnd)
        guard result == 0 else {
            close(readEnd)
            throw Failure(call: "posix_spawn \(path): \(String(cString: strerror(result)))")
        }
        self.pid = pid
        output = readEnd
    }

    deinit {
        kill()
        close(output)
    }

    /// Its children now.
    public var children: [Int32] { ProcFiles.children(of: pid) }

    /// The children of a process, theirs, and so on.
    public static func descendants(of pid: Int32) -> [Int32] {
        ProcFiles.children(of: pid).flatMap { [$0] + descendants(of: $0) }
    }

    /// Whether a process has ended, be it reaped or not.
    public static func isZombie(_ pid: Int32) -> Bool { ProcFiles.state(of: pid).map { $0 == "Z" } ?? true }

    /// Sends SIGKILL and reaps; fine on one that has ended.
    public func kill() {
        guard !isReaped else { return }
        isReaped = true
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Everything that it writes until it ends, and its exit code in ``exitCode``.
    public func readToEnd() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        var status: Int32 = 0
        if !isReaped, waitpid(pid, &status, 0) == pid {
            isReaped = true
            exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The exit code, or a signal's number negated; nil before ``readToEnd()``.
    public private(set) var exitCode: Int32?
}
