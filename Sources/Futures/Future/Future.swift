/// A call whose outcome comes later: a value of type `Value`, an error, or a cancellation.
///
/// Executors hand futures out; blocking code asks for the ``result(timeout:)``, async code for the ``value``. A future
/// that you make yourself can be completed by anyone with ``setResult(_:)`` and ``AnyFuture/setException(_:)``.
///
/// A call fails with what it threw; out of a worker process that is the error itself where the callable names its type, else
/// a ``RemoteError``. It fails with ``BrokenThreadPool`` or ``BrokenProcessPool`` if its pool broke, by default also when its
/// worker died; with ``WorkerLostError`` if the pool goes on without that worker; with ``TaskTimeoutError`` when it ran longer
/// than it was allowed to; and with ``TransportError`` if arguments or result cannot travel.
public final class Future<Value: Sendable>: AnyFuture, @unchecked Sendable {
    private var storedValue: UnsafeMutablePointer<Value>? {
        phase == .returned ? outcomeMemory?.assumingMemoryBound(to: Value.self) : nil
    }

    /// A pending future that no executor owns.
    public init() { super.init(owner: nil, ticket: 0, functionName: nil) }

    deinit {
        if let storedValue {
            storedValue.deinitialize(count: 1)
            storedValue.deallocate()
        }
    }

    /// The future of a task of `owner`, which stays alive until the future is done.
    ///
    /// - Parameter ticket: what the owner calls the task.
    package required override init(owner: (any FutureOwner)?, ticket: UInt64, functionName: String?) {
        super.init(owner: owner, ticket: ticket, functionName: functionName)
    }

    override var valueType: Any.Type { Value.self }

    /// The outcome of a future that is done.
    func outcome() throws -> Value {
        switch phase {
        case .returned: return storedValue!.pointee
        case .failed: throw failure!
        case .cancelled, .cancelledAndNotified: throw CancelledError(functionName: functionName)
        case .pending, .running: preconditionFailure("the outcome of a future that is not done")
        }
    }

    /// What the call returned; blocks the thread until then.
    ///
    /// - Parameter timeout: how long to wait; nil waits for ever, zero or less does not wait.
    /// - Throws: the error with which the call failed; ``CancelledError`` if it was cancelled; ``TimeoutError`` (source
    ///   ``TimeoutError/Source/wait``) if it is unfinished after `timeout`, which leaves the future alone.
    @available(*, noasync, message: "this blocks the thread; async code calls `try await future.value`")
    public func result(timeout: Duration? = nil) throws -> Value {
        try block(timeout)
        return try outcome()
    }

    /// What the call returned; suspends the task until then. Without a timeout, ``value`` says the same.
    ///
    /// - Parameter timeout: how long to wait; nil waits for ever, zero or less does not wait.
    /// - Throws: as the blocking form; `CancellationError` if the awaiting task is cancelled, which leaves the call alone.
    nonisolated(nonsending) public func result(timeout: Duration? = nil) async throws -> Value {
        try await suspend(timeout)
        return try outcome()
    }

    /// What the call returned; suspends the task until then.
    ///
    /// When the awaiting task is cancelled, this throws `CancellationError` at once and leaves the call alone: others
    /// may wait for it too. Call ``AnyFuture/cancel()`` if nobody does. An outcome that is there already is given also to a cancelled task.
    ///
    /// - Throws: the error with which the call failed; ``CancelledError`` if the call was cancelled; `CancellationError` if the
    ///   awaiting task was.
    nonisolated(nonsending) public var value: Value {
        get async throws {
            _ = try await untilDone()
            return try outcome()
        }
    }

    /// State and outcome at this moment, without waiting.
    public var snapshot: FutureSnapshot<Value> {
        switch phase {
        case .pending: .pending
        case .running: .running
        case .cancelled, .cancelledAndNotified: .cancelled
        case .returned: .finished(.success(storedValue!.pointee))
        case .failed: .finished(.failure(failure!))
        }
    }

    /// Ends the call with a value. For whoever made the future: an executor, a test, an adapter.
    ///
    /// - Throws: ``InvalidStateError`` if the future is cancelled or finished; its first outcome stays.
    public func setResult(_ value: Value) throws(InvalidStateError) {
        if !fulfil(value) {
            throw InvalidStateError(operation: "setResult", phase: phase, functionName: functionName)
        }
    }

    /// Ends the call with a value.
    ///
    /// - Returns: false if it is done already.
    @discardableResult
    package func fulfil(_ value: Value) -> Bool { tell(endReturned(value)) }

    /// Ends the call with a value, if it is not done already; who waits for it is told later.
    func fulfil(_ value: Value, _ later: inout Notifications) { later.add(self, endReturned(value)) }

    private func endReturned(_ value: Value) -> Aftermath? {
        end(as: .returned, alsoWhenRunning: true) { store(value, as: Value.self) }
    }

    /// Calls `body` in this thread, and ends with what it returns or throws; unless the call was cancelled meanwhile.
    package func run(_ body: () throws -> Value) {
        guard markStarted() else { return }
        let outcome: Result<Value, any Error>
        do { outcome = .success(try body()) } catch { outcome = .failure(error) }
        switch outcome {
        case .success(let value): fulfil(value)
        case .failure(let error): fail(error)
        }
    }

    /// ``AnyFuture/addDoneCallback(_:)`` with the future's own type.
    public override func addDoneCallback(_ callback: @escaping @Sendable (Future<Value>) -> Void) {
        addCallback { callback(unsafeDowncast($0, to: Future<Value>.self)) }
    }
}
