/// Futures in the order in which they become done, for a loop in blocking code.
///
/// ```swift
/// for future in asCompleted(futures) { print(try future.result()) }
/// ```
///
/// Each future comes once: those that are done first, then the others in order of completion. The futures may be of
/// several executors and, as `[AnyFuture]`, of several types. Ending the loop early cancels nothing.
@available(*, noasync, message: "this blocks the thread; use `for try await`")
@_disfavoredOverload  // What is kept in a variable is the other one's, which serves both kinds of code.
public func asCompleted<Futures: Sequence>(_ futures: Futures) -> BlockingCompletedFutures<Futures.Element>
where Futures.Element: AnyFuture {
    BlockingCompletedFutures(queue: CompletionQueue(futures, timeout: nil))
}

/// Futures in the order in which they become done, if asked for for a limited time, which begins at this call.
///
/// ```swift
/// for try await future in asCompleted(futures) { print(try await future.value) }  // async code
///
/// let completed = asCompleted(futures, timeout: .seconds(5))
/// while let future = try completed.next() { ... }                                 // blocking code
/// for try await future in completed { ... }                                       // async code
/// ```
///
/// Each future comes once: those that are done first, then the others in order of completion. The futures may be of
/// several executors and, as `[AnyFuture]`, of several types. Ending the loop early cancels nothing.
///
/// - Parameter timeout: how long after this call futures may be waited for; nil for ever. One that is done comes also after
///   the time; only waiting past it throws ``TimeoutError``, which says how many of how many futures are unfinished.
public func asCompleted<Futures: Sequence>(
    _ futures: Futures, timeout: Duration? = nil
) -> CompletedFutures<Futures.Element> where Futures.Element: AnyFuture {
    CompletedFutures(queue: CompletionQueue(futures, timeout: timeout))
}

/// What ``asCompleted(_:)`` gives blocking code: a sequence to be gone through once.
public struct BlockingCompletedFutures<Element: AnyFuture>: Sequence, IteratorProtocol {
    let queue: CompletionQueue<Element>

    /// The next future that is done; blocks the thread until then. Nil after the last.
    public mutating func next() -> Element? {
        // Without a deadline there is no timeout.
        try? queue.blockForNext()
    }
}

/// What ``asCompleted(_:timeout:)`` gives: futures to be gone through once, in blocking code with ``next()``, in async
/// code with `for try await`.
public struct CompletedFutures<Element: AnyFuture>: AsyncSequence, Sendable {
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
