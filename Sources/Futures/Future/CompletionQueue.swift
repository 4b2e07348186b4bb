import DequeModule
import Synchronization

/// Several futures in the order in which they become done, each handed out once.
///
/// It observes the futures until they are done or it is dropped. What was handed out is no longer referred to.
final class CompletionQueue<F: AnyFuture>: Sendable {
    private let arrivals: CompletionArrivals
    private let pending: Mutex<[Int: (future: F, observer: CompletionObserver?)]>
    private let timeout: Duration?
    private let deadline: Deadline
    private let total: Int

    /// The clock of `timeout` starts here.
    init(_ futures: some Sequence<F>, timeout: Duration?) {
        self.timeout = timeout
        deadline = Deadline(after: timeout)
        arrivals = CompletionArrivals()
        var known: Set<F> = []
        var entries: [Int: (future: F, observer: CompletionObserver?)] = [:]
        var unfinished: [Int] = []
        for future in futures where known.insert(future).inserted {
            let index = entries.count
            entries[index] = (future, nil)
            if future.isDone {
                arrivals.append(index)
            } else {
                unfinished.append(index)
            }
        }
        for index in unfinished {
            let observer = ArrivalObserver(arrivals, index)
            if entries[index]!.future.addObserver(observer) {
                entries[index]!.observer = observer
            } else {
                arrivals.append(index)
            }
        }
        total = entries.count
        pending = Mutex(entries)
    }

    deinit {
        pending.withLock { $0 }.values.forEach { entry in
            if let observer = entry.observer { entry.future.removeObserver(observer) }
        }
    }

    private enum Next {
        case future(F)
        case end
        case notYet
    }

    private func take() -> Next {
        pending.withLock { pending in
            if pending.isEmpty { return .end }
            guard let index = arrivals.popFirst(), let entry = pending.removeValue(forKey: index) else {
                return .notYet
            }
            return .future(entry.future)
        }
    }

    private func timeoutError() -> TimeoutError {
        TimeoutError(timeout: timeout ?? .zero, unfinished: pending.withLock { $0.count }, total: total)
    }

    /// Blocks the thread until a future that was not handed out is done; nil when there is none left.
    func blockForNext() throws(TimeoutError) -> F? {
        while true {
            let seen = arrivals.signal.count
            switch take() {
            case .future(let future): return future
            case .end: return nil
            case .notYet:
                if deadline.hasPassed { throw timeoutError() }
                arrivals.signal.sleep(since: seen, until: deadline)
            }
        }
    }

    /// Suspends the task until a future that was not handed out is done; nil when there is none left.
    nonisolated(nonsending) func next() async throws -> F? {
        while true {
            let seen = arrivals.signal.count
            switch take() {
            case .future(let future): return future
            case .end: return nil
            case .notYet:
                try Task.checkCancellation()
                if deadline.hasPassed { throw timeoutError() }
                await arrivals.signal.sleep(since: seen, until: deadline)
            }
        }
    }
}

/// The numbers of futures that are done, in that order. What the observers hold, so that they keep nothing else alive.
private final class CompletionArrivals: Sendable {
    let signal = Signal()
    private let indices = Mutex<Deque<Int>>([])

    func append(_ index: Int) {
        indices.withLock { $0.append(index) }
        signal.raise()
    }

    func popFirst() -> Int? { indices.withLock { $0.popFirst() } }
}

private final class ArrivalObserver: CompletionObserver, @unchecked Sendable {
    private let arrivals: CompletionArrivals
    private let index: Int

    init(_ arrivals: CompletionArrivals, _ index: Int) {
        self.arrivals = arrivals
        self.index = index
    }

    override func futureCompleted(failed: Bool) { arrivals.append(index) }
}
