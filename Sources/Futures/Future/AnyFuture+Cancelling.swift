extension AnyFuture {
    /// Tries to cancel the call.
    ///
    /// A pending call is cancelled: waiters wake, and the callbacks run in this thread. A call that was sent ahead to a
    /// busy worker is asked back first, which can take a moment. A call that runs or has finished goes on.
    ///
    /// - Returns: whether the call is cancelled now, be it by this call or an earlier one.
    @discardableResult
    public final func cancel() -> Bool { finishCancelling(beginCancelling()) }

    /// Tries to cancel the call, also if it runs in a worker process.
    ///
    /// What does not run is cancelled as by ``cancel()``. Python has nothing like it for what runs. A call of a thread pool or
    /// of the inline executor cannot be ended, and goes on.
    ///
    /// - Parameter how: what to do about a call that runs.
    /// - Returns: whether the call is cancelled now. After ``RunningCancellation/interrupt`` mostly not yet: it will be when
    ///   the call has thrown `CancellationError`.
    @discardableResult
    public final func cancel(running how: RunningCancellation) -> Bool {
        // It may be begun, or come to be run again, just now; that it runs may not have been said yet.
        for _ in 0..<3 {
            if cancel() { return true }
            let (owner, ticket) = links.withLock { ($0.owner, $0.ticket) }
            guard !isDone, let owner else { break }
            switch owner.stop(ticket: ticket, kills: how == .kill) {
            case .stopped: cancelByOwner(alsoWhenRunning: true)
            case .goesOn: break
            case .isAhead: continue
            }
            break
        }
        return isCancelled
    }

    /// Cancels what can be cancelled. Calls that were sent ahead are all asked back before the first answer is waited for:
    /// a busy worker answers many questions as soon as one.
    static func cancelAll(_ futures: some Sequence<AnyFuture>) {
        let begun = futures.map { ($0, $0.beginCancelling()) }
        for (future, cancellation) in begun { _ = future.finishCancelling(cancellation) }
    }

    private enum Cancellation {
        case decided(Bool)
        /// The owner was asked for the task; the closure waits for the answer.
        case asked(() -> Bool)
    }

    private final func beginCancelling() -> Cancellation {
        enum Verdict {
            case cancelled
            case decided(Bool)
            case sent(any FutureOwner)
        }
        var aftermath = Aftermath()
        var ticket: UInt64 = 0
        let verdict = links.withLock { links -> Verdict in
            let word = FutureWord(bits: word.load(ordering: .relaxed))
            ticket = links.ticket
            guard word.phase == .pending else { return .decided(word.phase.state == .cancelled) }
            if word.isSent, let owner = links.owner { return .sent(owner) }
            aftermath = publish(.cancelled, &links)
            return .cancelled
        }
        switch verdict {
        case .decided(let isCancelled):
            return .decided(isCancelled)
        case .cancelled:
            notifyWaiters(&aftermath)
            aftermath.owner?.futureWasCancelled(ticket: ticket)
            runCallbacks(&aftermath, byOwner: false)
            return .decided(true)
        case .sent(let owner):
            return .asked(owner.takeBack(ticket: ticket))
        }
    }

    private final func finishCancelling(_ cancellation: Cancellation) -> Bool {
        switch cancellation {
        case .decided(let isCancelled):
            return isCancelled
        case .asked(let isTakenBack):
            // The news that it was begun may be late: by a worker that is lost, and the owner had the call again.
            if isTakenBack() { cancelByOwner(alsoWhenRunning: true) }
            return isCancelled
        }
    }
}

/// What to do about a call that runs and is not wanted any more.
public enum RunningCancellation: Sendable, Hashable {
    /// Ask it to end: an async callable sees its `Task` cancelled, a synchronous one asks ``RunningCall/isCancelled``.
    case interrupt
    /// End its worker process: SIGTERM, and SIGKILL if it is there ``ProcessPoolOptions/terminationGrace`` later. Another worker
    /// takes its place. Calls that had
    /// been sent to it besides are run by others; should one of them have begun in that very moment, it is begun again.
    case kill
}
