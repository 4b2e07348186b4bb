/// What a map submitted in one go: a call for one element, or for the elements of a chunk.
enum MapPart<Output: Sendable>: Sendable {
    case element(Future<Output>)
    case chunk(Future<ChunkOutcome<Output>>, count: Int)

    var future: AnyFuture {
        switch self {
        case .element(let future): future
        case .chunk(let future, _): future
        }
    }

    /// How many elements it has.
    var count: Int {
        switch self {
        case .element: 1
        case .chunk(_, let count): count
        }
    }

    /// How long a worker took for it, in nanoseconds; nil where that was not measured, or it is not done.
    var runTime: Int64? {
        guard case .chunk(let future, _) = self, case .finished(.success(let outcome)) = future.snapshot else {
            return nil
        }
        return outcome.runTime
    }

    /// The outcomes of a part that is done.
    func takeOutcomes() -> MapOutcomeReader<Output> {
        do {
            switch self {
            case .element(let future):
                return MapOutcomeReader(ChunkOutcome(values: [try future.outcome()], failures: []))
            case .chunk(let future, _):
                return MapOutcomeReader(try future.outcome())
            }
        } catch {
            // What became of the part became of each of its elements.
            return MapOutcomeReader(
                ChunkOutcome(values: [], failures: (0..<count).map { (index: $0, error: error) }))
        }
    }
}

/// Hands out the outcomes of one part, in order, and keeps no reference to what it has handed out.
struct MapOutcomeReader<Output: Sendable>: Sendable {
    /// In order until the first is taken, then the last one first: taking from the end is what lets go of it.
    private var values: [Output]
    private var isReversed = false
    private var failures: [(index: Int, error: any Error)]
    private var index = 0

    init(_ outcome: ChunkOutcome<Output>) {
        values = outcome.values
        failures = outcome.failures.reversed()
    }

    mutating func next() -> Result<Output, any Error>? {
        defer { index += 1 }
        if let failure = failures.last, failure.index == index {
            failures.removeLast()
            return .failure(failure.error)
        }
        if !isReversed {
            values.reverse()
            isReversed = true
        }
        return values.popLast().map { .success($0) }
    }

    /// All values, if none was taken yet and nothing failed; nil otherwise.
    mutating func takeAll() -> [Output]? {
        guard failures.isEmpty, !values.isEmpty else { return nil }
        defer { values = [] }
        return isReversed ? values.reversed() : values
    }
}
