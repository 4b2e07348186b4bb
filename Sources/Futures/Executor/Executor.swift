/// Runs callables asynchronously: the interface that thread pools, process pools and the inline executor share.
///
/// Code that takes `some Executor` or `any Executor` works with each of them. A type of your own that conforms, such as a
/// wrapper that counts calls, gets `map` and the rest from its ``submit(_:_:options:)``.
public protocol Executor: AnyObject, Sendable {
    /// Schedules `callable` to be run with the arguments and returns at once.
    ///
    /// What becomes of the call is the future's: what it throws, and, on a process pool, the loss of its worker
    /// (``WorkerLossPolicy``).
    ///
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; a ``BrokenExecutor`` error on a broken pool;
    ///   ``CallableError`` when the executor does not know the function; ``BacklogFullError`` when no more may wait;
    ///   ``InvalidArgumentError`` for time limits that are none, or that the executor cannot keep; ``SystemError`` if the
    ///   system gives a pool no thread.
    func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output>

    /// Takes no more work, and frees the executor's resources when the submitted work is done.
    ///
    /// May be called any number of times.
    ///
    /// - Parameters:
    ///   - wait: whether to return only when all of that has happened.
    ///   - cancelFutures: whether to cancel what no worker has begun.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown(cancelFutures:)`")
    func shutdown(wait: Bool, cancelFutures: Bool)

    /// Like ``shutdown(wait:cancelFutures:)`` with `wait: true`, for async code.
    func shutdown(cancelFutures: Bool) async
}

extension Executor {
    /// ``submit(_:_:options:)`` of an ordinary call.
    public func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input
    ) throws -> Future<Output> {
        try submit(callable, repeat each argument, options: CallOptions())
    }

    /// ``shutdown(wait:cancelFutures:)`` that waits for everything submitted.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown()`")
    public func shutdown() { shutdown(wait: true, cancelFutures: false) }

    /// ``shutdown(wait:cancelFutures:)`` that runs everything submitted.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown()`")
    public func shutdown(wait: Bool) { shutdown(wait: wait, cancelFutures: false) }

    /// ``shutdown(cancelFutures:)`` that runs everything submitted first.
    public func shutdown() async { await shutdown(cancelFutures: false) }
}

// MARK: - A full backlog

extension Executor {
    /// Schedules a call as soon as the backlog has room for it; blocks the thread until then.
    ///
    /// Who waits longest is not served first: whoever comes while there is room gets it.
    ///
    /// - Parameter timeout: how long to wait for room; nil waits for ever, zero or less does not wait.
    /// - Throws: what ``submit(_:_:options:)`` throws; ``BacklogFullError`` when the time is over.
    @available(*, noasync, message: "this blocks the thread; async code calls `await submitWhenRoom(…)`")
    public func submitWhenRoom<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input,
        options: CallOptions = CallOptions(), timeout: Duration? = nil
    ) throws -> Future<Output> {
        try whenRoom(Deadline(after: timeout)) { try submit(callable, repeat each argument, options: options) }
    }

    /// Schedules a call as soon as the backlog has room for it; suspends the task until then.
    ///
    /// - Parameter timeout: how long to wait for room; nil waits for ever, zero or less does not wait.
    /// - Throws: what ``submit(_:_:options:)`` throws; ``BacklogFullError`` when the time is over; `CancellationError` if the
    ///   task is cancelled first.
    public func submitWhenRoom<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input,
        options: CallOptions = CallOptions(), timeout: Duration? = nil
    ) async throws -> Future<Output> {
        try await whenRoom(Deadline(after: timeout)) { try submit(callable, repeat each argument, options: options) }
    }

    @available(*, noasync)
    func whenRoom<Output>(_ deadline: Deadline, _ submit: () throws -> Future<Output>) throws -> Future<Output> {
        while true {
            do {
                return try submit()
            } catch let error as BacklogFullError {
                if deadline.hasPassed { throw error }
                error.room.wait(until: deadline)
            }
        }
    }

    func whenRoom<Output>(_ deadline: Deadline, _ submit: () throws -> Future<Output>) async throws -> Future<Output> {
        while true {
            do {
                return try submit()
            } catch let error as BacklogFullError {
                if deadline.hasPassed { throw error }
                try Task.checkCancellation()
                await error.room.wait(until: deadline)
            }
        }
    }
}
