/// Runs callables asynchronously: the interface that thread pools and process pools share.
public protocol Executor: AnyObject, Sendable {
    /// Schedules `callable` to be run with the arguments and returns at once.
    ///
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; a ``BrokenExecutor`` error on a broken pool;
    ///   ``CallableError`` when the executor does not know the function.
    func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input
    ) throws -> Future<Output>

    /// Takes no more work, and frees the pool's resources when the submitted work is done.
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
    /// ``shutdown(wait:cancelFutures:)`` that waits for everything submitted.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown()`")
    public func shutdown() { shutdown(wait: true, cancelFutures: false) }

    /// ``shutdown(cancelFutures:)`` that runs everything submitted first.
    public func shutdown() async { await shutdown(cancelFutures: false) }
}
