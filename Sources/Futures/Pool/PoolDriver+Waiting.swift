internal import CProto
import Glibc
import Wire

// A thread that waits for an answer reads it itself: docs/decisions/waiting-thread-reads.md.
extension PoolDriver {
    /// Until the future is done, reads what the worker says that has its task. Returns early when that is not possible, or
    /// not any more.
    func help(_ future: AnyFuture, ticket: UInt64, until deadline: Deadline) {
        // The user's code that decides about retries may take locks that this thread has.
        guard !thread.isCurrent, retries?.errors ?? 0 == 0 else { return }
        let id = TaskID(rawValue: ticket)
        guard let holder = core.withLock({ $0.state.holder(of: id) }), let link = link(holder.worker),
            link.reading.isFree, let waiter = takeWaiter()
        else { return }
        defer { putBack(waiter) }
        let spins = mayLook(beside: holder.busyWorkers)
        guard link.reading.takeIfFree() else { return }
        let observer = PipeWaiter.Observer(waiter)
        if link.isReadable, future.addObserver(observer) {
            waiter.begin()
            readAnswers(link, waiter, for: future, id, until: deadline, spins: spins)
            waiter.end()
        }
        link.reading.giveBack()
        future.removeObserver(observer)
    }

    /// Never at the cost of a worker that computes.
    private func mayLook(beside busyWorkers: Int) -> Bool { spinTime > 0 && busyWorkers < Self.usableProcessors }

    /// Reads in this thread, which has the role, until it is to stop.
    private func readAnswers(
        _ link: PipeLink, _ waiter: PipeWaiter, for future: AnyFuture, _ id: TaskID, until deadline: Deadline,
        spins: Bool
    ) {
        guard PoolLoop.pauseWatching(link, epoll: epoll) else { return }
        link.reading.willSleep(waiter)
        var spins = spins
        while !future.isDone, !link.reading.isWanted, !deadline.hasPassed {
            if !spins || !lookForAnswers(link, waiter.turn, for: future, until: deadline) {
                guard waiter.sleep(untilReadable: link.fromWorker, deadline) else { continue }
                guard readAnswers(link, waiter.turn) else { break }
            }
            // What can be sent now is sent before anybody is told.
            settle(handsOver: true)
            // At once: this thread may wait for long for its own. And in the role: it keeps the pool from ending before.
            waiter.turn.sendNotifications()
            guard link.isReadable, !future.isDone else { break }
            // The task may have been taken back since, or be run again elsewhere.
            guard let holder = core.withLock({ $0.state.holder(of: id) }), holder.worker == link.id else { break }
            spins = mayLook(beside: holder.busyWorkers)
        }
        link.reading.willSleep(nil)
        if !link.hasStoppedReading, !PoolLoop.resumeWatching(link, epoll: epoll) {
            brokeTheRules(link, "its pipe was closed by somebody else in this program")
        }
    }

    /// Reads what comes within the time that is worth it.
    ///
    /// - Returns: whether something has.
    private func lookForAnswers(
        _ link: PipeLink, _ turn: ReadingTurn, for future: AnyFuture, until deadline: Deadline
    ) -> Bool {
        guard link.spinning.begins() else { return false }
        let end = futures_monotonic_nanoseconds() + spinTime
        repeat {
            if readAnswers(link, turn) {
                link.spinning.ended(isFound: true)
                return true
            }
            // That says nothing about how long answers take.
            if future.isDone || link.reading.isWanted || deadline.hasPassed { return false }
            sched_yield()
        } while futures_monotonic_nanoseconds() < end
        link.spinning.ended(isFound: false)
        return false
    }

    private func takeWaiter() -> PipeWaiter? {
        if let waiter = waiters.withLock({ $0.free.popLast() }) { return waiter }
        guard let waiter = try? PipeWaiter() else { return nil }
        waiters.withLock { $0.all.append(waiter) }
        return waiter
    }

    private func putBack(_ waiter: PipeWaiter) {
        waiters.withLock { $0.free.append(waiter) }
    }

    /// For the threads that read in place of the driver's, or have tried to: rarely more than there are workers.
    struct Waiters {
        var all: [PipeWaiter] = []
        var free: [PipeWaiter] = []
    }

    /// Whether this thread waits for an answer, and reads.
    var isReadingHere: Bool { waiters.withLock { $0.all.contains { $0.isCurrent } } }
}
