/// A worker's answer to a task, as far as the scheduler is concerned.
struct TaskAnswer {
    var id: TaskID
    var attempt: UInt32
    /// What the worker says; in nanoseconds.
    var runTime: Int64
}

// Events of tasks.
extension PoolState {
    /// A task was submitted.
    ///
    /// - Parameters:
    ///   - size: how many bytes its arguments take.
    ///   - limits: how long it may run, if it has limits of its own.
    ///   - isPromised: whether it is part of what was promised: that is taken after a shutdown, too, unless futures are to be
    ///     cancelled, and beside what the backlog may hold.
    package mutating func submitted(
        _ job: Job, priority: Int = 0, size: Int = 0, limits: TaskLimits? = nil, isPromised: Bool = false, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) throws(PoolRefusal) -> TaskID {
        try checkTaking(size: size, isPromised: isPromised)
        let id = tasks.insert(job, size: size)
        if let limits, limits != configuration.taskLimits { taskLimits[id] = limits }
        if priority != 0 { priorities[id] = priority }
        backlog.append(id, priority: priority)
        waitingCount += 1
        waitingBytes += size
        schedule(now: now, &actions)
        return id
    }

    /// Whether a task would be taken; of one that is refused for want of room, ``PoolAction/roomAppeared`` tells later.
    package mutating func checkTaking(size: Int, isPromised: Bool = false) throws(PoolRefusal) {
        switch phase {
        case .open: break
        case .shuttingDown where isPromised && !isCancellingFutures: break
        case .shuttingDown, .broken(_, isShutDown: true), .finished: throw .shutDown
        case .broken(let error, isShutDown: false): throw .broken(error)
        }
        guard isPromised || configuration.backlogLimit.hasRoom(beside: waitingCount, bytes: waitingBytes, for: size)
        else {
            hasRefused = true
            throw .full(tasks: waitingCount, bytes: waitingBytes)
        }
    }

    /// Somebody is going to submit more, piece by piece, of what was taken as a whole: a shutdown waits for that.
    package mutating func promised() throws(PoolRefusal) {
        switch phase {
        case .open: promises += 1
        case .shuttingDown, .broken(_, isShutDown: true), .finished: throw .shutDown
        case .broken(let error, isShutDown: false): throw .broken(error)
        }
    }

    /// All that was promised has been submitted, or never will be.
    package mutating func promiseEnded(now: Int64, _ actions: inout [PoolAction<Job>]) {
        promises -= 1
        schedule(now: now, &actions)
    }

    /// Its worker has come to a task.
    mutating func begin(_ id: TaskID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let record = tasks[id] else { return }
        if let worker = record.worker { watchLimits(of: id, on: worker, now: now, &actions) }
        if !record.hasBegun {
            tasks.update(id) { $0.hasBegun = true }
            waitsNoLonger(record, &actions)
        }
        actions.append(.began(record.job))
    }

    /// Takes a task out of the table, however it ended.
    mutating func forget(_ id: TaskID, _ actions: inout [PoolAction<Job>]) {
        guard let record = tasks.remove(id) else { return }
        if record.isDelayed { delayedCount -= 1 }
        if !histories.isEmpty { histories[id] = nil }
        if !taskLimits.isEmpty { taskLimits[id] = nil }
        if !priorities.isEmpty { priorities[id] = nil }
        if !record.hasBegun { waitsNoLonger(record, &actions) }
    }

    private mutating func waitsNoLonger(_ record: TaskTable<Job>.Record, _ actions: inout [PoolAction<Job>]) {
        waitingCount -= 1
        waitingBytes -= record.size
        tellRefused(&actions)
    }

    /// Those who were refused may try again: there is room, or there will never be any.
    mutating func tellRefused(_ actions: inout [PoolAction<Job>]) {
        guard hasRefused else { return }
        hasRefused = false
        actions.append(.roomAppeared)
    }

    /// The future of a task that no worker holds was cancelled. A task that is elsewhere by now is left alone: its
    /// answer will find a cancelled future.
    package mutating func cancelled(_ id: TaskID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let record = tasks[id], record.worker == nil else { return }
        forget(id, &actions)
        if !record.isDelayed { backlog.removed(where: tasks.waits) }
        schedule(now: now, &actions)
    }

    package enum TakeBack: Equatable {
        /// It was on our side and is gone from there.
        case done
        /// The worker was asked; the answer comes with `takeBackAnswered`.
        case asked
        /// It runs, or it is over.
        case tooLate
    }

    /// Somebody wants to cancel a task that was sent ahead.
    ///
    /// - Parameter waits: whether somebody waits for the answer, and then cancels the future. Without one the task is asked
    ///   back all the same, and queued again.
    package mutating func cancelRequested(
        _ id: TaskID, waits: Bool = true, now: Int64, _ actions: inout [PoolAction<Job>]
    ) -> TakeBack {
        guard let record = tasks[id] else { return .tooLate }
        guard let holder = record.worker else {
            cancelled(id, now: now, &actions)
            return .done
        }
        // The first is what the worker runs, unless it was asked back before it came to be the first.
        guard workers[existing: holder].held.first != id || record.isTakeBackRequested else { return .tooLate }
        if waits { tasks.update(id) { $0.isCancelRequested = true } }
        askBack(id, from: holder, &actions)
        return .asked
    }

