// The blocking forms are disfavoured: otherwise the compiler would take them in async code for a body that awaits nothing, and
// then refuse them.

/// Runs `body` with a thread pool, and shuts the pool down at its end: when `body` returns, after all submitted work; when
/// it throws or its task is cancelled, work that has not begun is cancelled first.
///
/// - Parameters: as for ``ThreadPoolExecutor/init(maxWorkers:threadNamePrefix:initializer:backlogLimit:)``.
nonisolated(nonsending) public func withThreadPool<Value>(
    maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
    initializer: (@Sendable () throws -> Void)? = nil, backlogLimit: BacklogLimit = .none,
    _ body: nonisolated(nonsending) (ThreadPoolExecutor) async throws -> Value
) async throws -> Value {
    try await ThreadPoolExecutor(
        maxWorkers: maxWorkers, threadNamePrefix: threadNamePrefix, initializer: initializer,
        backlogLimit: backlogLimit
    ).shutDown(after: body)
}

/// Runs `body` with a thread pool, and shuts the pool down at its end: when `body` returns, after all submitted work; when
/// it throws, work that has not begun is cancelled first. Blocks the thread until the pool's threads have ended.
///
/// - Parameters: as for ``ThreadPoolExecutor/init(maxWorkers:threadNamePrefix:initializer:backlogLimit:)``.
@available(*, noasync, message: "this blocks the thread; use `await withThreadPool`")
@_disfavoredOverload
public func withThreadPool<Value>(
    maxWorkers: Int? = nil, threadNamePrefix: String = "futures-pool",
    initializer: (@Sendable () throws -> Void)? = nil, backlogLimit: BacklogLimit = .none,
    _ body: (ThreadPoolExecutor) throws -> Value
) throws -> Value {
    try ThreadPoolExecutor(
        maxWorkers: maxWorkers, threadNamePrefix: threadNamePrefix, initializer: initializer,
        backlogLimit: backlogLimit
    ).shutDown(after: body)
}

/// Runs `body` with a process pool, and shuts the pool down at its end: when `body` returns, after all submitted work;
/// when it throws or its task is cancelled, work that has not begun is cancelled first.
///
/// - Parameters: as for ``ProcessPoolExecutor/init(_:maxWorkers:worker:maxTasksPerChild:initializer:options:)``.
nonisolated(nonsending) public func withProcessPool<Value>(
    _ registry: FunctionRegistry, maxWorkers: Int? = nil, worker: WorkerCommand = .thisExecutable,
    maxTasksPerChild: Int? = nil, initializer: WorkerInitializer? = nil,
    options: ProcessPoolOptions = ProcessPoolOptions(),
    _ body: nonisolated(nonsending) (ProcessPoolExecutor) async throws -> Value
) async throws -> Value {
    try await ProcessPoolExecutor(
        registry, maxWorkers: maxWorkers, worker: worker, maxTasksPerChild: maxTasksPerChild, initializer: initializer,
        options: options
    ).shutDown(after: body)
}

/// Runs `body` with a process pool, and shuts the pool down at its end: when `body` returns, after all submitted work; when
/// it throws, work that has not begun is cancelled first. Blocks the thread until the pool's workers have ended.
///
/// - Parameters: as for ``ProcessPoolExecutor/init(_:maxWorkers:worker:maxTasksPerChild:initializer:options:)``.
@available(*, noasync, message: "this blocks the thread; use `await withProcessPool`")
@_disfavoredOverload
public func withProcessPool<Value>(
    _ registry: FunctionRegistry, maxWorkers: Int? = nil, worker: WorkerCommand = .thisExecutable,
    maxTasksPerChild: Int? = nil, initializer: WorkerInitializer? = nil,
    options: ProcessPoolOptions = ProcessPoolOptions(),
    _ body: (ProcessPoolExecutor) throws -> Value
) throws -> Value {
    try ProcessPoolExecutor(
        registry, maxWorkers: maxWorkers, worker: worker, maxTasksPerChild: maxTasksPerChild, initializer: initializer,
        options: options
    ).shutDown(after: body)
}

extension Executor {
    nonisolated(nonsending) fileprivate func shutDown<Value>(
        after body: nonisolated(nonsending) (Self) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await body(self)
            await shutdown(cancelFutures: Task.isCancelled)
            return value
        } catch {
            await shutdown(cancelFutures: true)
            throw error
        }
    }

    @available(*, noasync)
    @_disfavoredOverload
    fileprivate func shutDown<Value>(after body: (Self) throws -> Value) throws -> Value {
        do {
            let value = try body(self)
            shutdown(wait: true, cancelFutures: false)
            return value
        } catch {
            shutdown(wait: true, cancelFutures: true)
            throw error
        }
    }
}
