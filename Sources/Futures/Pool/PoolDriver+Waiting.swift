internal import CProto
import Glibc
import Wire

// A thread that waits for an answer reads it itself: docs/decisions/waiting-thread-reads.md.
extension PoolDriver {
    /// Until the future is done, reads what the worker says that has its task. Returns early when that is not possible, or
    /// not any more.
    func help(_ future: AnyFuture, ticket: UInt64, until deadline: Deadline) {
        guard !thread.isCurrent, let holder = core.withLock({ $0.state.holder(of: TaskID(rawValue: ticket)) }),
            let link = link(holder.worker), link.reading.takeIfFree()
        else { return }
        guard link.isReadable, let waiter = takeWaiter() else { return link.reading.giveBack() }
        waiter.begin()
        let observer = PipeWaiter.Observer(waiter)
        if future.addObserver(observer) {
            // Never at the cost of a worker that computes.
            let spins = spinTime > 0 && holder.busyWorkers < Self.usableProcessors
            readAnswers(link, waiter, until: deadline, spins: spins) { future.isDone }
            future.removeObserver(observer)
        }
        link.reading.giveBack()
        waiter.turn.sendNotifications()
        waiter.end()
        putBack(waiter)
    }

    /// Reads in this thread, which has the role, until it is to stop.
    private func readAnswers(
        _ link: PipeLink, _ waiter: PipeWaiter, until deadline: Deadline, spins: Bool, _ isDone: () -> Bool
    ) {
        guard PoolLoop.pauseWatching(link, epoll: epoll) else { return }
        link.reading.willSleep(waiter)
        while !isDone(), !link.reading.isWanted, !deadline.hasPassed {
            if !spins || !lookForAnswers(link, waiter.turn, isDone) {
                guard waiter.sleep(untilReadable: link.fromWorker, deadline) else { continue }
                guard readAnswers(link, waiter.turn) else { break }
            }
            // What can be sent now is sent before anybody is told.
            settle()
            guard link.isReadable else { break }
        }
        link.reading.willSleep(nil)
        if !link.hasStoppedReading { PoolLoop.resumeWatching(link, epoll: epoll) }
    }

    /// Reads what comes within the time that is worth it.
    ///
    /// - Returns: whether something has.
    private func lookForAnswers(_ link: PipeLink, _ turn: ReadingTurn, _ isDone: () -> Bool) -> Bool {
        guard link.spinning.begins() else { return false }
        let end = futures_monotonic_nanoseconds() + spinTime
        var isFound = false
        repeat {
            isFound = readAnswers(link, turn)
            if isFound || isDone() || link.reading.isWanted { break }
            sched_yield()
        } while futures_monotonic_nanoseconds() < end
        link.spinning.ended(isFound: isFound)
        return isFound
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

    /// The threads that have read in place of the driver's: at most as many as workers at the same time.
    struct Waiters {
        var all: [PipeWaiter] = []
        var free: [PipeWaiter] = []
    }

    /// Whether this thread waits for an answer, and takes in what it has read.
    var isReadingHere: Bool { waiters.withLock { $0.all.contains { $0.isCurrent } } }
}
