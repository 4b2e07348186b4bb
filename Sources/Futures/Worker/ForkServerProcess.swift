internal import CProto
import Glibc

/// The process that forks workers: see docs/decisions/fork-server.md.
enum ForkServerProcess {
    /// Forks a worker whenever the pool wants one.
    ///
    /// - Returns: in each worker, which has its descriptors then. In the server never; it ends with the pool.
    static func awaitFork(control: Int32) {
        signal(SIGPIPE, SIG_IGN)
        guard futures_control_send_number(control, 0) == 0 else { WorkerGroup.endAtOnce() }
        var descriptors = futures_worker_descriptors()
        while futures_control_receive(control, &descriptors) == 1 {
            let pid = futures_fork_sibling()
            if pid == 0 {
                if futures_become_worker(&descriptors) < 0 { _exit(76) }
                return
            }
            for descriptor in [
                descriptors.error_write, descriptors.wire_read, descriptors.wire_write, descriptors.journal,
            ] { close(descriptor) }
            guard futures_control_send_number(control, Int64(pid)) == 0 else { break }
        }
        // Whatever the program has done before is not this process's to finish; what it has started ends with it.
        WorkerGroup.endAtOnce()
    }
}
