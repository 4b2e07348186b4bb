/// The results of a map: in the order of its elements, or, of `mapUnordered`, in the order in which they are there.
///
/// Iterate with `for try await`, or block with ``next()`` or ``collect()-swift.method``. A call that threw throws at its
/// position and ends the iteration; ``outcomes`` goes on after it. Results are there for one consumer, once: what was
/// taken is not kept. Ending the iteration early, a timeout, and the cancellation of the consuming task cancel the calls
/// that have not begun, and end the reading of the input; what was submitted and nobody has begun to consume is computed
/// all the same.
public struct MapResults<Output: Sendable>: AsyncSequence, Sendable {
    /// What the function returns.
    public typealias Element = Output

    @usableFromInline let cursor: MapCursor

    /// The next result, or nil after the last; blocks the thread until it is there.
    ///
    /// - Throws: what the call threw; ``TimeoutError`` if it is not there when the map's time is up.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    @inlinable
    public func next() throws -> Output? {
        do {
            return try cursor.next(Output.self)?.get()
        } catch {
            cursor.end()
            throw error
        }
    }

    /// All results that were not taken yet; blocks the thread until they are there.
    ///
    /// - Throws: as ``next()``.
    @available(*, noasync, message: "this blocks the thread; use `await`")
    @inlinable
    public func collect() throws -> [Output] {
        var all: [Output] = []
        all.reserveCapacity(cursor.expectedCount)
        while let values = try cursor.nextValues(Output.self) { all += values }
        return all
    }

    /// All results that were not taken yet.
    ///
    /// - Throws: as ``next()``, and `CancellationError` if the task is cancelled.
    @inlinable
    nonisolated(nonsending) public func collect() async throws -> [Output] {
        var all: [Output] = []
        all.reserveCapacity(cursor.expectedCount)
        while let values = try await cursor.nextValues(Output.self) { all += values }
        return all
    }

    /// The outcome of each call, in order: failures do not end the iteration.
    public var outcomes: MapOutcomes<Output> { MapOutcomes(cursor: cursor) }

    /// The outcome of each call with its element's place in the input: for `mapUnordered`, where the order does not tell it.
    public var indexedOutcomes: MapIndexedOutcomes<Output> { MapIndexedOutcomes(cursor: cursor) }

    /// An async iterator over the results that were not taken yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

    /// Gives the results; suspends the task until the next one is there.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let cursor: MapCursor

        /// The next result, or nil after the last.
        ///
        /// - Throws: what the call threw; ``TimeoutError`` if it is not there when the map's time is up; `CancellationError` if
        ///   it is not there and the task is cancelled. After each of them there are no more results, and what has not begun
        ///   is cancelled.
        @inlinable
        nonisolated(nonsending) public mutating func next() async throws -> Output? {
            do {
                return try await cursor.next(Output.self)?.get()
            } catch {
                cursor.end()
                throw error
            }
        }
    }
}

/// What became of each element of a map: its value or its error.
public struct MapOutcomes<Output: Sendable>: AsyncSequence, Sendable {
    /// What the function returned or threw.
    public typealias Element = Result<Output, any Error>

    @usableFromInline let cursor: MapCursor

    /// The next outcome, or nil after the last; blocks the thread until it is there.
    ///
    /// - Throws: ``TimeoutError`` if it is not there when the map's time is up.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    @inlinable
    public func next() throws -> Result<Output, any Error>? { try cursor.next(Output.self) }

    /// An async iterator over the outcomes that were not taken yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

    /// Gives the outcomes; suspends the task until the next one is there.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let cursor: MapCursor

        /// The next outcome, or nil after the last.
        ///
        /// - Throws: ``TimeoutError`` if it is not there when the map's time is up; `CancellationError` if it is not there and
        ///   the task is cancelled. After both there are no more outcomes, and what has not begun is cancelled.
        @inlinable
        nonisolated(nonsending) public mutating func next() async throws -> Result<Output, any Error>? {
            try await cursor.next(Output.self)
        }
    }
}
