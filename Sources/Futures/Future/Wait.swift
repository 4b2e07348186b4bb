import Synchronization

/// When ``wait(_:timeout:returnWhen:)`` is over.
public enum ReturnWhen: Sendable, Hashable {
    /// When any future is done.
    case firstCompleted
    /// When any future has ended with an error, or all are done. A cancellation is not an error here.
    case firstException
    /// When all futures are done.
    case allCompleted
}

/// Blocks the thread until futures are done.
///
/// The futures may be of several executors and, as `[AnyFuture]`, of several types. One that is there twice counts once.
///
/// - Parameters:
///   - timeout: how long to wait; nil waits for ever, zero or less does not wait. Its end is no error.
///   - returnWhen: what to wait for.
/// - Returns: which futures are done (finished or cancelled), and which are not.
/// - Complexity: O(*n*) for *n* futures.
@available(*, noasync, message: "this blocks the thread; async code calls `await wait(…)`")
public func wait<Futures: Sequence>(
    _ futures: Futures, timeout: Duration? = nil, returnWhen: ReturnWhen = .allCompleted
) -> (done: Set<Futures.Element>, notDone: Set<Futures.Element>) where Futures.Element: AnyFuture {
    let deadline = Deadline(after: timeout)
    let watch = FutureWatch(futures, returnWhen)
    while true {
        let seen = watch.condition.signal.count
        if watch.condition.isMet || deadline.hasPassed { return watch.end() }
        watch.condition.signal.sleep(since: seen, until: deadline)
    }
}

/// Suspends the task until futures are done, like the blocking `wait`.
///
/// When the task is cancelled, this returns at once what it would return at the end of the timeout.
///
/// - Parameters:
///   - timeout: how long to wait; nil waits for ever, zero or less does not wait. Its end is no error.
///   - returnWhen: what to wait for.
/// - Returns: which futures are done (finished or cancelled), and which are not.
nonisolated(nonsending) public func wait<Futures: Sequence>(
    _ futures: Futures, timeout: Duration? = nil, returnWhen: ReturnWhen = .allCompleted
) async -> (done: Set<Futures.Element>, notDone: Set<Futures.Element>) where Futures.Element: AnyFuture {
    let deadline = Deadline(after: timeout)
    let watch = FutureWatch(futures, returnWhen)
    while true {
        let seen = watch.condition.signal.count
        if watch.condition.isMet || deadline.hasPassed || Task.isCancelled { return watch.end() }
        await watch.condition.signal.sleep(since: seen, until: deadline)
    }
}

/// Several futures observed until a condition holds.
private struct FutureWatch<F: AnyFuture> {
    let condition: WaitCondition
    private let futures: Set<F>
    private var observed: [(future: F, observer: CompletionObserver)] = []

    init(_ all: some Sequence<F>, _ returnWhen: ReturnWhen) {
        futures = Set(all)
        condition = WaitCondition(returnWhen, unfinished: futures.count)
        var unfinished: [F] = []
        for future in futures {
            if future.isDone {
                condition.completed(failed: future.phase == .failed)
            } else {
                unfinished.append(future)
            }
        }
        if condition.isMet { return }
        for future in unfinished {
            let observer = ConditionObserver(condition)
            if future.addObserver(observer) {
                observed.append((future, observer))
            } else {
                condition.completed(failed: future.phase == .failed)
            }
        }
    }

    /// Stops observing, and looks how things stand.
    func end() -> (done: Set<F>, notDone: Set<F>) {
        for (future, observer) in observed { future.removeObserver(observer) }
        var notDone: Set<F> = []
        let done = futures.filter { future in
            if future.isDone { return true }
            notDone.insert(future)
            return false
        }
        return (done, notDone)
    }
}

/// Counts completions until what was waited for has happened.
private final class WaitCondition: Sendable {
    private struct Progress {
        var unfinished: Int
        var isMet: Bool
    }

    let signal = Signal()
    private let returnWhen: ReturnWhen
    private let progress: Mutex<Progress>

    init(_ returnWhen: ReturnWhen, unfinished: Int) {
        self.returnWhen = returnWhen
        progress = Mutex(Progress(unfinished: unfinished, isMet: unfinished == 0))
    }

    var isMet: Bool { progress.withLock { $0.isMet } }

    func completed(failed: Bool) {
        let becameMet = progress.withLock { progress in
            progress.unfinished -= 1
            if progress.isMet { return false }
            switch returnWhen {
            case .firstCompleted: progress.isMet = true
            case .firstException: progress.isMet = failed || progress.unfinished == 0
            case .allCompleted: progress.isMet = progress.unfinished == 0
            }
            return progress.isMet
        }
        if becameMet { signal.raise() }
    }
}

private final class ConditionObserver: CompletionObserver, @unchecked Sendable {
    private let condition: WaitCondition

    init(_ condition: WaitCondition) { self.condition = condition }

    override func futureCompleted(failed: Bool) { condition.completed(failed: failed) }
}
