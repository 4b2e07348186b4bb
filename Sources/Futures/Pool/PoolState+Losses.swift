import Glibc

/// How a worker was lost, for the books of the scheduler.
package struct LossReport: Sendable {
    /// What happened, for the user.
    package let loss: WorkerLoss
    /// Why the pool is broken, where a loss breaks it.
    package let reason: String
    /// Which budget it is taken from.
    package let charge: Charge

    package enum Charge: Sendable {
        case crash
        case memory
    }

    package init(_ loss: WorkerLoss, reason: String, charge: Charge = .crash) {
        self.loss = loss
        self.reason = reason
        self.charge = charge
    }
}

/// What a task was charged with.
struct TaskHistory {
    var losses: [WorkerLoss] = []
    var crashes = 0
    var memoryKills = 0
    var errors = 0

    var failures: Int { crashes + memoryKills + errors }
}

// What becomes of the tasks that a lost worker held, and of those that failed and may be run again.
extension PoolState {
    /// A worker broke the rules of the wire, or ended without being told to. With a process left, it is killed;
    /// `workerExited` follows, and with it what becomes of its tasks.
    package mutating func workerLost(
        _ id: WorkerID, _ report: LossReport, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting:
            workerFailedToStart(
                id, BrokenProcessPool(reason: report.reason, loss: report.loss), hasProcess: true, now: now, &actions)
        case .leaving:
            actions.append(.kill(id, signal: SIGKILL))
        case .ready, .retiring:
            leave(id, now: now, &actions)
            workers[id]!.loss = report
            actions.append(.kill(id, signal: SIGKILL))
            if case .breakPool = configuration.onWorkerLoss {
                breakPool(BrokenProcessPool(reason: report.reason, loss: report.loss), now: now, &actions)
            } else {
                schedule(now: now, &actions)
            }
        }
    }

    /// A worker's process is gone and everything that it wrote has been read. An end that nobody asked for was reported
    /// as `workerLost` before.
    package mutating func workerExited(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id] else { return }
        precondition(expectsExit(of: id), "worker \(id) exited in stage \(worker.stage) without a report")
        if !worker.held.isEmpty { busyCount -= 1 }
        heldCount -= worker.held.count
        workers[id] = nil
        // The last one first, so that they come back in their order.
        for task in worker.held.reversed() { lostItsWorker(task, worker, &actions, now: now) }
        actions.append(.release(id))
        schedule(now: now, &actions)
    }

    private mutating func lostItsWorker(
        _ id: TaskID, _ worker: Worker, _ actions: inout [PoolAction<Job>], now: Int64
    ) {
        guard let record = tasks[id] else { return }
        let hadBegun = worker.held.first == id && record.hasBegun && !record.isTakeBackRequested
        let isWanted = !record.isCancelRequested && (hadBegun || !isCancellingFutures)
        // Somebody may wait in cancel() for the worker's word about it.
        if record.isTakeBackRequested { actions.append(.takeBackOver(id, isCancelled: !isWanted)) }
        if hadBegun, let report = worker.loss {
            charge(id, with: report, now: now, &actions)
        } else if isWanted {
            putBack(id, &actions)
        } else {
            forget(id, &actions)
            actions.append(.cancel(record.job))
        }
    }

    /// Puts a task that a worker held back into the backlog, before the others of its priority.
    mutating func putBack(_ id: TaskID, _ actions: inout [PoolAction<Job>]) {
        tasks.update(id) {
            $0.worker = nil
            $0.isTakeBackRequested = false
            $0.isCancelRequested = false
        }
        guard let record = tasks[id] else { return }
        backlog.prepend(id, priority: record.priority)
        actions.append(.requeued(record.job))
    }

    /// The worker was lost with this task.
    private mutating func charge(
        _ id: TaskID, with report: LossReport, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[id] else { return }
        var history = histories[id] ?? TaskHistory()
        history.losses.append(report.loss)
        let isWithinBudget: Bool
        switch report.charge {
        case .crash:
            history.crashes += 1
            isWithinBudget = history.crashes <= configuration.onWorkerLoss.retries?.crashes ?? 0
        case .memory:
            history.memoryKills += 1
            isWithinBudget = history.memoryKills <= configuration.onWorkerLoss.retries?.memoryKills ?? 0
        }
        guard isWithinBudget else {
            forget(id, &actions)
            actions.append(.fail(record.job, WorkerLostError(losses: history.losses)))
            return
        }
        delay(id, history, now: now, &actions)
    }

    /// Has a task that failed run again after a pause.
    private mutating func delay(
        _ id: TaskID, _ history: TaskHistory, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[id], let policy = configuration.onWorkerLoss.retries else { return }
        histories[id] = history
        tasks.update(id) {
            $0.worker = nil
            $0.isTakeBackRequested = false
            $0.isCancelRequested = false
            $0.isDelayed = true
        }
        delayedCount += 1
        actions.append(.requeued(record.job))
        let pause = policy.backoff.pause(after: history.failures, &random)
        set(.retry(id), at: now.addingReportingOverflow(pause).overflow ? .max : now + pause, &actions)
    }

    mutating func retryTimer(_ id: TaskID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let record = tasks[id], record.isDelayed else { return }
        tasks.update(id) { $0.isDelayed = false }
        delayedCount -= 1
        // It has waited once already.
        backlog.prepend(id, priority: record.priority)
        schedule(now: now, &actions)
    }

    /// The job of a task that a worker holds; nil for a late answer.
    package func job(of id: TaskID, heldBy workerID: WorkerID, attempt: UInt32) -> Job? {
        guard let record = tasks[id], record.worker == workerID, record.attempt == attempt else { return nil }
        return record.job
    }

    /// What becomes of a task that threw an error which is worth another try.
    package enum RetryDecision {
        /// It will be run again.
        case again
        /// Its budget is spent: nothing has changed, and the answer counts.
        case spent
        /// A late answer, to be dropped.
        case late
    }

    /// A worker answered a task with an error that the policy accepts for another try.
    package mutating func failedRetryably(
        _ id: TaskID, attempt: UInt32, by workerID: WorkerID, runTime: Int64, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) -> RetryDecision {
        guard let record = tasks[id], record.worker == workerID, record.attempt == attempt else { return .late }
        var history = histories[id] ?? TaskHistory()
        history.errors += 1
        guard history.errors <= configuration.onWorkerLoss.retries?.errors ?? 0, !record.isCancelRequested else {
            return .spent
        }
        noteRunTime(runTime)
        unhold(id, by: workerID, now: now, &actions)
        delay(id, history, now: now, &actions)
        schedule(now: now, &actions)
        return .again
    }
}
