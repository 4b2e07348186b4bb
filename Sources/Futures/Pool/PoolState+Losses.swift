import Glibc

/// How a worker was lost, for the books of the scheduler.
package struct LossReport: Sendable {
    /// What happened, for the user.
    package let loss: WorkerLoss
    /// What it was running.
    package let running: Running
    /// Why the pool is broken, where a loss breaks it.
    package let reason: String
    /// Which budget it is taken from.
    package let charge: Charge
    /// The element that it ran is the only one of its chunk that is not finished.
    package let isLastElement: Bool

    package enum Charge: Sendable {
        case crash
        case memory
    }

    package enum Running: Sendable, Equatable {
        /// Not known: the first of what it holds.
        case first
        case nothing
        /// This, unless it has answered it; of a chunk, with the element that it had come to.
        case task(TaskID, attempt: UInt32, element: Int? = nil)

        var element: Int? {
            if case .task(_, _, let element) = self { return element }
            return nil
        }
    }

    package init(
        _ loss: WorkerLoss, running: Running = .first, isLastElement: Bool = false, reason: String,
        charge: Charge = .crash
    ) {
        self.isLastElement = isLastElement
        self.loss = loss
        self.running = running
        self.reason = reason
        self.charge = charge
    }
}

/// What a task was charged with.
struct TaskHistory {
    /// What it was charged with as a whole.
    var charges = Charges()
    /// What elements of a chunk were charged with.
    var elements: [Int: Charges] = [:]
    /// How often it threw what was worth another try.
    var errors = 0
    /// How often a worker was lost that had it as the first, and said that it had not begun it.
    var unbegunLosses = 0

    struct Charges {
        var losses: [WorkerLoss] = []
        var crashes = 0
        var memoryKills = 0

        /// - Returns: whether it may be run again.
        mutating func add(_ report: LossReport, _ policy: RetryPolicy?) -> Bool {
            losses.append(report.loss)
            switch report.charge {
            case .crash:
                crashes += 1
                return crashes <= policy?.crashes ?? 0
            case .memory:
                memoryKills += 1
                return memoryKills <= policy?.memoryKills ?? 0
            }
        }
    }

