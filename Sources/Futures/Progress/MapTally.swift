import Synchronization

/// What is known of a map before it begins, for its progress.
struct MapProgressSource: Sendable {
    /// When `map` was called, in nanoseconds of the monotonic clock.
    var start: Int64
    /// How many elements its input has, where that is known.
    var total: Int?
    /// Looks what the executor's workers are at; nil where there are none.
    var look: (@Sendable () -> [WorkerSight])?
}

/// Counts how far a map is, from the moment on in which somebody asks.
///
/// It knows nothing of the map: who watches does not keep that alive. Written by whoever completes futures, read by any thread.
final class MapTally: Sendable {
    let source: MapProgressSource
    /// Raised when it is over.
    let changes = Signal()

    private let submitted: Atomic<Int>
    private let done: Atomic<Int>
    private let failed: Atomic<Int>
    private let cancelled: Atomic<Int>
    private let retried = Atomic<Int>(0)
    private let resumed: Atomic<Int>
    private let hasAllInput = Atomic<Bool>(false)
    private let hasWholeInput = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)

    /// - Parameters:
    ///   - done: how many elements are, but for those of parts that are to be watched.
    ///   - failures: those of them that have no result; what was cancelled is not done.
    init(_ source: MapProgressSource, submitted: Int, done: Int, failures: PartFailures, resumed: Int) {
        self.source = source
        self.submitted = Atomic(submitted)
        self.done = Atomic(done - failures.cancelled)
        failed = Atomic(failures.failed)
        cancelled = Atomic(failures.cancelled)
        self.resumed = Atomic(resumed)
    }

    // MARK: What happens

    /// A part of the map was submitted, or was there when the counting began.
    ///
    /// - Parameter isNew: whether its elements are to be counted as submitted.
    func watch(_ part: MapPart, of resultType: MapResultType, isNew: Bool) {
        if isNew {
            submitted.add(part.count, ordering: .sequentiallyConsistent)
            if part.isResumed { resumed.add(part.count, ordering: .relaxed) }
        }
        if !part.future.addObserver(PartCounter(self, part, resultType)) { finished(part, resultType) }
    }

    fileprivate func finished(_ part: MapPart, _ resultType: MapResultType) {
        let failures = resultType.failures(of: part)
        failed.add(failures.failed, ordering: .relaxed)
        cancelled.add(failures.cancelled, ordering: .sequentiallyConsistent)
        done.add(part.count - failures.cancelled, ordering: .sequentiallyConsistent)
        tellIfOver()
    }

    fileprivate func retried(_ count: Int) { retried.add(count, ordering: .relaxed) }

    /// No more will be submitted.
    ///
    /// - Parameter isWhole: whether that is all that the input has.
    func inputEnded(isWhole: Bool) {
        if isWhole { hasWholeInput.store(true, ordering: .sequentiallyConsistent) }
        hasAllInput.store(true, ordering: .sequentiallyConsistent)
        tellIfOver()
    }

    /// Nobody wants the rest.
    func mapEnded() {
        hasEnded.store(true, ordering: .sequentiallyConsistent)
        changes.raise()
    }

    private func tellIfOver() {
        // Who comes last of the two, the last part and the end of the input, sees the other.
        if isOver { changes.raise() }
    }

    // MARK: How far it is

    /// Whether there is nothing more to come.
    var isOver: Bool {
        if hasEnded.load(ordering: .sequentiallyConsistent) { return true }
        guard hasAllInput.load(ordering: .sequentiallyConsistent) else { return false }
        return done.load(ordering: .sequentiallyConsistent) + cancelled.load(ordering: .sequentiallyConsistent)
            >= submitted.load(ordering: .sequentiallyConsistent)
    }

    /// All but what takes a clock.
    func progress() -> MapProgress {
        var progress = MapProgress()
        progress.total = source.total
        if hasWholeInput.load(ordering: .sequentiallyConsistent) {
            progress.total = submitted.load(ordering: .sequentiallyConsistent)
        }
        progress.failed = failed.load(ordering: .relaxed)
        progress.retried = retried.load(ordering: .relaxed)
        progress.resumed = resumed.load(ordering: .relaxed)
        progress.done = done.load(ordering: .sequentiallyConsistent)
        progress.submitted = submitted.load(ordering: .sequentiallyConsistent)
        // After the count of what is done: a chunk that ends in between is in neither, and not in both.
        for sight in source.look?() ?? [] {
            progress.workers.append(sight.activity)
            guard let elements = sight.activity.call?.elements, sight.future?.isCounted(by: self) == true else {
                continue
            }
            progress.done += elements.done
            progress.failed += elements.failed
        }
        // A part that ends just now is counted as failed before it is as done.
        progress.failed = min(progress.failed, progress.done)
        return progress
    }
}

/// Tells a tally what becomes of one part.
private final class PartCounter: CompletionObserver, @unchecked Sendable {
    private let tally: MapTally
    private let part: MapPart
    private let resultType: MapResultType

    init(_ tally: MapTally, _ part: MapPart, _ resultType: MapResultType) {
        self.tally = tally
        self.part = part
        self.resultType = resultType
    }

    override func futureCompleted(failed: Bool) { tally.finished(part, resultType) }
    override func callRetried(_ count: Int) { tally.retried(count) }
    override func counts(for tally: MapTally) -> Bool { self.tally === tally }
}

extension AnyFuture {
    /// Whether a map's tally counts this call.
    func isCounted(by tally: MapTally) -> Bool {
        observersNow.contains { $0.counts(for: tally) }
    }

    /// The call, or so many elements of it, will be run again.
    func tellRetried(_ count: Int) {
        for observer in observersNow { observer.callRetried(count) }
    }

    private var observersNow: [CompletionObserver] { links.withLock { $0.observers.all } }
}
