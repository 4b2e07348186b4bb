// Who gets the next task.
extension PoolState {
    /// Hands out what can be handed out, and starts what must be started. Called at the end of each event.
    mutating func schedule(now: Int64, _ actions: inout [PoolAction<Job>]) {
        switch phase {
        case .open, .shuttingDown: break
        case .broken:
            endIfDone(&actions)
            return
        case .finished: return
        }
        while backlogCount > 0, busyCount < configuration.maxWorkers, let worker = popIdle() {
            give(nextOfBacklog(), to: worker, now: now, &actions)
        }
        startWorkers(now: now, &actions)
        while backlogCount > 0, let worker = popSpare() {
            while backlogCount > 0, hasCredit(worker) {
                give(nextOfBacklog(), to: worker, now: now, &actions)
            }
            // With the backlog shared out fairly the next worker has its turn; this one is listed again when it answers.
        }
        watchForIdleness(now: now, &actions)
        breakIfStuck(now: now, &actions)
        if case .shuttingDown = phase { drainIdleWorkers(now: now, &actions) }
    }

    /// How many tasks a worker may hold beyond the one it runs.
    ///
    /// Short tasks: as many as fit into `lookahead`, so that the next one is there when one ends. Long ones: none, so
    /// that they stay on our side, where they can be cancelled and given to whoever is free first. Never more than a
    /// fair share of what waits.
    var ahead: Int {
        guard let mean = meanRunTime else { return 0 }
        guard mean < configuration.longTask else { return 0 }
        let byTime = configuration.lookahead / max(mean, 100)
        let fairShare = backlogCount / max(1, readyCount + startingCount)
        return max(min(Int(byTime), configuration.maxAhead, fairShare), 1)
    }

    private func hasCredit(_ id: WorkerID) -> Bool {
        let count = workers[existing: id].held.count
        guard case .ready = workers[existing: id].stage, count > 0 else { return false }
        return count <= ahead && workers[existing: id].tasksLeft != 0
    }

    private mutating func popIdle() -> WorkerID? {
        while let id = idle.popLast() {
            guard workers.contains(id) else { continue }
            workers[existing: id].isListedIdle = false
            if workers[existing: id].held.isEmpty, case .ready = workers[existing: id].stage { return id }
        }
        return nil
    }

    private mutating func popSpare() -> WorkerID? {
        while let id = spare.popLast() {
            guard workers.contains(id) else { continue }
            workers[existing: id].isListedSpare = false
            if hasCredit(id) { return id }
        }
        return nil
    }

    /// Puts a ready worker on the stack where it will be found.
    mutating func list(_ id: WorkerID) {
        guard case .ready = workers[existing: id].stage else { return }
        if workers[existing: id].held.isEmpty {
            guard !workers[existing: id].isListedIdle else { return }
            workers[existing: id].isListedIdle = true
            idle.append(id)
        } else {
            guard !workers[existing: id].isListedSpare else { return }
            workers[existing: id].isListedSpare = true
            spare.append(id)
        }
    }

    private mutating func nextOfBacklog() -> TaskID {
        guard let id = backlog.popFirst(where: tasks.waits) else {
            preconditionFailure("the backlog is empty but counts \(backlogCount) tasks")
        }
        return id
    }

    private mutating func give(
        _ id: TaskID, to workerID: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        tasks.update(id) {
            $0.worker = workerID
            $0.attempt &+= 1
        }
        guard let record = tasks[id] else { preconditionFailure("task \(id) is not in the table") }
        let isFirst = workers[existing: workerID].held.isEmpty
        workers[existing: workerID].held.append(id)
        heldCount += 1
        actions.append(.send(id, record.job, workerID, attempt: record.attempt))
        setRetirement(of: workerID, now: now, &actions)
        if isFirst {
            busyCount += 1
            workers[existing: workerID].isUsed = true
            workers[existing: workerID].headSince = now
            watchMemory(of: workerID, now: now, &actions)
            begin(id, now: now, &actions)
        }
        if let left = workers[existing: workerID].tasksLeft {
            workers[existing: workerID].tasksLeft = left - 1
            if left == 1 {
                workers[existing: workerID].stage = .retiring
                readyCount -= 1
                startWorkers(now: now, &actions)
                return
            }
        }
        list(workerID)
    }

