/// What a map submitted in one go: a call for one element, or for the elements of a chunk.
///
/// Without the type of the results, as the whole of a map's bookkeeping: what is compiled for all types has to look up which one
/// it works with, again and again. Who knows the type, ``MapCursor``, reads them (``MapPartReaderOf``).
struct MapPart: Sendable {
    /// A ``Future`` of a result, of the ``ChunkOutcome`` of results, or of a ``ReductionPartial``.
    let future: AnyFuture
    let isChunk: Bool
    /// How many elements it has.
    let count: Int
    /// How many elements are before it in the input; set when it was submitted.
    var first = 0
    /// Whether its results come out of a journal.
    var isResumed = false
    /// How long their encoded arguments are; 0 where they are not encoded together.
    let argumentBytes: Int

    init<Output>(element future: Future<Output>) {
        self.future = future
        isChunk = false
        count = 1
        argumentBytes = 0
    }

    init<Output>(chunk future: Future<ChunkOutcome<Output>>, count: Int, argumentBytes: Int) {
        self.init(future, count: count, argumentBytes: argumentBytes)
    }

    init<Partial: ReductionPartial>(partial future: Future<Partial>, count: Int, argumentBytes: Int) {
        self.init(future, count: count, argumentBytes: argumentBytes)
    }

    private init(_ future: AnyFuture, count: Int, argumentBytes: Int) {
        self.future = future
        isChunk = true
        self.count = count
        self.argumentBytes = argumentBytes
    }
}

/// What is asked about parts that are done, where only the type of their results says how.
///
/// `@unchecked Sendable`: it has nothing that could change.
class MapResultType: @unchecked Sendable {
    /// Nil for a part that failed, or is no chunk.
    func measurement(of part: MapPart) -> PartMeasurement? { fatalError("overridden") }

    func reader(of part: MapPart) -> MapPartReader { fatalError("overridden") }

    /// How many elements of a part that is done have no result.
    final func failures(of part: MapPart) -> PartFailures {
        part.future.isCancelled ? PartFailures(cancelled: part.count) : failuresOfUncancelled(part)
    }

    /// Of a part that was not cancelled as a whole.
    func failuresOfUncancelled(_ part: MapPart) -> PartFailures { fatalError("overridden") }
}

/// The elements of a part that have no result.
struct PartFailures {
    var failed = 0
    var cancelled = 0

    mutating func add(_ other: PartFailures) {
        failed += other.failed
        cancelled += other.cancelled
    }
}

final class MapResultTypeOf<Output: Sendable>: MapResultType, @unchecked Sendable {
    override func measurement(of part: MapPart) -> PartMeasurement? {
        guard part.isChunk else { return nil }
        return try? unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome().measurement
    }

    override func reader(of part: MapPart) -> MapPartReader { MapPartReaderOf<Output>(part) }

    override func failuresOfUncancelled(_ part: MapPart) -> PartFailures {
        guard part.isChunk else { return PartFailures(failed: part.future.phase == .returned ? 0 : 1) }
        let outcome = try? unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome()
        guard let failures = outcome?.failures else { return PartFailures(failed: part.count) }
        let cancelled = failures.count { $0.error is CancelledError }
        return PartFailures(failed: failures.count - cancelled, cancelled: cancelled)
    }
}

/// Hands out the outcomes of one part that is done.
///
/// `@unchecked Sendable`: guarded by the map's lock.
@usableFromInline
class MapPartReader: @unchecked Sendable {
    /// How many were not handed out.
    @usableFromInline final var left: Int
    /// How many elements of the part have no result.
    final let failureCount: Int

    init(left: Int, failureCount: Int) {
        self.left = left
        self.failureCount = failureCount
    }

    /// - Returns: how many elements were left.
    @inlinable
    final func takeAll() -> Int {
        defer { left = 0 }
        return left
    }

    /// - Parameter Output: the type of the map's results.
    @inlinable
    final func of<Output: Sendable>(_: Output.Type) -> MapPartReaderOf<Output> {
        unsafeDowncast(self, to: MapPartReaderOf<Output>.self)
    }
}

/// Hands them out in order, and keeps no reference to what it has handed out. All of it only while something is left.
///
/// Handing out is compiled where the user's types are known (docs/decisions/specialised-loops.md).
@usableFromInline
final class MapPartReaderOf<Output: Sendable>: MapPartReader, @unchecked Sendable {
    /// One value, so that handing out is one access to the object.
    @usableFromInline
    struct Rest {
        /// In order until the first is taken, then the last one first: taking from the end is what lets go of it.
        @usableFromInline var values: [Output]
        @usableFromInline var isReversed = false
        /// The last one first.
        @usableFromInline var failures: [(index: Int, error: any Error)]

        init(values: [Output], failures: [(index: Int, error: any Error)]) {
            self.values = values
            self.failures = failures
        }

        /// - Parameter index: within the part.
        @inlinable
        mutating func next(_ index: Int) -> Result<Output, any Error> {
            if let failure = failures.last, failure.index == index {
                failures.removeLast()
                return .failure(failure.error)
            }
            if !isReversed {
                values.reverse()
                isReversed = true
            }
            return .success(values.removeLast())
        }

        /// All values, if none was taken yet and nothing failed.
        @inlinable
        mutating func all() -> [Output]? {
            guard failures.isEmpty, !isReversed else { return nil }
            defer { values = [] }
            return values
        }
    }

    @usableFromInline var rest: Rest
    @usableFromInline let count: Int
    @usableFromInline let first: Int

    init(_ part: MapPart) {
        first = part.first
        do {
            if part.isChunk {
                let outcome = try unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome()
                rest = Rest(
                    values: outcome.values, failures: outcome.failures.isEmpty ? [] : outcome.failures.reversed())
            } else {
                rest = Rest(
                    values: [try unsafeDowncast(part.future, to: Future<Output>.self).outcome()], failures: [])
            }
        } catch {
            // What became of the part became of each of its elements.
            rest = Rest(values: [], failures: (0..<part.count).reversed().map { (index: $0, error: error) })
        }
        count = rest.values.count + rest.failures.count
        super.init(left: count, failureCount: rest.failures.count)
    }

    @inlinable
    func next() -> Result<Output, any Error> {
        let index = count - left
        left -= 1
        return rest.next(index)
    }

    /// Takes the next outcome.
    ///
    /// - Returns: how many were taken.
    @inlinable
    func take(_ outcome: inout Result<Output, any Error>?) -> Int {
        outcome = next()
        return 1
    }

    /// Takes the next outcome, with the number of elements that are before its own in the input.
    ///
    /// - Returns: how many were taken.
    @inlinable
    func take(_ outcome: inout IndexedOutcome<Output>?) -> Int {
        let index = first + count - left
        outcome = IndexedOutcome(index: index, outcome: next())
        return 1
    }

    /// Takes all values, if none was taken yet and nothing failed, else the next outcome.
    ///
    /// - Returns: how many were taken.
    @inlinable
    func take(_ taken: inout Result<[Output]?, any Error>) -> Int {
        if let values = rest.all() {
            taken = .success(values)
            return takeAll()
        }
        taken = next().map { [$0] }
        return 1
    }
}
