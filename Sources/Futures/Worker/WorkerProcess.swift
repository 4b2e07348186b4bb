import Glibc
import Wire

/// The side of a pool that runs in the worker processes.
public enum WorkerProcess {
    /// Turns this process into a worker, if a pool started it as one; otherwise returns at once.
    ///
    /// Call it first in `main`, before anything that only the parent should do:
    ///
    /// ```swift
    /// @main struct Program {
    ///     static func main() async throws {
    ///         WorkerProcess.runIfSpawned(registry)
    ///         ...
    ///     }
    /// }
    /// ```
    ///
    /// In a worker it serves until the pool ends it, and never returns. The pool told the process by an environment
    /// variable, which is erased here, so that the worker's own children are no workers. Synchronous callables run on
    /// this thread, the main one; standard output stays the program's own.
    public static func runIfSpawned(_ registry: FunctionRegistry) {
        guard let wire = takeRole()?.wire() else { return }
        exit(serve(registry, input: wire.input, output: wire.output))
    }

    /// Serves a pool on two open descriptors until the pool ends it: what a plug-in for `worker-host` calls in its
    /// entry point.
    ///
    /// ```swift
    /// @c(futures_plugin_main)
    /// public func pluginMain(_ input: Int32, _ output: Int32) -> Int32 {
    ///     WorkerProcess.serve(registry, input: input, output: output)
    /// }
    /// ```
    ///
    /// Only numbers cross this border. A plug-in has its own copy of this library, so a Swift value of one side would
    /// be of a type that the other does not know.
    ///
    /// - Parameters:
    ///   - input: the pipe or socket to read frames from.
    ///   - output: the pipe or socket to write frames to.
    /// - Returns: the exit code for the process: 0 after an orderly end.
    public static func serve(_ registry: FunctionRegistry, input: Int32, output: Int32) -> Int32 {
        for descriptor in [input, output] {
            guard fcntl(descriptor, F_GETFD) >= 0 else {
                return report("descriptor \(descriptor) is not open; a pool starts workers, not a shell")
            }
            // The programs that a task starts must not hold the wire open.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        // A closed pipe is an error to be handled, here and in tasks, not the end.
        signal(SIGPIPE, SIG_IGN)
        let session = WorkerSession(registry, input: input, output: output)
        return session.run()
    }

    /// What a pool that started this process wants of it.
    package enum Role {
        case worker
        case forkServer

        /// The descriptors on which to serve. In a fork server this returns in the workers that it forks, and only there.
        package func wire() -> (input: Int32, output: Int32) {
            if self == .forkServer { ForkServerProcess.awaitFork(control: 3) }
            WorkerGroup.endAtExit()
            return (3, 4)
        }
    }

    /// What a pool that started this process wants of it; nil if none did. Erased from the environment once read; programs that
    /// are started from now on do not have the descriptors.
    package static func takeRole() -> Role? {
        guard let value = takeSpawnSetting() else { return nil }
        let role: Role
        switch value {
        case workerEnvironmentValue: role = .worker
        case forkServerEnvironmentValue: role = .forkServer
        default: leave(unknownSetting(value))
        }
        for descriptor in 3...(role == .worker ? 4 : 3) as ClosedRange<Int32> {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        return role
    }

    /// Tells the pool in the handshake why this process cannot serve.
    ///
    /// - Returns: the exit code for the process.
    package static func refuse(_ reason: String, input: Int32, output: Int32) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let session = WorkerSession(FunctionRegistry {}, input: input, output: output, refusal: reason)
        return session.run()
    }

    /// Whether a pool started this process and it has not said yet that it serves.
    static var isUnserved: Bool { getenv(workerEnvironmentVariable) != nil }

    private static func takeSpawnSetting() -> String? {
        guard let value = getenv(workerEnvironmentVariable) else { return nil }
        defer { unsetenv(workerEnvironmentVariable) }
        return String(cString: value)
    }

    private static func unknownSetting(_ value: String) -> String {
        """
        the environment variable \(workerEnvironmentVariable) is "\(value)", but this program understands only \
        "\(workerEnvironmentValue)" and "\(forkServerEnvironmentValue)"; build the program and the pool's with the same release
        """
    }

    private static func leave(_ message: String) -> Never {
        exit(report(message))
    }

    /// Tells the person at the pool's standard error, and gives the exit code of a configuration error (sysexits.h).
    private static func report(_ message: String) -> Int32 {
        writeToStandardError("worker process \(getpid()): \(message)\n")
        return EX_CONFIG
    }
}

/// Exit code of sysexits.h: something is found in an unconfigured or misconfigured state.
private let EX_CONFIG: Int32 = 78

func writeToStandardError(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return }
        bytes.removeFirst(written)
    }
}
