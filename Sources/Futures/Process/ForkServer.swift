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
    /// How often one was started since one has forked. A server that ends again and again is not started any more.
    private var starts = 0

    private final class Process {
        let pid: pid_t
        let pidfd: FileDescriptor
        let control: FileDescriptor
        var isReady = false

        init(pid: pid_t, pidfd: consuming FileDescriptor, control: consuming FileDescriptor) {
            self.pid = pid
            self.pidfd = pidfd
            self.control = control
        }

        /// Kills and reaps it, and what is in its group: a worker that it has forked and not told of, programs that it has started.
        deinit { futures_end_group(pidfd.rawValue, pid) }
    }

    private static let mostStarts = 3
    /// How long an answer may take, in milliseconds: a fork takes less than one.
    private static let patience: Int32 = 1_000

    init(_ command: WorkerCommand, backtrace: CrashBacktrace) {
        self.command = command
        self.backtrace = backtrace
    }

    enum Outcome {
        case forked(pid: pid_t, pidfd: Int32)
        /// It is to be spawned.
        case cannot
        /// It is to be spawned, and gets other descriptors: somebody may have these.
        case lost
    }

    /// Forks a worker, if it can.
    func fork(_ descriptors: futures_worker_descriptors) -> Outcome {
        guard let process = readyProcess() else { return .cannot }
        var descriptors = descriptors
        guard futures_control_send(process.control.rawValue, &descriptors) == 0 else {
            end()
            return .cannot
        }
        var answer: Int64 = 0
        guard futures_control_receive_number(process.control.rawValue, &answer, Self.patience) == 1 else {
            end()
            return .lost
        }
        // A negative number says why it could not.
        guard answer > 0 else { return .cannot }
        var pidfd: Int32 = -1
        let result = pid_t(exactly: answer).map { futures_adopt($0, &pidfd) } ?? -ECHILD
        guard result == 0 else {
            // Behind the program that was started is another one: its children are not ours.
            if result == -ECHILD {
                end()
                starts = Self.mostStarts
            }
            return .lost
        }
        starts = 0
        return .forked(pid: pid_t(answer), pidfd: pidfd)
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
        process = Process(pid: pid, pidfd: FileDescriptor(owning: pidfd), control: control)
    }

    /// Ends the server; its workers go on.
    func end() { process = nil }
}
