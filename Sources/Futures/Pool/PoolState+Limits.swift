import Glibc

/// How long a task, or an element of a chunk, may run, in nanoseconds from its start.
package struct TaskLimits: Sendable, Hashable {
    /// Then it is interrupted: its cancellation is requested. `Int64.max` for never.
    package var soft: Int64
    /// Then its worker is ended. `Int64.max` for never.
    package var hard: Int64

    package static let none = TaskLimits()

    package init(soft: Int64 = .max, hard: Int64 = .max) {
        self.soft = soft
        self.hard = hard
    }

    /// The earlier of the two; nil if there is none.
    var first: Int64? { self == .none ? nil : min(soft, hard) }
}

/// The limits of a job, in one word: many jobs have the same, most have none.
struct JobLimits: Sendable {
    private final class Storage: Sendable {
        let limits: TaskLimits
        init(_ limits: TaskLimits) { self.limits = limits }
    }

    private let storage: Storage?

    init(_ limits: TaskLimits) { storage = limits == .none ? nil : Storage(limits) }

    var limits: TaskLimits { storage?.limits ?? .none }
}

/// What a worker is at, as its journal tells.
package struct TaskProgress: Sendable {
    package let task: TaskID
    package let attempt: UInt32
    package let element: Int?
    /// When it was begun; the worker's word, which may be any number.
    package let since: Int64
    /// The element is the only one of its chunk that is not finished.
    package let isLastElement: Bool
    /// It is at a chunk, and at none of its elements: the arguments are being decoded, or the last element is finished, and the
    /// next not begun.
    package let isBetweenElements: Bool

    package init(
        task: TaskID, attempt: UInt32, element: Int? = nil, since: Int64, isLastElement: Bool = false,
        isBetweenElements: Bool = false
    ) {
        self.task = task
        self.attempt = attempt
        self.element = element
        self.since = since
        self.isLastElement = isLastElement
        self.isBetweenElements = isBetweenElements
    }
}

// Tasks that run for too long, or are not wanted any more.
extension PoolState {
    func limits(of id: TaskID) -> TaskLimits {
        taskLimits.isEmpty ? configuration.taskLimits : taskLimits[id] ?? configuration.taskLimits
    }

    /// A worker has come to a task: its time begins.
    mutating func watchLimits(of id: TaskID, on workerID: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let first = limits(of: id).first else { return }
        lookAgain(at: workerID, in: first, now: now, &actions)
    }

    private mutating func lookAgain(
        at id: WorkerID, in time: Int64, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        // With one set for earlier, that looks first, and then sets the next.
        guard workers.contains(id) else { return }
        workers[existing: id].limitDue = min(Self.later(now, max(0, time)), workers[existing: id].limitDue)
        setTimer(of: id, &actions)
    }

