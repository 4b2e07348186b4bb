/// Runs closures and callables on threads of its own, in this process.
///
/// ```swift
/// let pool = try ThreadPoolExecutor(maxWorkers: 8)
/// let page = try pool.submit { try fetch(url) }
/// print(try page.result())
/// pool.shutdown()
/// ```
///
/// For work that waits, such as files and sockets, and for work that needs this process's memory. Tasks may block: the
/// threads are the pool's own, not Swift's cooperative ones. Threads are started when there is work for them, and an idle
/// one is used first. Tasks begin in the order of their submission.
///
/// A pool that is dropped without a shutdown finishes what was submitted; then its threads end. When the program ends
/// before that, unfinished work is lost.
///
/// All methods may be called from any thread, also from tasks and from the futures' callbacks. A task that waits for
/// another task of its own pool holds a thread meanwhile; with all threads held like this, nothing goes on.
public final class ThreadPoolExecutor: LocalExecutor, MappingExecutor {
    let driver: ThreadPoolDriver

    /// The most threads that the pool has.
    public let maxWorkers: Int

    /// A pool without threads yet.
    ///
    /// - Parameters:
    ///   - maxWorkers: the most threads; nil for 4 more than there are usable processors (affinity and control group quota
    ///     respected), and at most 32.
    ///   - threadNamePrefix: the threads are named after it, and numbered from 0. Linux shows 15 bytes of a name; a prefix
    ///     that is too long is cut, the number is kept.
    ///   - initializer: what each thread runs before its first task. If it throws, the pool is broken: everything that
    ///     waits fails with ``BrokenThreadPool``, later submissions throw it, and what runs on other threads completes.
    ///   - backlogLimit: how many calls may wait for a thread; without a limit by default.
    /// - Throws: ``InvalidArgumentError`` for a number below 1.
    public init(
        maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
        initializer: (@Sendable () throws -> Void)? = nil, backlogLimit: BacklogLimit = .none
    ) throws(InvalidArgumentError) {
        let maxWorkers = maxWorkers ?? Self.defaultMaxWorkers(processors: usableProcessorCount())
        try InvalidArgumentError.check("maxWorkers", maxWorkers)
        try backlogLimit.check()
        self.maxWorkers = maxWorkers
        driver = ThreadPoolDriver(
            maxThreads: maxWorkers, namePrefix: threadNamePrefix, initializer: initializer, backlogLimit: backlogLimit)
    }

    /// More than one for each processor, since threads mostly wait; few enough not to waste memory on large machines.
    static func defaultMaxWorkers(processors: Int) -> Int { min(32, processors + 4) }

    deinit { driver.shutDown(cancelFutures: false) }

    // MARK: Submitting

    /// Schedules a closure and returns at once. When no thread is idle and there may be more, one is started.
    ///
    /// - Parameters:
    ///   - name: what the future's description and errors call the closure.
    ///   - options: how it is treated among other calls.
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; ``BrokenThreadPool`` after an initializer failed;
    ///   ``BacklogFullError`` when no more may wait; ``InvalidArgumentError`` for a time limit, which threads cannot keep;
    ///   ``SystemError`` if the pool has no thread and the system gives none.
    public func submit<Output: Sendable>(
        name: String? = nil, options: CallOptions = CallOptions(), _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output> {
        try options.checkForThreads()
        let future = Future<Output>(owner: nil, ticket: 0, functionName: name)
        let job = ThreadPoolDriver.Job(future: future) { future.run(body) }
        try driver.submit(job, priority: options.priority)
        return future
    }

    // MARK: Ending

    /// Takes no more work; threads end when the submitted work is done.
    ///
    /// From a thread of this very pool (a task, or a callback that runs there) it does not wait, as that could never end.
    ///
    /// - Parameters:
    ///   - wait: whether to return only when the work is done and the threads have ended.
    ///   - cancelFutures: whether to cancel what no thread has begun.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown(cancelFutures:)`")
    public func shutdown(wait: Bool = true, cancelFutures: Bool = false) {
        driver.shutDown(cancelFutures: cancelFutures)
        if wait { driver.waitForTermination() }
    }

    /// Shuts down and suspends until all is done, also when the awaiting task is cancelled.
    public func shutdown(cancelFutures: Bool = false) async {
        driver.shutDown(cancelFutures: cancelFutures)
        await driver.waitForTermination()
    }
}
