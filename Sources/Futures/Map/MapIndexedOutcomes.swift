/// What became of an element of a map, and which one it was.
public struct IndexedOutcome<Output: Sendable>: Sendable {
    /// How many elements are before it in the input.
    public let index: Int
    /// What the function returned or threw. The last one of a map may be an error that the input itself threw.
    public let outcome: Result<Output, any Error>

    @usableFromInline
    init(index: Int, outcome: Result<Output, any Error>) {
        self.index = index
        self.outcome = outcome
    }
}

/// What became of each element of a map, with its place in the input.
///
/// ```swift
/// for try await page in try pool.mapUnordered(load, addresses).indexedOutcomes {
///     pages[page.index] = try page.outcome.get()
/// }
/// ```
public struct MapIndexedOutcomes<Output: Sendable>: AsyncSequence, Sendable {
    /// What became of an element, and which one it was.
    public typealias Element = IndexedOutcome<Output>

    @usableFromInline let cursor: MapCursor

    /// The next outcome, or nil after the last; blocks the thread until it is there.
    ///
    /// - Throws: ``TimeoutError`` if it is not there when the map's time is up.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    @inlinable
    public func next() throws -> IndexedOutcome<Output>? { try cursor.nextIndexed(Output.self) }

    /// Whether the next one, or the end, can be had without waiting, as far as is known.
    package var isReady: Bool { cursor.isReady }

    /// Cancels what has not begun; who waits for the next outcome learns that there are no more. Any thread.
    package func end() { cursor.end() }

    /// An async iterator over the outcomes that were not taken yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

    /// Gives the outcomes; suspends the task until the next one is there.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let cursor: MapCursor

        /// The next outcome, or nil after the last.
        ///
        /// - Throws: as ``MapOutcomes/AsyncIterator/next()``.
        @inlinable
        nonisolated(nonsending) public mutating func next() async throws -> IndexedOutcome<Output>? {
            try await cursor.nextIndexed(Output.self)
        }
    }
}
