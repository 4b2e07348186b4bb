/// Futures in the order in which they become done.
///
/// ```swift
/// for future in asCompleted(futures) { print(try future.result()) }            // blocking code
/// for try await future in asCompleted(futures) { print(try await future.value) }  // async code
/// ```
///
/// Each future comes once: those that are done first, then the others in order of completion. The futures may be of
/// several executors and, as `[AnyFuture]`, of several types. Ending the loop early cancels nothing.
public func asCompleted<Futures: Sequence>(_ futures: Futures) -> CompletedFutures<Futures.Element>
where Futures.Element: AnyFuture {
    CompletedFutures(queue: CompletionQueue(futures, timeout: nil))
}

/// Futures in the order in which they become done, for a limited time, which begins at this call.
///
/// ```swift
/// let completed = asCompleted(futures, timeout: .seconds(5))
/// while let future = try completed.next() { ... }      // blocking code
/// for try await future in completed { ... }            // async code
/// ```
///
/// A future that is done comes also after the time; only waiting past it throws ``TimeoutError``, which says how many of how
/// many futures are unfinished.
public func asCompleted<Futures: Sequence>(
    _ futures: Futures, timeout: Duration?
) -> TimedCompletedFutures<Futures.Element> where Futures.Element: AnyFuture {
    TimedCompletedFutures(queue: CompletionQueue(futures, timeout: timeout))
}

/// What ``asCompleted(_:)`` gives: a sequence to be gone through once, in blocking or in async code.
public struct CompletedFutures<Element: AnyFuture>: Sequence, AsyncSequence, Sendable {
    let queue: CompletionQueue<Element>

    /// Gives the futures; blocks the thread until the next one is done.
    public struct Iterator: IteratorProtocol {
        let queue: CompletionQueue<Element>

        /// The next future that is done; nil after the last.
        public mutating func next() -> Element? {
            // Without a deadline there is no timeout.
            try? queue.blockForNext()
        }
    }

    /// An iterator over the futures that were not given out yet.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    public func makeIterator() -> Iterator { Iterator(queue: queue) }

    /// An async iterator over the futures that were not given out yet.
    public func makeAsyncIterator() -> AsyncCompletionIterator<Element> { AsyncCompletionIterator(queue: queue) }
}

/// What ``asCompleted(_:timeout:)`` gives: futures to be gone through once, in blocking code with ``next()``, in async
/// code with `for try await`.
public struct TimedCompletedFutures<Element: AnyFuture>: AsyncSequence, Sendable {
    let queue: CompletionQueue<Element>

    /// The next future that is done; blocks the thread until then. Nil after the last.
    ///
    /// - Throws: ``TimeoutError`` when none is done and the time is over.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    public func next() throws(TimeoutError) -> Element? { try queue.blockForNext() }

    /// An async iterator over the futures that were not given out yet.
    public func makeAsyncIterator() -> AsyncCompletionIterator<Element> { AsyncCompletionIterator(queue: queue) }
}

/// Gives futures as they become done.
public struct AsyncCompletionIterator<Element: AnyFuture>: AsyncIteratorProtocol {
    let queue: CompletionQueue<Element>

    /// The next future that is done; nil after the last.
    ///
    /// - Throws: ``TimeoutError`` when none is done and the time is over; `CancellationError` when none is done and the task
    ///   is cancelled.
    nonisolated(nonsending) public mutating func next() async throws -> Element? { try await queue.next() }
}
