internal import CProto

/// Gives one consumer a map's progress at its pace.
final class ProgressReader: Sendable {
    private struct State {
        var rate: RateEstimate
        /// When the last value was given.
        var last: Int64?
        var isOver = false
        /// What was seen goes up only: a chunk whose worker is lost may be behind where it was.
        var done = 0
    }

    private enum Step {
        case value(MapProgress)
        case wait(until: Deadline)
        case end
    }

    private let tally: MapTally
    private let interval: Int64
    private let total: Int?
    private let state: Mutex<State>

    init(_ tally: MapTally, interval: Duration, total: Int?) {
        self.tally = tally
        self.interval = max(interval.clampedNanoseconds, 1_000_000)
        self.total = total
        state = Mutex(State(rate: RateEstimate(since: tally.source.start)))
    }

    convenience init(_ other: ProgressReader) {
        self.init(other.tally, interval: .nanoseconds(other.interval), total: other.total)
    }

    @available(*, noasync)
    func next() -> MapProgress? {
        while true {
            let seen = tally.changes.count
            switch step() {
            case .value(let progress): return progress
            case .end: return nil
            case .wait(let deadline): tally.changes.sleep(since: seen, until: deadline)
            }
        }
    }

    nonisolated(nonsending) func next() async -> MapProgress? {
        while !Task.isCancelled {
            let seen = tally.changes.count
            switch step() {
            case .value(let progress): return progress
            case .end: return nil
            case .wait(let deadline): await tally.changes.sleep(since: seen, until: deadline)
            }
        }
        return nil
    }

    /// What the consumer is to do now.
    private func step() -> Step {
        let isLast = tally.isOver
        let now = futures_monotonic_nanoseconds()
        let (isDue, isOver, last) = state.withLock { state in
            if state.isOver { return (false, true, state.last) }
            if !isLast, let last = state.last, now - last < interval { return (false, false, state.last) }
            state.last = now
            state.isOver = isLast
            return (true, false, state.last)
        }
        if isDue { return .value(look(now)) }
        return isOver ? .end : .wait(until: Deadline(after: .nanoseconds(interval - (now - (last ?? now)))))
    }

    var current: MapProgress { look(futures_monotonic_nanoseconds()) }

    private func look(_ now: Int64) -> MapProgress {
        var progress = tally.progress()
        state.withLock { state in
            progress.done = max(progress.done, state.done)
            state.done = progress.done
            state.rate.observed(progress.done - progress.resumed, at: now)
            progress.rate = state.rate.perSecond
        }
        progress.submitted = max(progress.submitted, progress.done)
        progress.total = progress.total ?? total
        progress.elapsed = .nanoseconds(max(0, now - tally.source.start))
        progress.timeLeft = RateEstimate.timeLeft(for: progress.total, after: progress.done, at: progress.rate)
        return progress
    }
}
