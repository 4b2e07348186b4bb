internal import CProto

/// The threads that wait in `cancel()` for a worker's answer about one task.
final class TakeBackWaiter: Sendable {
    private let answer = Future<Bool>()

    func answered(_ takenBack: Bool) { answer.fulfil(takenBack) }

    /// Waits for the answer; nil if it has not come in time.
    func wait(until deadline: Deadline) -> Bool? {
        guard answer.blockUntilDone(deadline) else { return nil }
        return try? answer.outcome()
    }
}

extension PoolDriver: FutureOwner {
    /// A worker answers within a tick of its watcher (20 ms), unless it is stuck.
    private static let takeBackTimeout = Duration.milliseconds(100)

    func futureWasCancelled(ticket: UInt64) {
        let now = futures_monotonic_nanoseconds()
        let id = TaskID(rawValue: ticket)
        // Let go of with no lock held: what a job has may be the user's, and do anything when it ends.
        _ = raise { state, actions in
            let job = state.job(of: id)
            state.cancelled(id, now: now, &actions)
            return job
        }
    }

    func stop(ticket: UInt64, kills: Bool) -> FutureStop {
        let id = TaskID(rawValue: ticket)
        let now = futures_monotonic_nanoseconds()
        let (outcome, job) = core.withLock { core in
            let job = core.state.job(of: id)
            return (core.state.stopRequested(id, kills: kills, now: now, &core.actions), job)
        }
        withExtendedLifetime(job) { settle() }
        switch outcome {
        case .done, .stopped: return .stopped
        case .isAhead: return .isAhead
        case .interrupted, .tooLate: return .goesOn
        }
    }

    func takeBack(ticket: UInt64) -> () -> Bool {
        let id = TaskID(rawValue: ticket)
        let now = futures_monotonic_nanoseconds()
        let deadline = Deadline(after: Self.takeBackTimeout)
        // Who reads the answer cannot wait for it.
        let mayWait = !isReading
        let (outcome, waiter, job) = core.withLock { core -> (PoolState<PoolJob>.TakeBack, TakeBackWaiter?, PoolJob?) in
            let job = core.state.job(of: id)
            let outcome = core.state.cancelRequested(id, waits: mayWait, now: now, &core.actions)
            guard outcome == .asked, mayWait else { return (outcome, nil, job) }
            // Another thread may be cancelling the same future: they wait together.
            let waiter = core.takeBacks[id] ?? TakeBackWaiter()
            core.takeBacks[id] = waiter
            return (outcome, waiter, job)
        }
        withExtendedLifetime(job) { settle() }
        guard outcome == .asked, let waiter else { return { outcome == .done } }
        return { self.waitForAnswer(about: id, waiter, until: deadline) }
    }

    /// Whether the task was taken back. `cancel()` may be called from async code, and waits here too: a bounded moment.
    private func waitForAnswer(about id: TaskID, _ waiter: TakeBackWaiter, until deadline: Deadline) -> Bool {
        if let answer = waiter.wait(until: deadline) { return answer }
        let isWithdrawn = core.withLock { core in
            guard core.takeBacks[id] === waiter else { return false }
            core.takeBacks[id] = nil
            core.state.cancelRequestWithdrawn(id)
            return true
        }
        if isWithdrawn { waiter.answered(false) }
        // Otherwise the worker's answer has come just now. With it the task may be off the scheduler's books, so that nobody
        // else would end its future; whoever read the answer is about to pass it on.
        return waiter.wait(until: .never) ?? false
    }
}
