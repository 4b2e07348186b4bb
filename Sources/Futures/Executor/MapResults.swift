import DequeModule
import Synchronization

/// The results of a map, in the order of its elements.
///
/// Iterate with `for try await`, or block with ``next()`` or ``collect()-swift.method``. A call that threw throws at its
/// position and ends the iteration; ``outcomes`` goes on after it. Results are there for one consumer, once: what was
/// taken is not kept. Ending the iteration early, a timeout, and the cancellation of the consuming task cancel the calls
/// that have not begun; results that nobody has begun to consume are computed all the same.
public struct MapResults<Output: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Output

    private let cursor: MapCursor<Output>

    init(_ chunks: [MapChunk<Output>], deadline: Deadline, timeout: Duration?) {
        cursor = MapCursor(chunks, deadline: deadline, timeout: timeout)
    }

    /// The next result, or nil after the last; blocks the thread until it is there.
    ///
    /// - Throws: what the call threw; ``TimeoutError`` if it is not there when the map's time is up.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    public func next() throws -> Output? {
        do {
            return try cursor.next()?.get()
        } catch {
            cursor.end()
            throw error
        }
    }

    /// All results that were not taken yet; blocks the thread until they are there.
    ///
    /// - Throws: as ``next()``.
    @available(*, noasync, message: "this blocks the thread; use `await`")
    public func collect() throws -> [Output] {
        var all: [Output] = []
        while let values = try cursor.nextValues() { all += values }
        return all
    }

    /// All results that were not taken yet.
    ///
    /// - Throws: as ``next()``, and `CancellationError` if the task is cancelled.
    nonisolated(nonsending) public func collect() async throws -> [Output] {
        var all: [Output] = []
        while let values = try await cursor.nextValues() { all += values }
        return all
    }

    /// The outcome of each call, in order: failures do not end the iteration.
    public var outcomes: MapOutcomes<Output> { MapOutcomes(cursor: cursor) }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let cursor: MapCursor<Output>

        nonisolated(nonsending) public mutating func next() async throws -> Output? {
            do {
                return try await cursor.next()?.get()
            } catch {
                cursor.end()
                throw error
            }
        }
    }
}

/// What became of each element of a map: its value or its error.
public struct MapOutcomes<Output: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Result<Output, any Error>

    fileprivate let cursor: MapCursor<Output>

    /// The next outcome, or nil after the last; blocks the thread until it is there.
    ///
    /// - Throws: ``TimeoutError`` if it is not there when the map's time is up.
    @available(*, noasync, message: "this blocks the thread; use `for try await`")
    public func next() throws -> Result<Output, any Error>? { try cursor.next() }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let cursor: MapCursor<Output>

        nonisolated(nonsending) public mutating func next() async throws -> Result<Output, any Error>? {
            try await cursor.next()
        }
    }
}

/// A chunk of a map on its way.
struct MapChunk<Output: Sendable>: Sendable {
    let future: Future<ChunkOutcome<Output>>
    /// How many elements it has.
    let count: Int
}

/// Where the consumer of a map stands.
final class MapCursor<Output: Sendable>: Sendable {
    private struct State {
        var chunks: Deque<MapChunk<Output>>
        /// The one that is being handed out.
        var current: Current?
        var hasBegun = false
    }

    private struct Current {
        var values: ArraySlice<Output>
        var failures: ArraySlice<(index: Int, error: any Error)>
        var index = 0

        mutating func next() -> Result<Output, any Error>? {
            defer { index += 1 }
            if let failure = failures.first, failure.index == index {
                failures.removeFirst()
                return .failure(failure.error)
            }
            return values.popFirst().map { .success($0) }
        }
    }

    private let state: Mutex<State>
    private let deadline: Deadline
    private let timeout: Duration?
    private let total: Int

    init(_ chunks: [MapChunk<Output>], deadline: Deadline, timeout: Duration?) {
        state = Mutex(State(chunks: Deque(chunks)))
        self.deadline = deadline
        self.timeout = timeout
        total = chunks.count
    }

    deinit {
        if state.withLock({ $0.hasBegun }) { end() }
    }

    /// Cancels what has not begun; there are no more results.
    func end() {
        let chunks = state.withLock { state in
            defer {
                state.chunks = []
                state.current = nil
            }
            return state.chunks
        }
        for chunk in chunks { chunk.future.cancel() }
    }

    private enum Step {
        case outcome(Result<Output, any Error>)
        case wait(MapChunk<Output>)
        case end
    }

    private func step() -> Step {
        state.withLock { state in
            state.hasBegun = true
            if let outcome = state.current?.next() { return .outcome(outcome) }
            state.current = nil
            return state.chunks.first.map { .wait($0) } ?? .end
        }
    }

    /// Takes in the first chunk, which is done.
    private func take(_ chunk: MapChunk<Output>) {
        let outcome = Result { try chunk.future.outcome() }
        state.withLock { state in
            guard state.chunks.first?.future === chunk.future else { return }
            state.chunks.removeFirst()
            switch outcome {
            case .success(let outcome):
                state.current = Current(values: outcome.values[...], failures: outcome.failures[...])
            // What became of the chunk became of each of its elements.
            case .failure(let error):
                state.current = Current(values: [], failures: (0..<chunk.count).map { ($0, error) }[...])
            }
        }
    }

    /// The rest of the chunk at hand, if nothing in it failed.
    private func rest() -> ArraySlice<Output>? {
        state.withLock { state in
            guard let current = state.current, current.failures.isEmpty, !current.values.isEmpty else { return nil }
            state.current = nil
            return current.values
        }
    }

    @available(*, noasync)
    func next() throws -> Result<Output, any Error>? {
        while true {
            switch step() {
            case .outcome(let outcome): return outcome
            case .end: return nil
            case .wait(let chunk):
                guard chunk.future.blockUntilDone(deadline) else { throw timedOut() }
                take(chunk)
            }
        }
    }

    nonisolated(nonsending) func next() async throws -> Result<Output, any Error>? {
        while true {
            switch step() {
            case .outcome(let outcome): return outcome
            case .end: return nil
            case .wait(let chunk):
                let isDone: Bool
                do {
                    isDone = try await chunk.future.untilDone(deadline)
                } catch {
                    end()
                    throw error
                }
                guard isDone else { throw timedOut() }
                take(chunk)
            }
        }
    }

    /// The next values, as many as there are without waiting again.
    @available(*, noasync)
    func nextValues() throws -> ArraySlice<Output>? {
        if let rest = rest() { return rest }
        do {
            return try next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    nonisolated(nonsending) func nextValues() async throws -> ArraySlice<Output>? {
        if let rest = rest() { return rest }
        do {
            return try await next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    private func timedOut() -> TimeoutError {
        let unfinished = state.withLock { $0.chunks.count { !$0.future.isDone } }
        end()
        return TimeoutError(timeout: timeout ?? .zero, unfinished: unfinished, total: total)
    }
}
