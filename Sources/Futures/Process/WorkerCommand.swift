import Glibc

/// Which program runs as a worker process.
public struct WorkerCommand: Sendable, Hashable {
    /// The path of the executable.
    public var executable: String
    /// Its arguments, without the program's name.
    public var arguments: [String]
    /// Variables that the worker gets besides, or instead of, the parent's.
    public var environment: [String: String]

    /// Another executable, which calls ``WorkerProcess/runIfSpawned(_:)`` first in its `main`.
    ///
    /// - Parameter executable: a path; it is not looked up in `PATH`.
    public init(executable: String, arguments: [String] = [], environment: [String: String] = [:]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// This executable, run again. Its `main` must call ``WorkerProcess/runIfSpawned(_:)`` before anything else.
    public static var thisExecutable: WorkerCommand {
        // The link itself: it names this very file, also when that was renamed or replaced since it was started. The
        // parent's arguments are not passed on: they may hold secrets, and a worker has no use for them.
        WorkerCommand(executable: "/proc/self/exe")
    }

    /// The `worker-host` executable with a plug-in library, which has the callables.
    ///
    /// - Parameters:
    ///   - path: where `worker-host` is.
    ///   - library: a shared library with the C entry point `futures_plugin_main`; see ``WorkerProcess/serve(_:input:output:)``.
    public static func workerHost(at path: String, load library: String) -> WorkerCommand {
        WorkerCommand(executable: path, arguments: ["serve", "--load", library])
    }

    /// What the program finds as its own name: for this executable, its path, which `ps` then shows.
    var programName: String {
        guard self.executable == "/proc/self/exe" else { return executable }
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return executable }
        return String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// How messages call the program.
    var displayName: String { executable == "/proc/self/exe" ? "this executable" : executable }

    /// Says early and clearly what posix_spawn would only say when the first worker starts.
    func validate() throws {
        var status = stat()
        guard stat(executable, &status) == 0 else {
            throw WorkerStartError(command: self, reason: .cannotRun(errno: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw WorkerStartError(command: self, reason: .notAFile)
        }
        guard access(executable, X_OK) == 0 else {
            throw WorkerStartError(command: self, reason: .cannotRun(errno: errno))
        }
    }
}
