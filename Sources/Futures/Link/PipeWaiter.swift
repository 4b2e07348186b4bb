internal import CProto
import Synchronization

/// Waits for what comes through a pipe, or until it is told not to. Used by one thread at a time, woken by any.
final class PipeWaiter: Sendable {
    private let event: FileDescriptor
    /// Who uses it; 0 for nobody.
    private let thread = Atomic<UInt>(0)
    /// What its user reads.
    let turn = ReadingTurn()

    init() throws(SystemError) { event = try FileDescriptor.event() }

    /// Whether this thread uses it.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == futures_thread_self() }

    /// Whether some thread reads with it.
    var isInUse: Bool { thread.load(ordering: .relaxed) != 0 }

    func begin() { thread.store(futures_thread_self(), ordering: .relaxed) }
    func end() { thread.store(0, ordering: .relaxed) }

    /// Ends the wait, or the next one at once.
    func wake() { futures_eventfd_signal(event.rawValue) }

    /// Sleeps until there is something to read, or the pipe has ended, or the time is over, or ``wake()``, or for no reason.
    ///
    /// - Returns: whether there is something to read.
    func sleep(untilReadable pipe: borrowing FileDescriptor, _ deadline: Deadline) -> Bool {
        let ready = futures_poll_pair(pipe.rawValue, event.rawValue, deadline.remainingNanoseconds ?? -1)
        if ready & 2 != 0 { futures_eventfd_clear(event.rawValue) }
        return ready & 1 != 0
    }

    /// Ends the waits of a future's threads when another thread completes it.
    final class Observer: CompletionObserver, @unchecked Sendable {
        private let waiter: PipeWaiter

        init(_ waiter: PipeWaiter) { self.waiter = waiter }

        override func futureCompleted(failed: Bool) {
            if !waiter.isCurrent { waiter.wake() }
        }
    }
}