    func failures(of element: Int?) -> Int {
        errors + (element.map { elements[$0]?.losses.count ?? 0 } ?? charges.losses.count)
    }
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
            losses[id] = report
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
        workers.remove(id)
        let report = losses.isEmpty ? nil : losses.removeValue(forKey: id)
        let guilty = report.flatMap { guiltyTask(of: worker, id, $0.running) }
        // The last one first, so that they come back in their order.
        for task in worker.held.reversed() {
            if task == guilty, let report {
                charge(task, with: report, now: now, &actions)
            } else {
                lostItsWorker(task, worker, isLoss: report != nil, &actions)
            }
        }
        actions.append(.release(id))
        schedule(now: now, &actions)
    }

    /// The task of a worker's that a loss is charged to.
    func guiltyTask(of worker: Worker, _ id: WorkerID, _ running: LossReport.Running) -> TaskID? {
        switch running {
        case .first: break
        case .task(let task, let attempt, _):
            if let record = tasks[task], record.worker == id, record.attempt == attempt { return task }
            fallthrough
        case .nothing:
            // It had begun nothing that is not answered. When that happens time and again, it is what it was sent that ends it,
            // before it can say so.
            guard let first = worker.held.first, histories[first]?.unbegunLosses ?? 0 >= Self.unbegunLossLimit else {
                return nil
            }
        }
        guard let first = worker.held.first, let record = tasks[first], record.worker == id, record.hasBegun,
            !record.isTakeBackRequested
        else { return nil }
        return first
    }

    /// So often a task may be the first of a worker that dies before it begins it, until it counts as guilty.
    private static var unbegunLossLimit: Int { 3 }

    private mutating func lostItsWorker(
        _ id: TaskID, _ worker: Worker, isLoss: Bool, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[id] else { return }
        let wasFirst = worker.held.first == id && record.hasBegun && !record.isTakeBackRequested
        let isWanted =
            !record.isCancelRequested && !record.isInterruptRequested && (wasFirst || !isCancellingFutures)
        // Somebody may wait in cancel() for the worker's word about it.
        if record.isTakeBackRequested { actions.append(.takeBackOver(id, isCancelled: !isWanted)) }
        guard isWanted else {
            forget(id, &actions)
            actions.append(.cancel(record.job))
            return
        }
        if wasFirst, isLoss { histories[id, default: TaskHistory()].unbegunLosses += 1 }
        putBack(id, &actions)
    }

    /// Puts a task that a worker held back into the backlog, before the others of its priority.
    mutating func putBack(_ id: TaskID, _ actions: inout [PoolAction<Job>]) {
        tasks.update(id) {
            $0.worker = nil
            $0.isTakeBackRequested = false
            $0.isCancelRequested = false
        }
        guard let record = tasks[id] else { return }
        backlog.prepend(id, priority: priorities[id] ?? 0)
        actions.append(.requeued(record.job))
    }

    /// The worker was lost with this task.
    private mutating func charge(
        _ id: TaskID, with report: LossReport, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let record = tasks[id] else { return }
        if record.isTakeBackRequested { actions.append(.takeBackOver(id, isCancelled: false)) }
        var history = histories[id] ?? TaskHistory()
        let element = report.running.element
        let isWithinBudget: Bool
        let losses: [WorkerLoss]
        if let element {
            isWithinBudget = history.elements[element, default: .init()].add(report, configuration.onWorkerLoss.retries)
            losses = history.elements[element]?.losses ?? []
        } else {
            isWithinBudget = history.charges.add(report, configuration.onWorkerLoss.retries)
            losses = history.charges.losses
        }
        if isWithinBudget, !record.isInterruptRequested {
            delay(id, history, failures: history.failures(of: element), element: element, now: now, &actions)
            return
        }
        let error = WorkerLostError(losses: losses)
        guard let element else {
            forget(id, &actions)
            actions.append(.fail(record.job, error))
            return
        }
        // The other elements go on without it.
        actions.append(.failElement(record.job, element, error))
        history.elements[element] = nil
        histories[id] = history
        if report.isLastElement { forget(id, &actions) } else { putBack(id, &actions) }
    }

    /// Has a task that failed run again after a pause.
    private mutating func delay(
        _ id: TaskID, _ history: TaskHistory, failures: Int, element: Int? = nil, now: Int64,
        _ actions: inout [PoolAction<Job>]
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
        actions.append(.retried(record.job, element: element))
        let pause = policy.backoff.pause(after: failures, &random)
        set(.retry(id), at: Self.later(now, pause), &actions)
    }

    mutating func retryTimer(_ id: TaskID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard tasks[id]?.isDelayed == true else { return }
        tasks.update(id) { $0.isDelayed = false }
        delayedCount -= 1
        // It has waited once already.
        backlog.prepend(id, priority: priorities[id] ?? 0)
        schedule(now: now, &actions)
    }

    /// The worker that a task was handed to, and how many workers have tasks; nil while it is with none, or is over.
    package func holder(of id: TaskID) -> (worker: WorkerID, busyWorkers: Int)? {
        tasks[id]?.worker.map { ($0, busyCount) }
    }

    /// The job of a task, wherever it is; nil if it is over.
    package func job(of id: TaskID) -> Job? { tasks[id]?.job }

    /// The job of a task that a worker holds; nil for a late answer.
    package func job(of id: TaskID, heldBy workerID: WorkerID, attempt: UInt32) -> Job? {
        guard let record = tasks[id], record.worker == workerID, record.attempt == attempt else { return nil }
        return record.job
    }

    /// What becomes of a task that threw an error which is worth another try.
    package enum RetryDecision {
        /// It will be run again.
        case again
        /// Somebody wanted to cancel it, and could: it is over.
        case cancelled
        /// Its budget is spent: nothing has changed, and the answer counts.
        case spent
        /// A late answer, to be dropped.
        case late
    }

    /// A worker answered a task with an error that the policy accepts for another try.
    ///
    /// - Parameter elementFailures: of a chunk, how often its elements have failed so, who are within their budget.
    package mutating func failedRetryably(
        _ id: TaskID, attempt: UInt32, by workerID: WorkerID, runTime: Int64, elementFailures: Int? = nil, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) -> RetryDecision {
        guard let record = tasks[id], record.worker == workerID, record.attempt == attempt else { return .late }
        var history = histories[id] ?? TaskHistory()
        if elementFailures == nil {
            history.errors += 1
            guard !record.isInterruptRequested,
                history.errors <= configuration.onWorkerLoss.retries?.errors ?? 0
            else { return .spent }
        }
        noteRunTime(runTime)
        unhold(id, by: workerID, now: now, &actions)
        if record.isTakeBackRequested {
            actions.append(.takeBackOver(id, isCancelled: record.isCancelRequested))
        }
        guard !record.isCancelRequested else {
            forget(id, &actions)
            actions.append(.cancel(record.job))
            schedule(now: now, &actions)
            return .cancelled
        }
        delay(id, history, failures: elementFailures ?? history.failures(of: nil), now: now, &actions)
        schedule(now: now, &actions)
        return .again
    }
}
