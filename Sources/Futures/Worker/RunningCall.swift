internal import CProto
import Synchronization

/// The call that this worker process is running, as the call itself sees it.
public enum RunningCall {
    /// Whether the call is not wanted any more: it has reached its soft timeout, or ``AnyFuture/cancel(running:)`` was called.
    ///
    /// Takes a nanosecond; ask it in the loops of synchronous callables. In async callables it is the same as
    /// `Task.isCancelled`. False outside of worker processes, unless the current `Task` is cancelled. Any thread.
    public static var isCancelled: Bool { CallInterruption.current.isRequested || Task.isCancelled }

    /// Ends the call if it is not wanted any more.
    ///
    /// - Throws: `CancellationError`: the call's future then fails with ``TaskTimeoutError``, or is cancelled.
    public static func checkCancellation() throws(CancellationError) {
        if isCancelled { throw CancellationError() }
    }
}

/// Whether what the worker's main thread runs was interrupted. One for the process.
final class CallInterruption: Sendable {
    static let current = CallInterruption()

    private struct Running {
        var task: UInt64?
        var attempt: UInt32 = 0
        var element: UInt32?
        /// The Swift task that runs an async body.
        var body: Task<Void, Never>?
        /// What was interrupted before it began: the request may be read together with the task.
        var unbegun: (task: UInt64, attempt: UInt32)?
    }

    private let running = Mutex(Running())
    private let wasRequested = Atomic<Bool>(false)
    /// The thread that serves.
    private let thread = Atomic<UInt>(0)

    var isRequested: Bool { wasRequested.load(ordering: .relaxed) }

    /// The calling thread runs what the pool sends.
    func serveHere() { thread.store(futures_thread_self(), ordering: .relaxed) }

    func begin(task: UInt64, attempt: UInt32) {
        running.withLock { running in
            let isInterrupted = running.unbegun.map { $0 == (task, attempt) } ?? false
            running = Running(task: task, attempt: attempt)
            wasRequested.store(isInterrupted, ordering: .relaxed)
        }
    }

    func beginElement(_ index: Int) {
        running.withLock { running in
            running.element = UInt32(truncatingIfNeeded: index)
            wasRequested.store(false, ordering: .relaxed)
        }
    }

    func end() {
        running.withLock { running in
            running = Running(unbegun: running.unbegun)
            wasRequested.store(false, ordering: .relaxed)
        }
    }

    /// Somebody does not want this any more. If it has not begun, it will be interrupted when it does; if it is over, or at
    /// another element, nothing happens. Any thread.
    ///
    /// - Parameter element: nil for whatever element runs.
    func request(task: UInt64, attempt: UInt32, element: UInt32?) {
        let body = running.withLock { running -> Task<Void, Never>? in
            guard running.task == task, running.attempt == attempt else {
                if element == nil { running.unbegun = (task, attempt) }
                return nil
            }
            guard element == nil || running.element == element else { return nil }
            wasRequested.store(true, ordering: .relaxed)
            return running.body
        }
        body?.cancel()
    }

    /// An async body begins as this Swift task. Means nothing in other threads than the one that serves.
    func bodyBegan(_ body: Task<Void, Never>) {
        guard thread.load(ordering: .relaxed) == futures_thread_self() else { return }
        let isLate = running.withLock { running in
            running.body = body
            return isRequested
        }
        if isLate { body.cancel() }
    }
}