    /// The one who wanted to cancel waits no longer; the task stays what it was.
    package mutating func cancelRequestWithdrawn(_ id: TaskID) {
        tasks.update(id) { $0.isCancelRequested = false }
    }

    /// A worker answered whether it gave a task back.
    ///
    /// - Returns: whether the task is cancelled now, for the one who waits in `cancel()`; nil for an answer to something
    ///   that was not asked, which is dropped: who waits goes on waiting.
    package mutating func takeBackAnswered(
        _ id: TaskID, attempt: UInt32, by workerID: WorkerID, takenBack: Bool, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) -> Bool? {
        guard let record = tasks[id] else { return false }
        // A task that was not asked for is not given back: it may be running.
        guard record.worker == workerID, record.attempt == attempt, record.isTakeBackRequested else { return nil }
        guard takenBack else {
            tasks.update(id) {
                $0.isTakeBackRequested = false
                $0.isCancelRequested = false
            }
            if workers[existing: workerID].held.first == id { begin(id, now: now, &actions) }
            watchForIdleness(now: now, &actions)
            return false
        }
        giveTaskBack(of: workerID)
        unhold(id, by: workerID, now: now, &actions)
        if record.isCancelRequested || isCancellingFutures {
            forget(id, &actions)
            if !record.isCancelRequested { actions.append(.cancel(record.job)) }
        } else {
            putBack(id, &actions)
        }
        schedule(now: now, &actions)
        return record.isCancelRequested
    }

    /// The driver found the future of a task cancelled when it was about to send it, or the worker cannot run it.
    package mutating func taskWasNotSent(
        _ id: TaskID, to workerID: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[id], record.worker == workerID else { return }
        giveTaskBack(of: workerID)
        unhold(id, by: workerID, now: now, &actions)
        forget(id, &actions)
        schedule(now: now, &actions)
    }

    /// A task that a worker was given does not count, since it has not run it.
    private mutating func giveTaskBack(of id: WorkerID) {
        if let left = workers[existing: id].tasksLeft { workers[existing: id].tasksLeft = left + 1 }
    }

    /// A worker answered a task, with a result or a failure.
    ///
    /// - Returns: the job, whose future the driver completes, and whether somebody wanted it interrupted; nil for a late answer,
    ///   which is dropped.
    package mutating func answered(
        _ id: TaskID, attempt: UInt32, by workerID: WorkerID, runTime: Int64, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) -> (job: Job, isInterruptRequested: Bool)? {
        let answer = TaskAnswer(id: id, attempt: attempt, runTime: runTime)
        guard let record = accept(answer, by: workerID, now: now, &actions) else { return nil }
        schedule(now: now, &actions)
        return (record.job, record.isInterruptRequested)
    }

    /// A worker answered several tasks. What it has begun and answered since is not said to run first.
    ///
    /// - Parameter accepted: called for each with its job; with nil for a late answer, which is dropped.
    mutating func answered(
        _ answers: some Sequence<TaskAnswer>, by workerID: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>],
        _ accepted: (Job?) -> Void
    ) {
        let head = head(of: workerID)
        for answer in answers {
            accepted(accept(answer, by: workerID, beginsNext: false, now: now, &actions)?.job)
        }
        if self.head(of: workerID) != head { beginHead(of: workerID, now: now, &actions) }
        schedule(now: now, &actions)
    }

    private mutating func accept(
        _ answer: TaskAnswer, by workerID: WorkerID, beginsNext: Bool = true, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) -> TaskTable<Job>.Record? {
        guard let record = tasks[answer.id], record.worker == workerID, record.attempt == answer.attempt else {
            return nil
        }
        forget(answer.id, &actions)
        noteRunTime(answer.runTime)
        unhold(answer.id, by: workerID, beginsNext: beginsNext, now: now, &actions)
        return record
    }

    mutating func noteRunTime(_ runTime: Int64) {
        // The peer's number: bounded, so that it can neither overflow nor stop the scheduler.
        let sample = min(max(runTime, 0), 3_600_000_000_000)
        // A long task counts at once (others must not queue behind it), short ones by and by.
        meanRunTime = meanRunTime.map { sample > $0 * 8 ? sample : $0 + (sample - $0) / 8 } ?? sample
    }

    func askBackIfNeeded(_ id: TaskID) -> Bool { tasks[id].map { !$0.isTakeBackRequested } ?? false }

    mutating func askBack(_ id: TaskID, from holder: WorkerID, _ actions: inout [PoolAction<Job>]) {
        guard let record = tasks[id], !record.isTakeBackRequested else { return }
        tasks.update(id) { $0.isTakeBackRequested = true }
        actions.append(.takeBack(id, holder, attempt: record.attempt))
    }
}
