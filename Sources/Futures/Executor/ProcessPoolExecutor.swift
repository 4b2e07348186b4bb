import Glibc
import Synchronization
import Wire

/// Runs registered callables in worker processes.
///
/// ```swift
/// try await withProcessPool(registry, maxWorkers: 4) { pool in
///     let future = try pool.submit(power, 3, 20)
///     print(try await future.value)
/// }
/// ```
///
/// Workers are started when there is work for them. A call that throws fails its own future; a worker that ends abruptly
/// (a trap, a signal, `exit`) breaks the pool by default: everything pending and running fails with ``BrokenProcessPool``,
/// which tells what the worker was doing and what it last wrote to standard error, and later submissions throw it. With
/// ``ProcessPoolOptions/onWorkerLoss`` it costs one call, or is made up for.
///
/// A pool that is dropped without a shutdown finishes what was submitted and then frees everything. When the program ends
/// before that, the workers end, too, and unfinished work is lost.
///
/// All methods may be called from any thread, also from the futures' callbacks.
public final class ProcessPoolExecutor: Executor, MappingExecutor {
    let driver: PoolDriver
    let functions: FunctionTable

    /// The most workers that run tasks at the same time.
    public let maxWorkers: Int

    /// A pool for the callables of a registry.
    ///
    /// - Parameters:
    ///   - registry: what may be submitted. The workers need the same callables. ``FunctionRegistry/external`` for those whose
    ///     code only the workers have.
    ///   - maxWorkers: how many tasks may run at the same time; nil for the number of usable processors (affinity and
    ///     control group quota respected).
    ///   - worker: the program to run as a worker. This executable by default, whose `main` has to call
    ///     ``WorkerProcess/runIfSpawned(_:)`` first.
    ///   - maxTasksPerChild: replace a worker after so many tasks (a chunk is one); nil for never. Keeps leaks small.
    ///   - initializer: what each worker runs before its first task.
    ///   - options: what is rarely needed.
    /// - Throws: ``InvalidArgumentError`` for a number below 1; ``WorkerStartError`` if `worker` names nothing that can be
    ///   run; ``CallableError`` if the initializer's callable is not in the registry; ``SystemError`` without descriptors
    ///   left.
    public init(
        _ registry: FunctionRegistry, maxWorkers: Int? = nil, worker: WorkerCommand = .thisExecutable,
        maxTasksPerChild: Int? = nil, initializer: WorkerInitializer? = nil,
        options: ProcessPoolOptions = ProcessPoolOptions()
    ) throws {
        let maxWorkers = maxWorkers ?? usableProcessorCount()
        try InvalidArgumentError.check("maxWorkers", maxWorkers)
        if let maxTasksPerChild { try InvalidArgumentError.check("maxTasksPerChild", maxTasksPerChild) }
        try options.check()
        guard !WorkerProcess.isUnserved else { throw WorkerStartError(command: worker, reason: .isItselfAWorker) }
        try worker.validate()
        functions = FunctionTable(registry)
        self.maxWorkers = maxWorkers
        var configuration = PoolState<PoolJob>.Configuration(
            maxWorkers: maxWorkers, maxTasksPerChild: maxTasksPerChild)
        configuration.backlogLimit = options.backlogLimit
        configuration.onWorkerLoss = options.onWorkerLoss
        configuration.taskLimits = try options.taskLimits()
        configuration.startTimeout = options.startTimeout.clampedNanoseconds
        configuration.exitTimeout = options.terminationGrace.clampedNanoseconds
        configuration.recycling = options.recycling
        configuration.watchesMemoryOfStarts = options.workerLimits.residentMemory != nil
        configuration.watchesMemory = configuration.watchesMemoryOfStarts || options.recycling.memory != nil
        configuration.seed = .random(in: .min ... .max)
        driver = try PoolDriver(
            configuration, command: worker, initializer: try initializer?.prepare(functions),
            options: options)
    }

    deinit {
        driver.shutDown(cancelFutures: false)
    }

