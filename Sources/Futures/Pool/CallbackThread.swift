import DequeModule

/// Runs closures one after the other in a thread of its own: the callbacks of the futures that a pool's driver completes, so
/// that a slow one delays other callbacks, but neither results nor the work of the pool; and what a journal writes.
///
/// The thread starts with the first; most pools never have one.
final class CallbackThread: Sendable {
    private struct Work {
        var queue: Deque<@Sendable () -> Void> = []
        var isFinishing = false
    }

    private let work = Mutex(Work())
    private let signal = Signal()
    private let thread: DriverThread

    /// - Parameter name: Linux shows 15 bytes of it.
    init(name: String = "futures-pool-cb") { thread = DriverThread(name: name) }

    var isCurrent: Bool { thread.isCurrent }

    /// Runs `callbacks` in the thread, in the order of the calls. Where the system gives no thread, runs them here.
    func run(_ callbacks: @escaping @Sendable () -> Void) {
        do {
            try thread.start { self.serve() }
        } catch {
            return callbacks()
        }
        work.withLock { $0.queue.append(callbacks) }
        signal.raise()
    }

    /// Nothing more comes: the thread ends when it has run what is there, and `last` after it.
    func finish(_ last: @escaping @Sendable () -> Void) {
        if thread.endUnstarted() { return last() }
        work.withLock { work in
            work.queue.append(last)
            work.isFinishing = true
        }
        signal.raise()
    }

    /// Waits for the end of the thread; to be called after ``finish()``, from another thread.
    func join() { thread.join() }

    private func serve() {
        while true {
            let seen = signal.count
            let (next, isFinishing) = work.withLock { ($0.queue.popFirst(), $0.isFinishing) }
            if let next {
                next()
            } else if isFinishing {
                return
            } else {
                signal.sleep(since: seen, until: .never)
            }
        }
    }
}