    /// Takes a task out of its worker's queue, however it ended there.
    ///
    /// - Parameter beginsNext: otherwise ``beginHead(of:now:_:)`` is to be called when others have been taken out, too.
    mutating func unhold(
        _ id: TaskID, by workerID: WorkerID, beginsNext: Bool = true, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard workers.contains(workerID) else { return }
        let wasFirst = workers[existing: workerID].held.first == id
        if wasFirst {
            workers[existing: workerID].held.removeFirst()
        } else if let index = workers[existing: workerID].held.firstIndex(of: id) {
            workers[existing: workerID].held.remove(at: index)
        } else {
            return
        }
        heldCount -= 1
        if wasFirst {
            workers[existing: workerID].headSince = now
            if beginsNext { beginHead(of: workerID, now: now, &actions) }
        }
        if workers[existing: workerID].held.isEmpty {
            busyCount -= 1
            if case .retiring = workers[existing: workerID].stage {
                // A task that turned out not to be sent gave it another turn, unless its successor is there already.
                if workers[existing: workerID].tasksLeft ?? 0 > 0, !workers[existing: workerID].isWornOut,
                    startingCount + readyCount < configuration.maxWorkers
                {
                    workers[existing: workerID].stage = .ready
                    readyCount += 1
                } else {
                    drain(workerID, now: now, &actions)
                }
            }
        }
        list(workerID)
    }

    /// The first of what a worker holds.
    func head(of workerID: WorkerID) -> TaskID? {
        workers.contains(workerID) ? workers[existing: workerID].held.first : nil
    }

    /// A worker comes to the first of what it holds.
    mutating func beginHead(of workerID: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let head = head(of: workerID), let record = tasks[head] else { return }
        if record.isTakeBackRequested {
            // It has perhaps left the worker: whether it begins comes with the answer. A worker that is stuck gives none.
            watchLimits(of: head, on: workerID, now: now, &actions)
        } else {
            begin(head, now: now, &actions)
        }
    }

    // MARK: Ending workers

    mutating func drain(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        leave(id, now: now, &actions)
        actions.append(.drain(id))
    }

    /// Moves a worker to `leaving`: whatever happens to it from now on surprises nobody.
    mutating func leave(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting: startingCount -= 1
        case .ready: readyCount -= 1
        case .retiring: break
        case .leaving: return
        }
        workers[existing: id].stage = .leaving
        workers[existing: id].deadline = Self.later(now, configuration.exitTimeout)
        setTimer(of: id, &actions)
    }

    private mutating func drainIdleWorkers(now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard backlogCount == 0, delayedCount == 0, promises == 0 else { return }
        // What is held behind another task may come back; not if it is out of the books, as its worker will be soon.
        guard heldCount == busyCount || tasks.count == 0 else { return }
        while let id = popIdle() { drain(id, now: now, &actions) }
        if startingCount > 0 {
            for id in workers.ids {
                if let worker = workers[id], case .starting = worker.stage { drain(id, now: now, &actions) }
            }
        }
        endIfDone(&actions)
    }

    mutating func endIfDone(_ actions: inout [PoolAction<Job>]) {
        guard workers.isEmpty, tasks.count == 0 else { return }
        switch phase {
        case .shuttingDown where promises > 0: return
        case .shuttingDown, .broken(_, isShutDown: true): phase = .finished
        case .open, .broken(_, isShutDown: false), .finished: return
        }
        actions.append(.finished)
    }

    /// An idle worker beside one with more than it runs: looks again after a while, and takes back what is still there.
    mutating func watchForIdleness(now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard !isStealTimerSet, isIdlenessBesideWork else { return }
        isStealTimerSet = true
        set(.steal, at: now + configuration.stealDelay, &actions)
    }

    /// Asked for with each event: what is told from counts comes first.
    var isIdlenessBesideWork: Bool {
        backlogCount == 0 && heldCount > busyCount && busyCount < min(workers.count, configuration.maxWorkers)
            && idle.contains(where: idles)
    }

    /// Whether a worker could run something at once, but for the number of those that may.
    func idles(_ id: WorkerID) -> Bool {
        guard let worker = workers[id], case .ready = worker.stage else { return false }
        return worker.held.isEmpty
    }
}
