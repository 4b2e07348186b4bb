/// An executor whose calls run in this process: it takes closures, too, not only callables.
public protocol LocalExecutor: Executor {
    /// Schedules a closure and returns at once.
    ///
    /// - Parameters:
    ///   - name: what the future's description and errors call the closure.
    ///   - options: how it is treated among other calls.
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; a ``BrokenExecutor`` error on a broken pool;
    ///   ``BacklogFullError`` when no more may wait; ``InvalidArgumentError`` for a time limit, which threads cannot keep;
    ///   ``SystemError`` if a pool has no thread and the system gives none.
    func submit<Output: Sendable>(
        name: String?, options: CallOptions, _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output>
}

extension LocalExecutor {
    /// ``submit(name:options:_:)`` of an ordinary call without a name.
    public func submit<Output: Sendable>(_ body: @escaping @Sendable () throws -> Output) throws -> Future<Output> {
        try submit(name: nil, options: CallOptions(), body)
    }

    /// Schedules an async closure and returns at once. It runs on one thread, which it holds until it returns.
    ///
    /// - Throws: as for a closure that is not async.
    public func submit<Output: Sendable>(
        name: String? = nil, options: CallOptions = CallOptions(),
        _ body: @escaping @Sendable () async throws -> Output
    ) throws -> Future<Output> {
        try submit(name: name, options: options) { try InlineTaskExecutor().run(body) }
    }

    /// Schedules a call and returns at once. The arguments are passed as they are: nothing is encoded.
    ///
    /// - Throws: as for a closure.
    public func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output> {
        try submit(name: callable.name, options: options) { try callable.call(repeat each argument) }
    }

    func mapTarget<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ options: CallOptions
    ) throws -> MapTarget<Output, repeat each Input> {
        mapTarget(name: callable.name, options) { (argument: repeat each Input) in
            try callable.call(repeat each argument)
        }
    }

    /// Schedules a closure as soon as the backlog has room for it; blocks the thread until then.
    ///
    /// - Parameter timeout: how long to wait for room; nil waits for ever, zero or less does not wait.
    /// - Throws: as for ``submit(name:options:_:)``; ``BacklogFullError`` when the time is over.
    @available(*, noasync, message: "this blocks the thread; async code calls `await submitWhenRoom { … }`")
    public func submitWhenRoom<Output: Sendable>(
        name: String? = nil, options: CallOptions = CallOptions(), timeout: Duration? = nil,
        _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output> {
        try whenRoom(Deadline(after: timeout)) { try submit(name: name, options: options, body) }
    }

    /// Schedules a closure as soon as the backlog has room for it; suspends the task until then.
    ///
    /// - Parameter timeout: how long to wait for room; nil waits for ever, zero or less does not wait.
    /// - Throws: as for ``submit(name:options:_:)``; ``BacklogFullError`` when the time is over; `CancellationError` if the
    ///   task is cancelled first.
    public func submitWhenRoom<Output: Sendable>(
        name: String? = nil, options: CallOptions = CallOptions(), timeout: Duration? = nil,
        _ body: @escaping @Sendable () throws -> Output
    ) async throws -> Future<Output> {
        try await whenRoom(Deadline(after: timeout)) { try submit(name: name, options: options, body) }
    }
}