    /// The driver has read what a worker is at.
    ///
    /// - Parameters:
    ///   - progress: nil where that is not known: then it is the first of what it holds, from when it became that.
    ///   - headHasElements: whether the first of what it holds is a chunk.
    package mutating func progressMeasured(
        _ id: WorkerID, _ progress: TaskProgress?, headHasElements: Bool, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) {
        guard let worker = workers[id], let head = worker.held.first else { return }
        switch worker.stage {
        case .ready, .retiring: break
        case .starting, .leaving: return
        }
        var (task, element, since, isLast) = (head, Int?.none, worker.headSince, false)
        var between: Worker.Between?
        if let progress, let record = tasks[progress.task], record.worker == id, record.attempt == progress.attempt {
            (task, element, isLast) = (progress.task, progress.element, progress.isLastElement)
            since = min(max(0, progress.since), now)
            if progress.isBetweenElements {
                // No element's time runs. But it has to come to one: as long as it may take itself, from when that was seen.
                let seen = worker.between.map { $0.task == task && $0.since == progress.since ? $0.seen : now } ?? now
                between = Worker.Between(task: task, since: progress.since, seen: seen)
                since = seen
            }
        } else if headHasElements {
            // It has not come to the chunk: that is no element's time.
            between = Worker.Between(task: head, since: since, seen: since)
        }
        workers[existing: id].between = between
        let limits = limits(of: task)
        let elapsed = now - since
        if elapsed >= limits.hard {
            expire(task, element, isLast: isLast, on: id, now: now, &actions)
            return
        }
        var next = limits.hard == .max ? .max : limits.hard - elapsed
        if elapsed < limits.soft {
            next = min(next, limits.soft == .max ? .max : limits.soft - elapsed)
        } else if between != nil {
            next = min(next, limits.soft)
        } else {
            // Once is enough; but what is run again is another attempt.
            let last = worker.interrupted
            let isInterrupted = last.map { $0 == (task, tasks[task]?.attempt ?? 0, element) } ?? false
            if !isInterrupted { interrupt(task, element, on: id, &actions) }
            // Of a chunk the next element may be begun at any time, and has all of its time.
            if element != nil { next = min(next, limits.soft) }
        }
        // A journal may name another task than the worker runs: that one's time must not be forgotten.
        if task != head, let first = self.limits(of: head).first {
            next = min(next, max(first, configuration.elementWatch))
        }
        // Elements may be much shorter than what a look costs.
        if element != nil || between != nil { next = max(next, configuration.elementWatch) }
        if next < .max { lookAgain(at: id, in: next, now: now, &actions) }
    }

    private mutating func interrupt(
        _ task: TaskID, _ element: Int?, on id: WorkerID, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[task] else { return }
        workers[existing: id].interrupted = (task, record.attempt, element)
        actions.append(.interrupt(task, id, attempt: record.attempt, element: element))
    }

    /// A task has used up its time: it fails, and its worker is ended.
    private mutating func expire(
        _ task: TaskID, _ element: Int?, isLast: Bool, on id: WorkerID, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[task] else { return }
        let execution = 1 + (histories[task]?.failures(of: element) ?? 0)
        actions.append(.expired(record.job, element: element, id, execution: execution))
        if element == nil || isLast {
            forget(task, &actions)
        } else {
            // What the worker may still say of the chunk counts the element, which is out of the books now.
            tasks.update(task) { $0.attempt &+= 1 }
        }
        end(id, now: now, &actions)
        schedule(now: now, &actions)
    }

    /// Ends a worker for a reason that none of the tasks that it holds is charged with.
    private mutating func end(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id] else { return }
        leave(id, now: now, &actions)
        actions.append(.kill(id, signal: SIGTERM))
        // It may take its time to end; what it has not begun need not wait for that. The last first: each that comes back goes
        // before those that wait.
        for task in worker.held.dropFirst().reversed() { askBack(task, from: id, &actions) }
    }

    package enum StopOutcome: Equatable {
        /// It was not with a worker, and is gone.
        case done
        /// It was sent ahead, and has to be asked back: ``cancelRequested(_:waits:now:_:)`` does that.
        case isAhead
        /// Its worker is being ended, and the task is gone from here.
        case stopped
        /// Its worker was told to interrupt it.
        case interrupted
        /// It is over.
        case tooLate
    }

    /// Somebody does not want a task any more, also if it runs.
    ///
    /// - Parameter kills: whether its worker is ended; otherwise it is asked to end the task.
    package mutating func stopRequested(
        _ id: TaskID, kills: Bool, now: Int64, _ actions: inout [PoolAction<Job>]
    ) -> StopOutcome {
        guard let record = tasks[id] else { return .tooLate }
        guard let holder = record.worker else {
            cancelled(id, now: now, &actions)
            return .done
        }
        guard workers[existing: holder].held.first == id, record.hasBegun, !record.isTakeBackRequested else {
            return .isAhead
        }
        if kills {
            forget(id, &actions)
            end(holder, now: now, &actions)
            schedule(now: now, &actions)
            return .stopped
        }
        tasks.update(id) { $0.isInterruptRequested = true }
        interrupt(id, nil, on: holder, &actions)
        return .interrupted
    }
}
