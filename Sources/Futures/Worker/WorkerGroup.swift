import Glibc
import Synchronization

/// The process group of a worker, of which the pool made it the leader: with it are the programs that its tasks have started, which
/// must not outlive it.
///
/// The pool kills the group of a worker that has ended, but may itself be killed before it comes to that. So a worker that ends by
/// itself does it, too.
enum WorkerGroup {
    /// The worker and the process that started it.
    private static let worker = Atomic<pid_t>(0)
    private static let starter = Atomic<pid_t>(0)

    /// Nobody waits for this process any more: ends it at once, with what it has started.
    static func endAtOnce() -> Never {
        // As a plug-in of another program it may not be the leader.
        if getpgrp() == getpid() { kill(0, SIGKILL) }
        _exit(0)
    }

    /// Has what is in the group killed when this process, a worker, exits.
    static func endAtExit() {
        worker.store(getpid(), ordering: .relaxed)
        starter.store(getppid(), ordering: .relaxed)
        // What the program and its tasks register later runs before it.
        atexit { WorkerGroup.endOthers() }
    }

    private static func endOthers() {
        let process = getpid()
        // A process that a task has forked has the handler as well.
        guard worker.load(ordering: .relaxed) == process, getpgrp() == process else { return }
        // A signal to the group would reach this process too, whose exit code is still to be told: so it leaves the group, for
        // the rest of its life. There is no other that is sure to be there.
        let group = getpgid(starter.load(ordering: .relaxed))
        if isStarterThere, group > 0, group != process, setpgid(0, group) == 0 {
            kill(-process, SIGKILL)
        } else if !isStarterThere {
            endAtOnce()
        }
        // The starter is in another session. It kills the group.
    }

    private static var isStarterThere: Bool { getppid() == starter.load(ordering: .relaxed) }
}