    /// Schedules a call and returns at once. The arguments are encoded in this thread.
    ///
    /// When an argument's `encode(to:)` throws, the future fails with a ``TransportError``. When the worker dies that has begun
    /// the call, it depends on ``ProcessPoolOptions/onWorkerLoss``: by default the pool is broken and the future fails with
    /// ``BrokenProcessPool``, else the call is run again, or its future alone fails with ``WorkerLostError``.
    ///
    /// - Throws: ``ExecutorShutdownError`` after a shutdown; ``BrokenProcessPool`` on a broken pool; ``CallableError`` if
    ///   the callable is not in the registry; ``BacklogFullError`` when no more may wait; ``InvalidArgumentError`` for time
    ///   limits that are none; ``SystemError`` if the system gives the pool no thread.
    public func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output> {
        try submit(
            callable, try functions.find(callable.name, callable.signature), options, isPromised: false,
            repeat each argument
        ).future
    }

    /// - Returns: also how many bytes the arguments have.
    func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ function: PoolFunction, _ options: CallOptions,
        isPromised: Bool, _ argument: repeat each Input
    ) throws -> (future: Future<Output>, bytes: Int) {
        let limits = try options.limits(driver.taskLimits)
        try driver.checkRoom(isPromised: isPromised)
        let future = callable.code.futureType.init(owner: nil, ticket: 0, functionName: callable.name)
        let payload: Payload
        do {
            let use = SharedUse.begin()
            defer { use?.end() }
            payload = driver.compressions.compressed(try callable.code.encodeArguments(repeat each argument))
            if let use { future.hold(use.segments) }
        } catch {
            future.fail(TransportError(.encodingArguments, functionName: callable.name, cause: error))
            return (future, 0)
        }
        let size = payload.bytes.count
        try driver.submit(
            callable.code.jobType.init(
                function: function, payload: payload, limits: limits, output: callable.code.output,
                errors: callable.errors,
                future: future),
            priority: options.priority, isPromised: isPromised)
        return (future, size)
    }

    /// Takes no more work; the workers end when the submitted work is done.
    ///
    /// From one of the pool's own threads (a callback that runs there) it does not wait, as that could never end.
    ///
    /// - Parameters:
    ///   - wait: whether to return only when the work is done, callbacks included, and the workers have ended.
    ///   - cancelFutures: whether to cancel what no worker has begun.
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

    /// Ends the workers with SIGTERM: running calls fail with ``BrokenProcessPool``, waiting ones are cancelled. A call that
    /// was sent ahead to a worker fails, too: whether it had begun is not known. A worker that ignores the signal is killed
    /// after the ``ProcessPoolOptions/terminationGrace``. The pool counts as shut down. Any thread, at any time, any number of
    /// times.
    public func terminateWorkers() { driver.terminate(signal: SIGTERM, by: "terminateWorkers()") }

    /// Ends the workers with SIGKILL; otherwise as ``terminateWorkers()``.
    public func killWorkers() { driver.terminate(signal: SIGKILL, by: "killWorkers()") }
}

/// A call that each worker makes before its first task, replacements too.
///
/// If it throws, the pool is broken with that error, whatever ``ProcessPoolOptions/onWorkerLoss`` says, since the next worker
/// would fail the same way: what other workers run fails, too. A worker that dies in it, or is not through
/// ``ProcessPoolOptions/startTimeout`` after its start, is one that could not be started: the others carry on, and with none
/// left the pool is broken.
public struct WorkerInitializer: Sendable {
    let prepare: @Sendable (FunctionTable) throws -> PoolDriver.Initializer

    /// The call of `callable` with these arguments. The callable has to be in the pool's registry; its result is dropped.
    ///
    /// - Throws: ``TransportError`` if an argument cannot be encoded.
    public init<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input
    ) throws {
        let payload: Payload
        let shared: [SharedSegment]
        do {
            let use = SharedUse.begin()
            defer { use?.end() }
            payload = try callable.code.encodeArguments(repeat each argument)
            shared = use?.segments ?? []
        } catch {
            throw TransportError(.encodingArguments, functionName: callable.name, cause: error)
        }
        prepare = { functions in
            PoolDriver.Initializer(
                function: try functions.find(callable.name, callable.signature), payload: payload,
                errors: callable.errors, shared: shared)
        }
    }
}
