/// A consumer's hold on the results of a map. When the last one lets go, the map ends.
@usableFromInline
final class MapCursor: Sendable {
    private let buffer: MapBuffer
    let deadline: Deadline
    private let timeout: Duration?

    /// The clock of `timeout` is `deadline`'s: it began with the map.
    init(_ buffer: MapBuffer, timeout: Duration?, deadline: Deadline) {
        self.buffer = buffer
        self.timeout = timeout
        self.deadline = deadline
    }

    deinit { buffer.abandoned() }

    /// Cancels what has not begun; there are no more results.
    @usableFromInline
    func end() { buffer.end() }

    @usableFromInline
    enum Taken {
        case something
        /// The input's own error, where the results end.
        case failure(any Error)
        /// There are no more.
        case nothing
    }

    /// Whether there is something to take.
    var isReady: Bool { buffer.isReady }

    /// Counts how far the map is, from now on.
    var tally: MapTally { buffer.tally() }

    /// How many results may be taken now or later, as far as is known.
    @usableFromInline
    var expectedCount: Int { buffer.ahead }

    /// Waits until there is something that was not taken yet, and takes of it. Blocks the thread.
    ///
    /// - Parameter take: as for ``MapBuffer/step(_:)``.
    /// - Throws: ``TimeoutError``, when the map's time is up.
    @available(*, noasync)
    @usableFromInline
    func take(_ take: (MapPartReader) -> Int) throws -> Taken {
        while true {
            let seen = buffer.changes.count
            switch buffer.step(take) {
            case .taken(let mayReadOn):
                if mayReadOn { buffer.readOn() }
                return .something
            case .failed(let error): return .failure(error)
            case .end: return .nothing
            case .wait(let future):
                guard future.blockUntilDone(deadline) else { throw timedOut() }
            case .waitForChange:
                if deadline.hasPassed { throw timedOut() }
                buffer.changes.sleep(since: seen, until: deadline)
            case .readInput:
                guard case .heldUp(let room) = buffer.readOn() else { continue }
                if deadline.hasPassed { throw timedOut() }
                buffer.waitForRoom(room, until: deadline)
            }
        }
    }

    /// The same; suspends the task.
    ///
    /// - Throws: `CancellationError`, too, if the task is cancelled. The map is ended then.
    @usableFromInline
    nonisolated(nonsending) func take(_ take: (MapPartReader) -> Int) async throws -> Taken {
        while true {
            let seen = buffer.changes.count
            switch buffer.step(take) {
            case .taken(let mayReadOn):
                if mayReadOn {
                    if Task.isCancelled { buffer.cut() } else { buffer.readOn() }
                }
                return .something
            case .failed(let error): return .failure(error)
            case .end:
                // It would have gone on.
                if Task.isCancelled, buffer.isCut { throw CancellationError() }
                return .nothing
            case .wait(let future):
                let isDone: Bool
                do {
                    isDone = try await future.untilDone(deadline)
                } catch {
                    end()
                    throw error
                }
                guard isDone else { throw timedOut() }
            case .waitForChange:
                try checkWaiting()
                await buffer.changes.sleep(since: seen, until: deadline)
            case .readInput:
                try checkWaiting()
                guard case .heldUp(let room) = buffer.readOn() else { continue }
                try checkWaiting()
                await buffer.waitForRoom(room, until: deadline)
            }
        }
    }

    private func checkWaiting() throws {
        if Task.isCancelled {
            end()
            throw CancellationError()
        }
        if deadline.hasPassed { throw timedOut() }
    }

    /// Ends the map.
    func timedOut() -> TimeoutError {
        let (unfinished, total) = buffer.progress
        end()
        return TimeoutError(timeout: timeout ?? .zero, unfinished: unfinished, total: total)
    }
}

// With the type of the results: compiled where the user's types are known (docs/decisions/specialised-loops.md).
extension MapCursor {
    /// The next outcome; nil after the last.
    @available(*, noasync)
    @inlinable
    func next<Output: Sendable>(_: Output.Type) throws -> Result<Output, any Error>? {
        var outcome: Result<Output, any Error>?
        if case .failure(let error) = try take({ $0.of(Output.self).take(&outcome) }) { return .failure(error) }
        return outcome
    }

    /// The next outcome; nil after the last.
    @inlinable
    nonisolated(nonsending) func next<Output: Sendable>(_: Output.Type) async throws -> Result<Output, any Error>? {
        var outcome: Result<Output, any Error>?
        if case .failure(let error) = try await take({ $0.of(Output.self).take(&outcome) }) { return .failure(error) }
        return outcome
    }

    /// The next outcome with its place; nil after the last. The input's own error comes with the place behind all others.
    @available(*, noasync)
    @inlinable
    func nextIndexed<Output: Sendable>(_: Output.Type) throws -> IndexedOutcome<Output>? {
        var outcome: IndexedOutcome<Output>?
        if case .failure(let error) = try take({ $0.of(Output.self).take(&outcome) }) { return inputFailed(error) }
        return outcome
    }

    /// The same; suspends the task.
    @inlinable
    nonisolated(nonsending) func nextIndexed<Output: Sendable>(
        _: Output.Type
    ) async throws -> IndexedOutcome<Output>? {
        var outcome: IndexedOutcome<Output>?
        if case .failure(let error) = try await take({ $0.of(Output.self).take(&outcome) }) {
            return inputFailed(error)
        }
        return outcome
    }

    @usableFromInline
    func inputFailed<Output>(_ error: any Error) -> IndexedOutcome<Output> {
        IndexedOutcome(index: buffer.submittedElements, outcome: .failure(error))
    }

    /// The next values, as many as there are without waiting again; nil after the last.
    @available(*, noasync)
    @inlinable
    func nextValues<Output: Sendable>(_: Output.Type) throws -> [Output]? {
        do {
            var values = Result<[Output]?, any Error>.success(nil)
            if case .failure(let error) = try take({ $0.of(Output.self).take(&values) }) { throw error }
            return try values.get()
        } catch {
            end()
            throw error
        }
    }

    /// The next values, as many as there are without waiting again; nil after the last.
    @inlinable
    nonisolated(nonsending) func nextValues<Output: Sendable>(_: Output.Type) async throws -> [Output]? {
        do {
            var values = Result<[Output]?, any Error>.success(nil)
            if case .failure(let error) = try await take({ $0.of(Output.self).take(&values) }) { throw error }
            return try values.get()
        } catch {
            end()
            throw error
        }
    }
}
