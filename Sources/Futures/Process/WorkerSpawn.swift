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
}

/// The variable that tells an executable that it is a worker, and on which descriptors; erased there once it is read.
let workerEnvironmentVariable = "FUTURES_WORKER"
/// The worker reads frames from 3 and writes them to 4; the number before the colon is the version of this agreement.
let workerEnvironmentValue = "1:3,4"
/// Where the worker finds its journal; the hello says so.
let workerJournalDescriptor: UInt32 = 5

extension WorkerCommand {
    /// Starts the program as a worker. May be called from any thread.
    func spawn() throws -> SpawnedProcess {
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
        let result = withCStrings([programName] + arguments) { arguments in
            withCStrings(childEnvironment()) { environment in
                executable.withCString { path in
                    var request = futures_spawn_request(
                        path: path, arguments: arguments, environment: environment,
                        wire_read: tasks.read.rawValue, wire_write: answers.write.rawValue,
                        error_write: errors.write.rawValue, journal: journal.descriptor.rawValue)
                    return futures_spawn(&request, &pid, &pidfd)
                }
            }
        }
        guard result >= 0 else {
            if result == -ENOENT || result == -EACCES || result == -ENOEXEC {
                throw WorkerStartError(command: self, reason: .cannotRun(errno: -result))
            }
            if result == -ESRCH { throw WorkerStartError(command: self, reason: .ended(.unknown)) }
            throw SystemError(call: "posix_spawn", number: -result, context: "starting the worker \(executable)")
        }
        return SpawnedProcess(
            pid: pid, pidfd: FileDescriptor(owning: pidfd), toWorker: tasks.write, fromWorker: answers.read,
            standardError: errors.read, journal: journal)
    }

    private func childEnvironment() -> [String] {
        var result: [String] = []
        var entry = environ
        while let variable = entry.pointee {
            let text = String(cString: variable)
            let name = text.prefix { $0 != "=" }
            if environment[String(name)] == nil, name != workerEnvironmentVariable { result.append(text) }
            entry += 1
        }
        result += environment.map { "\($0.key)=\($0.value)" }
        result.append("\(workerEnvironmentVariable)=\(workerEnvironmentValue)")
        return result
    }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    copies.append(nil)
    return body(copies)
}
