internal import CProto
import Glibc

/// The pool's side of a fork server: a process of the worker's program that forks workers (docs/decisions/fork-server.md).
///
/// It is started when the first worker is wanted, and used once it is ready. Where it cannot fork, workers are to be spawned; so
/// it never makes a start fail, and nothing waits for it for longer than a second. The driver's thread only.
final class ForkServer {
    private let command: WorkerCommand
    private let backtrace: CrashBacktrace
    private var process: Process?
    /// How often one was started. A server that ends again and again is not started any more.
    private var starts = 0

    private final class Process {
        let pidfd: FileDescriptor
        let control: FileDescriptor
        var isReady = false

        init(pidfd: consuming FileDescriptor, control: consuming FileDescriptor) {
            self.pidfd = pidfd
            self.control = control
        }

        /// Kills and reaps it: it has nothing to finish.
        deinit {
            _ = futures_pidfd_signal(pidfd.rawValue, SIGKILL)
            var exit = futures_exit()
            _ = futures_reap(pidfd.rawValue, 1, &exit)
        }
    }

    private static let mostStarts = 3
    /// How long an answer may take, in milliseconds: a fork takes less than one.
    private static let patience: Int32 = 1_000

    init(_ command: WorkerCommand, backtrace: CrashBacktrace) {
        self.command = command
        self.backtrace = backtrace
    }

    /// Forks a worker.
    ///
    /// - Returns: nil if it is to be spawned.
    func fork(_ descriptors: futures_worker_descriptors) -> (pid: pid_t, pidfd: Int32)? {
        guard let process = readyProcess() else { return nil }
        var descriptors = descriptors
        var answer: Int64 = 0
        guard futures_control_send(process.control.rawValue, &descriptors) == 0,
            futures_control_receive_number(process.control.rawValue, &answer, Self.patience) == 1
        else {
            end()
            return nil
        }
        // A negative number says why it could not.
        guard answer > 0, let pid = pid_t(exactly: answer) else { return nil }
        // As both sides do it, it is done before either needs it.
        _ = setpgid(pid, pid)
        let pidfd = futures_pidfd_open(pid)
        // One that is no child of ours cannot be reaped; it ends with its pipes.
        guard pidfd >= 0 else { return nil }
        return (pid, pidfd)
    }

    private func readyProcess() -> Process? {
        if process == nil { start() }
        guard let process, !process.isReady else { return process }
        var number: Int64 = -1
        switch futures_control_receive_number(process.control.rawValue, &number, 0) {
        case 0: return nil
        case 1 where number == 0:
            process.isReady = true
            return process
        default:
            end()
            return nil
        }
    }

    private func start() {
        guard starts < Self.mostStarts else { return }
        starts += 1
        var (ours, theirs): (Int32, Int32) = (-1, -1)
        guard futures_control_pair(&ours, &theirs) == 0 else { return }
        let control = FileDescriptor(owning: ours)
        let other = FileDescriptor(owning: theirs)
        var (pid, pidfd): (pid_t, Int32) = (0, -1)
        let descriptors = futures_worker_descriptors(
            error_write: -1, wire_read: other.rawValue, wire_write: -1, journal: -1)
        let environment = command.childEnvironment(backtrace, setting: forkServerEnvironmentValue)
        guard command.execute(descriptors, environment, &pid, &pidfd) >= 0 else { return }
        process = Process(pidfd: FileDescriptor(owning: pidfd), control: control)
    }

    /// Ends the server; its workers go on.
    func end() { process = nil }
}
