import Wire

/// Which elements of a chunk are finished, with what, and which are still to be run.
///
/// A worker tells about elements in the order in which it was asked for them, so that what it tells is always about the next of
/// `remaining`.
struct ChunkLedger<Output: Sendable>: Sendable {
    /// The outcomes of elements that follow each other.
    private struct Segment {
        var first: Int
        var count: Int
        var values: [Output]
        var failures: [(index: Int, error: any Error)]
    }

    private let count: Int
    private var segments: [Segment] = []
    /// Ascending, none empty, no two touching.
    private(set) var remaining: [Range<Int>]
    /// Elements that threw what was worth another try: they are to be run again in the next attempt.
    private var deferred: [Int] = []
    /// How often elements have done so.
    private var errorCounts: [Int: Int] = [:]

    /// How long the answers were.
    var resultBytes = 0
    /// How long workers took for all attempts, in nanoseconds; nil if one of them ended without telling.
    private(set) var runTime: Int64? = 0
    private var isAttemptOpen = false

    init(count: Int) {
        self.count = count
        remaining = count > 0 ? [0..<count] : []
    }

    /// Nothing is finished, and everything is to be run.
    private(set) var isUntouched = true

    /// How many elements are still to be run in this attempt.
    var remainingCount: Int { remaining.reduce(0) { $0 + $1.count } }
    /// How many are not finished, the deferred ones too.
    var unfinishedCount: Int { remainingCount + deferred.count }

    /// How many elements wait for the next attempt.
    var deferredCount: Int { deferred.count }
    /// How many are finished with an error.
    var failureCount: Int { segments.reduce(0) { $0 + $1.failures.count } }

    /// How many elements are finished, when the worker has come to this one of those that are to be run.
    func finishedCount(at element: Int?) -> Int {
        let finished = count - unfinishedCount
        guard let element, remaining.contains(where: { $0.contains(element) }) else { return finished }
        return finished + remaining.reduce(0) { $0 + max(0, min($1.upperBound, element) - $1.lowerBound) }
    }

    func isUnfinished(_ element: Int) -> Bool {
        remaining.contains { $0.contains(element) } || deferred.contains(element)
    }

    /// The chunk is sent to a worker: what was deferred has its turn.
    mutating func beginAttempt() {
        // One that told of nothing does not count: the chunk may have been taken back unbegun.
        if isAttemptOpen, !isUntouched { runTime = nil }
        isAttemptOpen = true
        takeUpDeferred()
    }

    /// The worker has answered.
    mutating func endAttempt(after time: Int64) {
        guard isAttemptOpen else { return }
        isAttemptOpen = false
        runTime = runTime.map { $0.addingReportingOverflow(max(0, time)).partialValue }
    }

    private mutating func takeUpDeferred() {
        guard !deferred.isEmpty else { return }
        let indices = (Array(remaining.joined()) + deferred).sorted()
        deferred = []
        remaining = []
        for index in indices {
            if let last = remaining.last, last.upperBound == index {
                remaining[remaining.count - 1] = last.lowerBound..<index + 1
            } else {
                remaining.append(index..<index + 1)
            }
        }
    }

    /// The next elements are finished.
    ///
    /// - Parameters:
    ///   - values: of those that succeeded, in order.
    ///   - failures: those that failed, by ascending index. Others than the next ones are taken for the next in turn.
    ///   - undecoded: those whose values are there and could not be decoded, by their places among all the values.
    ///   - wanted: those of `failures` that are to be run again...
    ///   - limit: ...if they have not been so often.
    mutating func finish(
        _ values: [Output], _ failures: [(index: Int, error: any Error)], undecoded: [ColumnFailure] = [],
        again wanted: Set<Int> = [], limit: Int = 0
    ) {
        isUntouched = false
        let valueCount = values.count + undecoded.count
        let covered = valueCount + failures.count
        // Mostly all of it, in one piece.
        if let first = remaining.first, covered <= first.count, wanted.isEmpty, undecoded.isEmpty,
            isPlausible(failures, within: first.prefix(covered))
        {
            segments.append(Segment(first: first.lowerBound, count: covered, values: values, failures: failures))
            dropFirst(covered)
            return
        }
        var (values, failures, undecoded) = (values[...], failures[...], undecoded[...])
        var place = 0
        for index in nextIndices(covered) {
            if let failure = failures.first, failure.index <= index || place == valueCount {
                failures.removeFirst()
                if wanted.contains(index), errorCounts[index, default: 0] < limit {
                    errorCounts[index, default: 0] += 1
                    deferred.append(index)
                } else {
                    segments.append(Segment(first: index, count: 1, values: [], failures: [(index, failure.error)]))
                }
                continue
            }
            if let failure = undecoded.first, failure.index == place {
                undecoded.removeFirst()
                segments.append(Segment(first: index, count: 1, values: [], failures: [(index, failure.error)]))
            } else if let value = values.popFirst() {
                segments.append(Segment(first: index, count: 1, values: [value], failures: []))
            }
            place += 1
        }
        dropFirst(covered)
    }

    /// How often an element was deferred.
    func errorCount(of element: Int) -> Int { errorCounts[element] ?? 0 }

    /// How often the most unlucky of the deferred elements has failed; nil if there is none.
    var failuresOfDeferred: Int? { deferred.compactMap { errorCounts[$0] }.max() }

    private func isPlausible(_ failures: [(index: Int, error: any Error)], within range: Range<Int>) -> Bool {
        failures.allSatisfy { range.contains($0.index) }
    }

    /// Everything that is not finished has failed with the same error.
    mutating func failTheRest(_ error: any Error) {
        takeUpDeferred()
        fail(next: remainingCount, error)
    }

    /// The next elements have failed with the same error.
    mutating func fail(next count: Int, _ error: any Error) {
        isUntouched = false
        let indices = nextIndices(min(count, remainingCount))
        segments.append(
            contentsOf: indices.map { Segment(first: $0, count: 1, values: [], failures: [($0, error)]) })
        dropFirst(indices.count)
    }

    /// An element has failed, out of turn.
    mutating func fail(element: Int, _ error: any Error) {
        takeUpDeferred()
        guard let position = remaining.firstIndex(where: { $0.contains(element) }) else { return }
        isUntouched = false
        let range = remaining[position]
        let rest = [range.lowerBound..<element, element + 1..<range.upperBound].filter { !$0.isEmpty }
        remaining.replaceSubrange(position...position, with: rest)
        segments.append(Segment(first: element, count: 1, values: [], failures: [(element, error)]))
    }

    /// All outcomes in order; nothing is left here.
    mutating func takeOutcome() -> ChunkOutcome<Output> {
        defer { segments = [] }
        let measurement = PartMeasurement(runTime: isAttemptOpen ? nil : runTime, resultBytes: resultBytes)
        if segments.count == 1 {
            return ChunkOutcome(
                values: segments[0].values, failures: segments[0].failures, measurement: measurement)
        }
        var values: [Output] = []
        values.reserveCapacity(count)
        var failures: [(index: Int, error: any Error)] = []
        for segment in segments.sorted(by: { $0.first < $1.first }) {
            values += segment.values
            failures += segment.failures
        }
        return ChunkOutcome(values: values, failures: failures, measurement: measurement)
    }

    private func nextIndices(_ count: Int) -> [Int] { Array(remaining.lazy.joined().prefix(count)) }

    private mutating func dropFirst(_ count: Int) {
        var left = count
        while left > 0, let first = remaining.first {
            if first.count > left {
                remaining[0] = first.dropFirst(left)
                return
            }
            left -= first.count
            remaining.removeFirst()
        }
    }
}
