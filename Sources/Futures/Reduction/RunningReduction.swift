/// A reduction that was begun: its chunks are on their way. One consumer runs it to its end.
@usableFromInline
class RunningReduction<Output: Sendable> {
    /// Blocks the thread.
    @available(*, noasync)
    @usableFromInline
    func run() throws -> Output? { fatalError("overridden") }

    /// Suspends the task.
    @usableFromInline
    nonisolated(nonsending) func run() async throws -> Output? { fatalError("overridden") }
}

/// With the type of the partial results.
final class RunningReductionOf<Output: Sendable, Partial: ReductionPartial>: RunningReduction<Output> {
    private let cursor: MapCursor
    private let executor: any Executor
    private let combine: @Sendable ([Partial]) throws -> Future<Partial>
    private let value: (Partial) throws -> Output
    private var merger = PartialMerger<Partial>()

    init(
        _ cursor: MapCursor, on executor: any Executor,
        combine: @escaping @Sendable ([Partial]) throws -> Future<Partial>,
        value: @escaping (Partial) throws -> Output
    ) {
        self.cursor = cursor
        self.executor = executor
        self.combine = combine
        self.value = value
    }

    @available(*, noasync)
    override func run() throws -> Output? {
        do {
            var isFinishing = false
            while true {
                switch merger.next(isFinishing: isFinishing) {
                case .combine(let group):
                    merger.began(try executor.whenRoom(cursor.deadline) { try combine(group) })
                case .wait(let future):
                    guard future.blockUntilDone(cursor.deadline) else { throw cursor.timedOut() }
                    merger.combined(try future.outcome())
                case .done(let partial):
                    if isFinishing { return try partial.map(value) }
                    var taken: Result<Partial, any Error>?
                    let step = try cursor.take { Self.take($0, &taken) }
                    isFinishing = try !add(taken, step)
                }
            }
        } catch {
            throw ended(by: error)
        }
    }

    override nonisolated(nonsending) func run() async throws -> Output? {
        do {
            var isFinishing = false
            while true {
                switch merger.next(isFinishing: isFinishing) {
                case .combine(let group):
                    merger.began(try await executor.whenRoom(cursor.deadline) { [combine] in try combine(group) })
                case .wait(let future):
                    guard try await future.untilDone(cursor.deadline) else { throw cursor.timedOut() }
                    merger.combined(try future.outcome())
                case .done(let partial):
                    if isFinishing { return try partial.map(value) }
                    var taken: Result<Partial, any Error>?
                    let step = try await cursor.take { Self.take($0, &taken) }
                    isFinishing = try !add(taken, step)
                }
            }
        } catch {
            throw ended(by: error)
        }
    }

    private static func take(_ reader: MapPartReader, _ taken: inout Result<Partial, any Error>?) -> Int {
        unsafeDowncast(reader, to: ReductionPartReader<Partial>.self).take(&taken)
    }

    /// - Returns: whether there may be more.
    private func add(_ taken: Result<Partial, any Error>?, _ step: MapCursor.Taken) throws -> Bool {
        if case .failure(let error) = step { throw error }
        guard let taken else { return false }
        merger.add(try taken.get())
        return true
    }

    /// Nobody wants the rest.
    private func ended(by error: any Error) -> any Error {
        AnyFuture.cancelAll(merger.futures)
        // Without room for a combination until the time was up.
        if error is BacklogFullError, cursor.deadline.hasPassed { return cursor.timedOut() }
        cursor.end()
        return error
    }
}
