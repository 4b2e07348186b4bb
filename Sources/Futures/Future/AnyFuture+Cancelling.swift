extension AnyFuture {
    /// Tries to cancel the call.
    ///
    /// A pending call is cancelled: waiters wake, and the callbacks run in this thread. A call that was sent ahead to a
    /// busy worker is asked back first, which can take a moment. A call that runs or has finished goes on.
    ///
    /// - Returns: whether the call is cancelled now, be it by this call or an earlier one.
    @discardableResult
    public final func cancel() -> Bool { finishCancelling(beginCancelling()) }

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
            runCallbacks(&aftermath)
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
            if isTakenBack() { complete(as: .cancelledAndNotified, alsoWhenRunning: false) {} }
            return isCancelled
        }
    }
}
