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
public final class ThreadPoolExecutor: Executor {
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
    /// - Throws: ``InvalidArgumentError`` for `maxWorkers` below 1.
    public init(
        maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
        initializer: (@Sendable () throws -> Void)? = nil
    ) throws(InvalidArgumentError) {
        // More than one for each processor, since threads mostly wait; few enough not to waste memory on large machines.
        let maxWorkers = maxWorkers ?? min(32, usableProcessorCount() + 4)
        try InvalidArgumentError.check("maxWorkers", maxWorkers)
        self.maxWorkers = maxWorkers
        driver = ThreadPoolDriver(
            maxThreads: maxWorkers, namePrefix: threadNamePrefix, initializer: initializer)
    }

    deinit { driver.shutDown(cancelFutures: false) }

    // MARK: Submitting

    /// Schedules a closure and returns at once.
    ///
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; ``BrokenThreadPool`` on a broken pool; ``SystemError`` if the
    ///   pool has no thread and the system gives none.
    public func submit<Output: Sendable>(_ body: @escaping @Sendable () throws -> Output) throws -> Future<Output> {
        try submit(functionName: nil, body)
    }

    /// Schedules an async closure and returns at once. It runs on a thread of the pool, which it holds until it returns.
    ///
    /// - Throws: as for a closure that is not async.
    public func submit<Output: Sendable>(
        _ body: @escaping @Sendable () async throws -> Output
    ) throws -> Future<Output> {
        try submit(functionName: nil) { try InlineTaskExecutor().run(body) }
    }

    /// Schedules a call and returns at once. The arguments are passed as they are: nothing is encoded.
    ///
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; ``BrokenThreadPool`` on a broken pool; ``SystemError`` if the
    ///   pool has no thread and the system gives none.
    public func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input
    ) throws -> Future<Output> {
        try submit(functionName: callable.name) { try callable.call(repeat each argument) }
    }

    private func submit<Output: Sendable>(
        functionName: String?, _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output> {
        let future = Future<Output>(owner: nil, ticket: 0, functionName: functionName)
        try submit(future, body)
        return future
    }

    func submit<Output: Sendable>(_ future: Future<Output>, _ body: @escaping @Sendable () throws -> Output) throws {
        try driver.submit(
            ThreadPoolDriver.Job(future: future) {
                guard future.markStarted() else { return }
                let outcome: Result<Output, any Error>
                do { outcome = .success(try body()) } catch { outcome = .failure(error) }
                switch outcome {
                case .success(let value): future.fulfil(value)
                case .failure(let error): future.fail(error)
                }
            })
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

/// Runs `body` with a thread pool, and shuts the pool down at its end: when `body` returns, after all submitted work; when
/// it throws or its task is cancelled, work that has not begun is cancelled first.
///
/// - Parameters: as for ``ThreadPoolExecutor/init(maxWorkers:threadNamePrefix:initializer:)``.
nonisolated(nonsending) public func withThreadPool<Value>(
    maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
    initializer: (@Sendable () throws -> Void)? = nil,
    _ body: nonisolated(nonsending) (ThreadPoolExecutor) async throws -> Value
) async throws -> Value {
    let pool = try ThreadPoolExecutor(
        maxWorkers: maxWorkers, threadNamePrefix: threadNamePrefix, initializer: initializer)
    do {
        let value = try await body(pool)
        await pool.shutdown(cancelFutures: Task.isCancelled)
        return value
    } catch {
        await pool.shutdown(cancelFutures: true)
        throw error
    }
}

/// ``withThreadPool(maxWorkers:threadNamePrefix:initializer:_:)-async`` for blocking code.
@available(*, noasync, message: "this blocks the thread; async code calls `await withThreadPool(…)`")
public func withThreadPool<Value>(
    maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
    initializer: (@Sendable () throws -> Void)? = nil, _ body: (ThreadPoolExecutor) throws -> Value
) throws -> Value {
    let pool = try ThreadPoolExecutor(
        maxWorkers: maxWorkers, threadNamePrefix: threadNamePrefix, initializer: initializer)
    do {
        let value = try body(pool)
        pool.shutdown()
        return value
    } catch {
        pool.shutdown(wait: true, cancelFutures: true)
        throw error
    }
}
