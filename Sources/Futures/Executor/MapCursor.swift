import DequeModule
import Synchronization

/// A chunk of a map on its way.
struct MapChunk<Output: Sendable>: Sendable {
    let future: Future<ChunkOutcome<Output>>
    /// How many elements it has.
    let count: Int
}

/// Where the consumer of a map stands, and what was submitted ahead of it.
///
/// With a buffer size, whoever takes a result then reads on, to fill the place that it left.
final class MapCursor<Output: Sendable>: Sendable {
    private struct State {
        var chunks: Deque<MapChunk<Output>> = []
        /// The one that is being handed out.
        var current: Current?
        var input = Input.ended
        /// Elements that were submitted and not handed out.
        var ahead = 0
        var submittedChunks = 0
        var hasBegun = false

        mutating func append(_ more: [MapChunk<Output>], _ count: Int) {
            chunks.append(contentsOf: more)
            submittedChunks += more.count
            ahead += count
        }
    }

    private enum Input {
        /// All was submitted, or nobody wants the rest.
        case ended
        case waiting(MapInput<Output>)
        /// A consumer reads it; the future is done when it has.
        case reading(Future<Void>)
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
    /// The most elements that are submitted ahead of the consumer.
    private let bufferSize: Int

    init(_ input: MapInput<Output>, bufferSize: Int?, timeout: Duration?) throws {
        deadline = Deadline(after: timeout)
        self.timeout = timeout
        self.bufferSize = bufferSize ?? .max
        state = Mutex(State())
        do {
            let isAtEnd = try submit(input)
            if !isAtEnd { state.withLock { $0.input = .waiting(input) } }
        } catch {
            end()
            throw error
        }
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
                // One who is reading finds it, and cancels what it has read.
                state.input = .ended
            }
            return state.chunks
        }
        AnyFuture.cancelAll(chunks.lazy.map(\.future))
    }

    // MARK: Input

    /// Submits what the buffer has room for, and says whether that was the end of the input.
    private func submit(_ input: MapInput<Output>) throws -> Bool {
        while state.withLock({ bufferSize - $0.ahead >= input.chunkSize }) {
            let chunks = try input.submitNext()
            if chunks.isEmpty { return true }
            let count = chunks.reduce(0) { $0 + $1.count }
            state.withLock { $0.append(chunks, count) }
        }
        return false
    }

    /// Reads on in the input if there is room for more.
    private func readOn() {
        let turn = state.withLock { state -> (input: MapInput<Output>, done: Future<Void>)? in
            guard case .waiting(let input) = state.input, bufferSize - state.ahead >= input.chunkSize else {
                return nil
            }
            let done = Future<Void>()
            state.input = .reading(done)
            return (input, done)
        }
        guard let (input, done) = turn else { return }
        var isAtEnd = true
        do {
            isAtEnd = try submit(input)
        } catch {
            // It comes at its position, after the results of what was submitted before.
            let future = Future<ChunkOutcome<Output>>()
            future.fail(error)
            state.withLock { $0.append([MapChunk(future: future, count: 1)], 1) }
        }
        let wasEnded = state.withLock { state in
            guard case .reading = state.input else { return true }
            state.input = isAtEnd ? .ended : .waiting(input)
            return false
        }
        if wasEnded { end() }
        done.fulfil(())
    }

    // MARK: Results

    private enum Step {
        case outcome(Result<Output, any Error>)
        case wait(MapChunk<Output>)
        case waitForInput(Future<Void>)
        case readInput
        case end
    }

    private func step() -> Step {
        state.withLock { state in
            state.hasBegun = true
            if let outcome = state.current?.next() {
                state.ahead -= 1
                return .outcome(outcome)
            }
            state.current = nil
            if let chunk = state.chunks.first { return .wait(chunk) }
            switch state.input {
            case .ended: return .end
            case .reading(let done): return .waitForInput(done)
            // Another consumer took the last result, and has not come to reading on.
            case .waiting: return .readInput
            }
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
            state.ahead -= current.values.count
            return current.values
        }
    }

    @available(*, noasync)
    func next() throws -> Result<Output, any Error>? {
        while true {
            switch step() {
            case .outcome(let outcome):
                readOn()
                return outcome
            case .end: return nil
            case .readInput: readOn()
            case .waitForInput(let done):
                guard done.blockUntilDone(deadline) else { throw timedOut() }
            case .wait(let chunk):
                guard chunk.future.blockUntilDone(deadline) else { throw timedOut() }
                take(chunk)
            }
        }
    }

    nonisolated(nonsending) func next() async throws -> Result<Output, any Error>? {
        while true {
            switch step() {
            case .outcome(let outcome):
                readOn()
                return outcome
            case .end: return nil
            case .readInput: readOn()
            case .waitForInput(let done):
                try await wait(for: done)
            case .wait(let chunk):
                try await wait(for: chunk.future)
                take(chunk)
            }
        }
    }

    nonisolated(nonsending) private func wait(for future: AnyFuture) async throws {
        let isDone: Bool
        do {
            isDone = try await future.untilDone(deadline)
        } catch {
            end()
            throw error
        }
        guard isDone else { throw timedOut() }
    }

    /// The next values, as many as there are without waiting again.
    @available(*, noasync)
    func nextValues() throws -> ArraySlice<Output>? {
        if let rest = rest() {
            readOn()
            return rest
        }
        do {
            return try next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    nonisolated(nonsending) func nextValues() async throws -> ArraySlice<Output>? {
        if let rest = rest() {
            readOn()
            return rest
        }
        do {
            return try await next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    private func timedOut() -> TimeoutError {
        let (unfinished, total) = state.withLock { state in
            (state.chunks.count { !$0.future.isDone }, state.submittedChunks)
        }
        end()
        return TimeoutError(timeout: timeout ?? .zero, unfinished: unfinished, total: total)
    }
}
