/// A consumer's hold on the results of a map. When the last one lets go, the map ends.
final class MapCursor<Output: Sendable>: Sendable {
    private let buffer: MapBuffer<Output>
    private let deadline: Deadline
    private let timeout: Duration?

    /// The clock of `timeout` is `deadline`'s: it began with the map.
    init(_ buffer: MapBuffer<Output>, timeout: Duration?, deadline: Deadline) {
        self.buffer = buffer
        self.timeout = timeout
        self.deadline = deadline
    }

    deinit { buffer.abandoned() }

    /// Cancels what has not begun; there are no more results.
    func end() { buffer.end() }

    @available(*, noasync)
    func next() throws -> Result<Output, any Error>? {
        while true {
            let seen = buffer.changes.count
            switch buffer.step() {
            case .outcome(let outcome):
                buffer.readOn()
                return outcome
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

    nonisolated(nonsending) func next() async throws -> Result<Output, any Error>? {
        while true {
            let seen = buffer.changes.count
            switch buffer.step() {
            case .outcome(let outcome):
                buffer.readOn()
                return outcome
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

    /// The next values, as many as there are without waiting again.
    @available(*, noasync)
    func nextValues() throws -> [Output]? {
        if let rest = takeRest() { return rest }
        do {
            return try next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    nonisolated(nonsending) func nextValues() async throws -> [Output]? {
        if let rest = takeRest() { return rest }
        do {
            return try await next().map { [try $0.get()] }
        } catch {
            end()
            throw error
        }
    }

    private func takeRest() -> [Output]? {
        guard let rest = buffer.takeRest() else { return nil }
        buffer.readOn()
        return rest
    }

    private func timedOut() -> TimeoutError {
        let (unfinished, total) = buffer.progress
        end()
        return TimeoutError(timeout: timeout ?? .zero, unfinished: unfinished, total: total)
    }
}
