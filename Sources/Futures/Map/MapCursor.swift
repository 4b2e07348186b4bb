/// A consumer's hold on the results of a map. When the last one lets go, the map ends.
final class MapCursor<Output: Sendable>: Sendable {
    private let buffer: MapBuffer
    private let deadline: Deadline
    private let timeout: Duration?

    /// The clock of `timeout` is `deadline`'s: it began with the map.
    init(_ buffer: MapBuffer, timeout: Duration?, deadline: Deadline) {
        self.buffer = buffer
        self.timeout = timeout
        self.deadline = deadline
    }

    deinit { buffer.abandoned() }

    /// Cancels what has not begun; there are no more results.
    func end() { buffer.end() }

    /// What a consumer gets in one go.
    private enum Handout {
        case outcome(Result<Output, any Error>)
        /// The values of a part, or the rest of them.
        case values([Output])

        /// One outcome; there are more only where whole parts were asked for.
        var outcome: Result<Output, any Error> {
            switch self {
            case .outcome(let outcome): outcome
            case .values: preconditionFailure("a whole part was handed out to who asked for one outcome")
            }
        }

        var values: [Output] {
            get throws {
                switch self {
                case .outcome(let outcome): [try outcome.get()]
                case .values(let values): values
                }
            }
        }
    }

    /// - Parameter wholeParts: whether the values of a part are taken in one go, where nothing in it failed.
    /// - Returns: how many elements were taken.
    private static func take(from reader: MapPartReader, _ wholeParts: Bool, _ handout: inout Handout?) -> Int {
        let reader = unsafeDowncast(reader, to: MapPartReaderOf<Output>.self)
        if wholeParts, let values = reader.takeAll() {
            handout = .values(values)
            return values.count
        }
        guard let outcome = reader.next() else { return 0 }
        handout = .outcome(outcome)
        return 1
    }

    /// How many results may be taken now or later, as far as is known.
    var expectedCount: Int { buffer.ahead }

    @available(*, noasync)
    private func take(wholeParts: Bool) throws -> Handout? {
        while true {
            let seen = buffer.changes.count
            var handout: Handout?
            switch buffer.step({ Self.take(from: $0, wholeParts, &handout) }) {
            case .taken(let hasMoreInput):
                if hasMoreInput { buffer.readOn() }
                return handout
            case .failed(let error): return .outcome(.failure(error))
            case .end: return nil
            case .wait(let future):
                guard future.blockUntilDone(deadline) else { throw timedOut() }
            case .waitForChange:
                if deadline.hasPassed { throw timedOut() }
                buffer.changes.sleep(since: seen, until: deadline)
            case .readInput:
                guard case .heldUp(let room) = buffer.readOn() else { continue }
                if deadline.hasPassed { throw timedOut() }
                room.wait(until: deadline)
            }
        }
    }

    nonisolated(nonsending) private func take(wholeParts: Bool) async throws -> Handout? {
        while true {
            let seen = buffer.changes.count
            var handout: Handout?
            switch buffer.step({ Self.take(from: $0, wholeParts, &handout) }) {
            case .taken(let hasMoreInput):
                if hasMoreInput { buffer.readOn() }
                return handout
            case .failed(let error): return .outcome(.failure(error))
            case .end: return nil
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
                guard case .heldUp(let room) = buffer.readOn() else { continue }
                try checkWaiting()
                await room.wait(until: deadline)
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

    /// The next outcome; nil after the last.
    @available(*, noasync)
    func next() throws -> Result<Output, any Error>? { try take(wholeParts: false)?.outcome }

    /// The next outcome; nil after the last.
    nonisolated(nonsending) func next() async throws -> Result<Output, any Error>? {
        try await take(wholeParts: false)?.outcome
    }

    /// The next values, as many as there are without waiting again; nil after the last.
    @available(*, noasync)
    func nextValues() throws -> [Output]? {
        do {
            return try take(wholeParts: true)?.values
        } catch {
            end()
            throw error
        }
    }

    /// The next values, as many as there are without waiting again; nil after the last.
    nonisolated(nonsending) func nextValues() async throws -> [Output]? {
        do {
            return try await take(wholeParts: true)?.values
        } catch {
            end()
            throw error
        }
    }

    private func timedOut() -> TimeoutError {
        let (unfinished, total) = buffer.progress
        end()
        return TimeoutError(timeout: timeout ?? .zero, unfinished: unfinished, total: total)
    }
}
