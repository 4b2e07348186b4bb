import Synchronization

extension AnyFuture {
    /// Blocks the thread until the future is done: the one place where threads wait for a single future.
    ///
    /// - Returns: false if the deadline came first.
    final func blockUntilDone(_ deadline: Deadline) -> Bool {
        if !deadline.hasPassed { letOwnerHelp(deadline) }
        while true {
            let seen = word.load(ordering: .acquiring)
            let current = FutureWord(bits: seen)
            if current.phase.isDone { return true }
            if deadline.hasPassed { return false }
            let expected = seen | FutureWord.hasSleepers
            if !current.hasSleepers {
                let (exchanged, _) = word.compareExchange(expected: seen, desired: expected, ordering: .relaxed)
                guard exchanged else { continue }
            }
            word.sleep(while: expected, until: deadline)
        }
    }

    private final func letOwnerHelp(_ deadline: Deadline) {
        let (owner, ticket) = links.withLock { ($0.owner, $0.ticket) }
        owner?.help(self, ticket: ticket, until: deadline)
    }

    /// Blocks the thread until the future is done.
    final func block(_ timeout: Duration?) throws(TimeoutError) {
        if isDone { return }
        guard blockUntilDone(Deadline(after: timeout)) else { throw timedOut(timeout) }
    }

    /// Suspends the task until the future is done.
    ///
    /// - Returns: false if the deadline came first.
    /// - Throws: `CancellationError` if the task is cancelled first. The future is left alone.
    nonisolated(nonsending) final func untilDone(_ deadline: Deadline = .never) async throws(CancellationError) -> Bool
    {
        if isDone { return true }
        if deadline.hasPassed { return false }
        let observer = TaskObserver()
        guard addObserver(observer) else { return true }
        await observer.task.sleep(until: deadline)
        if isDone { return true }
        removeObserver(observer)
        if isDone { return true }
        if deadline.hasPassed { return false }
        throw CancellationError()
    }

    /// Has `observer` told when the future is done.
    ///
    /// - Returns: false if it is done already; the observer is not told then.
    final func addObserver(_ observer: CompletionObserver) -> Bool {
        links.withLock { links in
            guard !phase.isDone else { return false }
            links.observers.append(observer)
            return true
        }
    }

    /// Detaches `observer`. If the future has become done meanwhile, the observer was told, or is being told.
    final func removeObserver(_ observer: CompletionObserver) {
        links.withLock { links in
            guard !phase.isDone else { return }
            links.observers.remove(observer)
        }
    }

    /// The error that ended the call, or nil if it returned; blocks the thread until then.
    ///
    /// - Parameter timeout: how long to wait; nil waits for ever, zero or less does not wait.
    /// - Throws: ``TimeoutError`` (source ``TimeoutError/Source/wait``) if the call is unfinished by then;
    ///   ``CancelledError`` if it was cancelled.
    @available(*, noasync, message: "this blocks the thread; async code calls `try await future.exception()`")
    public final func exception(timeout: Duration? = nil) throws -> (any Error)? {
        try block(timeout)
        guard !isCancelled else { throw CancelledError(functionName: functionName) }
        return failure
    }

    /// The error that ended the call, or nil if it returned; suspends the task until then.
    ///
    /// - Parameter timeout: how long to wait; nil waits for ever, zero or less does not wait.
    /// - Throws: as the blocking form; `CancellationError` if the awaiting task is cancelled, which leaves the call alone.
    nonisolated(nonsending) public final func exception(timeout: Duration? = nil) async throws -> (any Error)? {
        try await suspend(timeout)
        guard !isCancelled else { throw CancelledError(functionName: functionName) }
        return failure
    }

    /// Suspends the task until the future is done.
    nonisolated(nonsending) final func suspend(_ timeout: Duration?) async throws {
        guard try await untilDone(Deadline(after: timeout)) else { throw timedOut(timeout) }
    }

    private final func timedOut(_ timeout: Duration?) -> TimeoutError {
        TimeoutError(timeout: timeout ?? .zero, unfinished: 1, total: 1, functionName: functionName)
    }
}

/// Wakes a task when a future is done.
private final class TaskObserver: CompletionObserver, @unchecked Sendable {
    let task = SleepingTask()

    override func futureCompleted(failed: Bool) { task.wake() }
}
