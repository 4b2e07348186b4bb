/// An executor as its futures see it. Called with no lock of the future held.
///
/// A future keeps its owner alive until it is done.
package protocol FutureOwner: AnyObject, Sendable {
    /// The pending, unsent future of `ticket` was cancelled: drop the task.
    func futureWasCancelled(ticket: UInt64)

    /// The future of `ticket` is to be cancelled; it is pending, but its task was sent ahead to a worker.
    ///
    /// Asks for it at once. May be called again for the same ticket, from any thread, also after it has answered.
    ///
    /// - Returns: waits for the answer, a bounded time; to be called once. True if the task was got back in time. The owner
    ///   has forgotten the task then; it is not told again.
    func takeBack(ticket: UInt64) -> () -> Bool

    /// The future of `ticket`, which runs, is not wanted any more: ends the call if that is possible.
    ///
    /// - Parameter kills: whether by force; otherwise the call is asked to end.
    func stop(ticket: UInt64, kills: Bool) -> FutureStop

    /// A thread begins to wait for the future of `ticket`: it may do something for it until the future is done or the
    /// deadline has come. It sleeps then, if the future is not done.
    func help(_ future: AnyFuture, ticket: UInt64, until deadline: Deadline)

    /// One of its futures has become done in this thread: runs the callbacks, now or soon, here or elsewhere.
    ///
    /// - Parameter isOwn: whether the owner has ended it, and not somebody who uses it, by `cancel()`.
    func runCallbacks(endedByOwner isOwn: Bool, _ callbacks: @escaping @Sendable () -> Void)
}

/// What came of an attempt to stop a running call.
package enum FutureStop: Sendable {
    /// The owner has forgotten the task: the future is to be cancelled.
    case stopped
    /// It does not run: it was sent ahead, and can be taken back.
    case isAhead
    /// It runs on, perhaps not for long, or it is over.
    case goesOn
}

extension FutureOwner {
    package func stop(ticket: UInt64, kills: Bool) -> FutureStop { .goesOn }

    package func help(_ future: AnyFuture, ticket: UInt64, until deadline: Deadline) {}

    package func runCallbacks(endedByOwner isOwn: Bool, _ callbacks: @escaping @Sendable () -> Void) { callbacks() }
}
