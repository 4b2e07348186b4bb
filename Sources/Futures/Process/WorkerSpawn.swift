internal import CProto
import Glibc

/// A process that was just started, with the parent's ends of its channels.
struct SpawnedProcess: ~Copyable {
    let pid: Int32
    let pidfd: FileDescriptor
    /// Non-blocking.
    let toWorker: FileDescriptor
    /// Non-blocking.
    let fromWorker: FileDescriptor
    /// Non-blocking.
    let standardError: FileDescriptor
    let journal: WorkerJournal

    /// Ends a process that is not to be used.
    fileprivate func killAndReap() {
        // A program that ignores SIGCHLD may have lost it: then the number may be another's by now.
        if futures_pidfd_signal(pidfd.rawValue, SIGKILL) >= 0 { _ = futures_group_signal(pid, SIGKILL) }
        var exit = futures_exit()
        _ = futures_reap(pidfd.rawValue, 1, &exit)
    }
}

/// The variable that tells an executable that it is a worker, and on which descriptors; erased there once it is read.
let workerEnvironmentVariable = "FUTURES_WORKER"
/// The worker reads frames from 3 and writes them to 4; the number before the colon is the version of this agreement.
let workerEnvironmentValue = "1:3,4"
/// The process is a fork server: it has a socket on 3.
let forkServerEnvironmentValue = "1:fork 3"
/// Where the worker finds its journal; the hello says so.
let workerJournalDescriptor: UInt32 = 5

extension WorkerCommand {
    /// Starts the program as a worker. May be called from any thread.
    ///
    /// - Parameters:
    ///   - limits: what it may take; set when it has just begun, since posix_spawn cannot.
    ///   - backtrace: what it reports when it crashes.
    ///   - server: forks it, if it can.
    /// - Throws: ``WorkerStartError`` for what can be told of the program and its limits, ``SystemError`` for the rest.
    func spawn(
        limits: WorkerLimits = .none, backtrace: CrashBacktrace = .inherited, by server: ForkServer? = nil
    ) throws -> SpawnedProcess {
        do {
            return try start(limits, backtrace, by: server)
        } catch is ForkLost {
            return try start(limits, backtrace, by: nil)
        }
    }

    /// Somebody may have been forked, who has the descriptors.
    private struct ForkLost: Error {}

    private func start(
        _ limits: WorkerLimits, _ backtrace: CrashBacktrace, by server: ForkServer?
    ) throws -> SpawnedProcess {
        let tasks = try FileDescriptor.pipe()
        let answers = try FileDescriptor.pipe()
        let errors = try FileDescriptor.pipe()
        try tasks.write.setNonBlocking()
        try answers.read.setNonBlocking()
        try errors.read.setNonBlocking()
        let journal = try WorkerJournal()
        // Best effort: fewer system calls and switches for large messages; refused when the user's pages are used up.
        _ = futures_set_pipe_size(tasks.write.rawValue, 1 << 20)
        _ = futures_set_pipe_size(answers.read.rawValue, 1 << 20)

        var pid: pid_t = 0
        var pidfd: Int32 = -1
        let descriptors = futures_worker_descriptors(
            error_write: errors.write.rawValue, wire_read: tasks.read.rawValue, wire_write: answers.write.rawValue,
            journal: journal.descriptor.rawValue)
        var result: Int32 = 0
        switch server?.fork(descriptors) {
        case .forked(let child, let descriptor): (pid, pidfd) = (child, descriptor)
        case .lost: throw ForkLost()
        case .cannot, nil:
            result = execute(descriptors, childEnvironment(backtrace, setting: workerEnvironmentValue), &pid, &pidfd)
        }
        guard result >= 0 else {
            if result == -ENOENT || result == -EACCES || result == -ENOEXEC {
                throw WorkerStartError(command: self, reason: .cannotRun(errno: -result))
            }
            if result == -ESRCH { throw WorkerStartError(command: self, reason: .ended(.unknown)) }
            throw SystemError(call: "posix_spawn", number: -result, context: "starting the worker \(executable)")
        }
        let process = SpawnedProcess(
            pid: pid, pidfd: FileDescriptor(owning: pidfd), toWorker: tasks.write, fromWorker: answers.read,
            standardError: errors.read, journal: journal)
        do {
            try limits.apply(to: pid)
        } catch {
            process.killAndReap()
            throw WorkerStartError(
                command: self, reason: .cannotLimit(setting: error.setting, errno: error.errno), pid: pid)
        }
        return process
    }

    /// - Returns: 0, or a negative error number.
    func execute(
        _ descriptors: futures_worker_descriptors, _ environment: [[CChar]], _ pid: inout pid_t, _ pidfd: inout Int32
    ) -> Int32 {
        withCStrings(([programName] + arguments).map { Array($0.utf8CString) }) { arguments in
            withCStrings(environment) { environment in
                executable.withCString { path in
                    var request = futures_spawn_request(
                        path: path, arguments: arguments, environment: environment,
                        wire_read: descriptors.wire_read, wire_write: descriptors.wire_write,
                        error_write: descriptors.error_write, journal: descriptors.journal)
                    return futures_spawn(&request, &pid, &pidfd)
                }
            }
        }
    }

    /// Each variable with its zero at the end: names and values need not be UTF-8.
    ///
    /// - Parameter setting: what tells the program what it is.
    func childEnvironment(_ backtrace: CrashBacktrace, setting: String) -> [[CChar]] {
        var others: [[CChar]] = []
        var entry = futures_environment()!
        while let variable = entry.pointee {
            let bytes = UnsafeBufferPointer(start: variable, count: strlen(variable) + 1)
            let name = String(
                decoding: bytes.prefix { $0 != 0 && $0 != CChar(61) }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if environment[name] == nil, name != workerEnvironmentVariable { others.append(Array(bytes)) }
            entry += 1
        }
        var result = environment.map { "\($0.key)=\($0.value)" }
        if let settings = backtrace.settings, environment[CrashBacktrace.variable] == nil,
            getenv(CrashBacktrace.variable) == nil
        {
            result.append("\(CrashBacktrace.variable)=\(settings)")
        }
        result.append("\(workerEnvironmentVariable)=\(setting)")
        return others + result.map { Array($0.utf8CString) }
    }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<R>(
    _ strings: [[CChar]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    copies.append(nil)
    return body(copies)
}
