import Glibc
import Synchronization

/// Runs an async function to its end on the calling thread, without Swift's thread pool.
///
/// A worker executes one task at a time on its main thread. Handing an async body to the cooperative pool and waiting
/// for it costs a thread start and two thread switches for each call; here its jobs queue up for the waiting thread
/// itself. Jobs may be enqueued from any thread (an actor, a timer), which wakes it.
///
/// `@unchecked Sendable`: `jobs` is a `Mutex`, and a POSIX semaphore may be used from any thread.
package final class InlineTaskExecutor: TaskExecutor, @unchecked Sendable {
    private let jobs = Mutex<[UnownedJob]>([])
    private let wakeups: UnsafeMutablePointer<sem_t>

    package init() {
        wakeups = .allocate(capacity: 1)
        sem_init(wakeups, 0, 0)
    }

    deinit {
        sem_destroy(wakeups)
        wakeups.deallocate()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        // Once the job is in, it may run to the end of everything, and its runner drop this executor before the post.
        let this = Unmanaged.passRetained(self)
        defer { this.release() }
        jobs.withLock { $0.append(unowned) }
        sem_post(wakeups)
    }

    /// Runs `body` and every job that it enqueues here, and returns what it returns.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = OutcomeBox<Value>()
        // Not immediate: it must be known to whoever interrupts the call before its first line runs.
        let task = Task(executorPreference: self) {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.outcome.withLock { $0 = result }
            sem_post(self.wakeups)
        }
        CallInterruption.current.bodyBegan(task)
        while true {
            if let result = box.outcome.withLock({ $0 }) { return try result.get() }
            // Spurious returns (EINTR) only lead to another look.
            sem_wait(wakeups)
            let ready = jobs.withLock { jobs in
                defer { jobs.removeAll(keepingCapacity: true) }
                return jobs
            }
            for job in ready { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }

    private final class OutcomeBox<Value: Sendable>: Sendable {
        let outcome = Mutex<Result<Value, any Error>?>(nil)
    }
}
