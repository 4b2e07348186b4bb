import Synchronization

/// Runs a ``ThreadPoolState`` with real threads and futures.
///
/// Each event happens under the lock; waking threads, completing futures and with them running callbacks, comes after.
final class ThreadPoolDriver: FutureOwner {
    /// A call on its way: `run` completes `future`.
    struct Job: Sendable {
        let future: AnyFuture
        let run: @Sendable () -> Void
    }

    private struct Core {
        var state: ThreadPoolState<Job>
        var threads: [Int: Worker] = [:]
    }

    /// A thread of the pool, and what it sleeps on.
    private final class Worker: Sendable {
        let thread: DriverThread
        let signal = Signal()

        init(name: String) { thread = DriverThread(name: name) }
    }

    private let core: Mutex<Core>
    private let namePrefix: String
    private let initializer: (@Sendable () throws -> Void)?
    /// Done when the pool takes no more work and no thread will look for any.
    private let termination = Future<Void>()

    private let limit: BacklogLimit
    /// Raised when there may be room in the backlog again.
    private let room = Signal()

    init(
        maxThreads: Int, namePrefix: String, initializer: (@Sendable () throws -> Void)?, backlogLimit: BacklogLimit
    ) {
        core = Mutex(Core(state: ThreadPoolState(maxThreads: maxThreads, limit: backlogLimit)))
        limit = backlogLimit
        self.namePrefix = namePrefix
        self.initializer = initializer
    }

    /// Threads, and how many of them sleep, at this moment.
    var threadCounts: (all: Int, idle: Int) { core.withLock { ($0.state.threadCount, $0.state.idleCount) } }

    // MARK: Submitting

    /// One event, after which those are told who wait for room if there is some.
    private func raise<R: Sendable>(_ event: (inout ThreadPoolState<Job>) -> R) -> R {
        let (result, isRoom) = core.withLock { core in
            let result = event(&core.state)
            return (result, core.state.takeNewsOfRoom())
        }
        if isRoom { room.raise() }
        return result
    }

    func submit(_ job: Job, priority: Int) throws {
        let room = BacklogRoom(room)
        let outcome = raise { state in
            Result { () throws(PoolRefusal) in try state.submitted(job, priority: priority) }
        }
        switch outcome {
        case .failure(.shutDown): throw ExecutorShutdownError()
        case .failure(.broken(let error)): throw error
        case .failure(.full(let tasks, let bytes)):
            throw BacklogFullError(tasks: tasks, bytes: bytes, limit: limit, room: room)
        case .success((let ticket, let wakeup)):
            job.future.attach(owner: self, ticket: ticket.rawValue)
            switch wakeup {
            case .none: break
            case .wake(let thread): wake([thread])
            case .start(let thread): try start(thread, for: job)
            }
        }
    }

    private func wake(_ threads: [Int]) {
        if threads.isEmpty { return }
        let workers = core.withLock { core in threads.compactMap { core.threads[$0] } }
        for worker in workers { worker.signal.raise() }
    }

    private func start(_ number: Int, for job: Job) throws {
        let worker = Worker(name: threadName(namePrefix, number))
        core.withLock { $0.threads[number] = worker }
        do {
            try worker.thread.start { self.work(number, worker.signal) }
        } catch {
            core.withLock { $0.threads[number] = nil }
            let (dropped, isFinished) = raise { $0.threadFailedToStart() }
            if isFinished { termination.fulfil(()) }
            // With other threads there, they run the job.
            var later = Notifications()
            for other in dropped where other.future !== job.future { other.future.fail(error, &later) }
            later.send()
            if dropped.contains(where: { $0.future === job.future }) { throw error }
        }
    }

    // MARK: The threads

    private func work(_ number: Int, _ signal: Signal) {
        do {
            try initializer?()
        } catch {
            initializerFailed(error)
        }
        while true {
            let seen = signal.count
            switch raise({ $0.lookedForWork(number) }) {
            case .run(let job):
                job.run()
            case .sleep:
                while signal.count == seen { signal.sleep(since: seen, until: .never) }
            case .end(let isLast):
                if isLast { termination.fulfil(()) }
                return
            }
        }
    }

    private func initializerFailed(_ cause: any Error) {
        let error = BrokenThreadPool(reason: "the initializer of a thread failed", cause: cause)
        let closing = raise { $0.initializerFailed(error) }
        wake(closing.wake)
        var later = Notifications()
        for job in closing.dropped { job.future.fail(error, &later) }
        later.send()
    }

    // MARK: Cancelling

    func futureWasCancelled(ticket: UInt64) {
        // Taken out of the lock, since dropping the closure may run anything.
        _ = raise { $0.cancelled(TaskID(rawValue: ticket)) }
    }

    /// Nothing is sent ahead to threads.
    func takeBack(ticket: UInt64) -> () -> Bool { { false } }

    // MARK: Ending

    func shutDown(cancelFutures: Bool) {
        let closing = raise { $0.shutDown(cancelling: cancelFutures) }
        wake(closing.wake)
        var later = Notifications()
        for job in closing.dropped { job.future.cancelByOwner(&later) }
        if closing.isFinished { termination.fulfil(()) }
        later.send()
    }

    /// Returns when all work is done and the threads have ended; at once when called from one of them, which could
    /// wait for ever for itself.
    @available(*, noasync)
    func waitForTermination() {
        if isOnOwnThread { return }
        _ = try? termination.result()
        join()
    }

    func waitForTermination() async {
        if isOnOwnThread { return }
        await withCheckedContinuation { continuation in
            termination.addDoneCallback { _ in continuation.resume() }
        }
        // The threads are at their ends: this takes microseconds.
        join()
    }

    private var workers: [Worker] { core.withLock { Array($0.threads.values) } }

    private var isOnOwnThread: Bool { workers.contains { $0.thread.isCurrent } }

    private func join() {
        for worker in workers { worker.thread.join() }
    }
}

/// A thread's name in the 15 bytes that Linux keeps: a long prefix gives way to the number.
func threadName(_ prefix: String, _ number: Int) -> String {
    let suffix = "-\(number)"
    var kept = prefix
    while kept.utf8.count + suffix.utf8.count > 15, !kept.isEmpty { kept.removeLast() }
    return kept + suffix
}
