import Glibc

// Events of workers, of the clock and of the executor.
extension PoolState {
    /// A worker's handshake and initializer are done.
    package mutating func workerReady(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id], case .starting = worker.stage else { return }
        startingCount -= 1
        readyCount += 1
        hasEverStarted = true
        startFailures = 0
        isStartingHopeless = false
        workers[existing: id].stage = .ready
        workers[existing: id].deadline = .max
        workers[existing: id].memoryDue = .max
        list(id)
        schedule(now: now, &actions)
    }

    /// Fails everything, ends all workers: Python's rule when a worker is lost.
    mutating func breakPool(_ error: any Error, now: Int64, _ actions: inout [PoolAction<Job>]) {
        switch phase {
        case .open: phase = .broken(error, isShutDown: false)
        case .shuttingDown: phase = .broken(error, isShutDown: true)
        case .broken, .finished: return
        }
        endWorkers(signal: SIGTERM, now: now, &actions)
        for id in tasks.ids {
            guard let record = tasks[id] else { continue }
            forget(id, &actions)
            actions.append(.fail(record.job, error))
        }
        forgetQueues()
        tellRefused(&actions)
        endIfDone(&actions)
    }

    /// The user ended the workers: running tasks fail with `error`, waiting ones are cancelled.
    package mutating func terminated(
        _ error: any Error, signal: Int32, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        switch phase {
        case .open, .shuttingDown: phase = .broken(error, isShutDown: true)
        case .broken: phase = .broken(error, isShutDown: true)
        case .finished: return
        }
        // Those that are leaving, too: they may take their time, and a second call be more in earnest than the first.
        for id in workers.ids {
            if let worker = workers[id], case .leaving = worker.stage { actions.append(.kill(id, signal: signal)) }
        }
        endWorkers(signal: signal, now: now, &actions)
        for id in tasks.ids {
            guard let record = tasks[id] else { continue }
            forget(id, &actions)
            actions.append(record.worker == nil ? .cancel(record.job) : .fail(record.job, error))
        }
        forgetQueues()
        tellRefused(&actions)
        endIfDone(&actions)
    }

    /// The executor was shut down, or nobody refers to it any more.
    package mutating func shutDown(cancelFutures: Bool, now: Int64, _ actions: inout [PoolAction<Job>]) {
        switch phase {
        case .open: phase = .shuttingDown
        case .shuttingDown: break
        case .broken(let error, _): phase = .broken(error, isShutDown: true)
        case .finished: return
        }
        if cancelFutures { cancelWhatWaits(&actions) }
        tellRefused(&actions)
        schedule(now: now, &actions)
    }

    /// Time has passed; call it at ``nextDeadline``.
    package mutating func timePassed(now: Int64, _ actions: inout [PoolAction<Job>]) {
        while let (kind, time) = timers.popDue(now: now) {
            switch kind {
            case .worker(let id): workerTimer(id, setFor: time, now: now, &actions)
            case .steal:
                isStealTimerSet = false
                if isIdlenessBesideWork { askForWorkBack(now: now, &actions) }
            case .retry(let id): retryTimer(id, now: now, &actions)
            case .start: schedule(now: now, &actions)
            }
        }
    }

    private mutating func workerTimer(
        _ id: WorkerID, setFor time: Int64, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        // An older entry: one for an earlier time was set since, or the worker is gone.
        guard let worker = workers[id], worker.timer == time else { return }
        workers[existing: id].timer = .max
        if worker.deadline <= now {
            workers[existing: id].deadline = .max
            if case .starting = worker.stage {
                actions.append(.startTimedOut(id))
            } else {
                // It was told to exit and did not.
                actions.append(.kill(id, signal: SIGKILL))
            }
        }
        if worker.limitDue <= now {
            workers[existing: id].limitDue = .max
            if !worker.held.isEmpty { actions.append(.measureProgress(id)) }
        }
        if worker.memoryDue <= now {
            // Of one that idles once more: what it has run last counts.
            let isBusy = isStarting(id) || !worker.held.isEmpty
            workers[existing: id].memoryDue = isBusy ? Self.later(now, configuration.memoryWatchInterval) : .max
            actions.append(.measureMemory(id))
        }
        if worker.retirement <= now {
            workers[existing: id].retirement = .max
            retire(id, now: now, &actions)
        }
        setTimer(of: id, &actions)
    }

    /// Sees to it that somebody looks at the worker when something about it is due.
    mutating func setTimer(of id: WorkerID, _ actions: inout [PoolAction<Job>]) {
        guard workers.contains(id) else { return }
        let due = workers[existing: id].due
        guard due < workers[existing: id].timer else { return }
        workers[existing: id].timer = due
        set(.worker(id), at: due, &actions)
    }

    mutating func set(_ kind: PoolTimers.Kind, at time: Int64, _ actions: inout [PoolAction<Job>]) {
        let isEarlier = time < timers.next ?? .max
        timers.set(kind, at: time)
        // One for each worker and each task that pauses, and a few that are not for one of these.
        timers.dropMeaningless(most: workers.count + delayedCount) { entry in
            switch entry.kind {
            case .worker(let id): workers[id]?.timer == entry.time
            case .retry(let id): tasks[id]?.isDelayed == true
            case .steal, .start: true
            }
        }
        if isEarlier { actions.append(.deadlineChanged) }
    }

    /// Idle workers stand by while work lies behind a running task: asks for as much of it as they can take, in its order.
    private mutating func askForWorkBack(now: Int64, _ actions: inout [PoolAction<Job>]) {
        var wanted = min(idle.count(where: idles), configuration.maxWorkers - busyCount)
        var isMoreThere = false
        for id in workers.ids where wanted > 0 {
            guard let worker = workers[id], worker.held.count > 1 else { continue }
            // What one has that is on its way out comes back by itself.
            if case .leaving = worker.stage { continue }
            let isOld = now - worker.headSince >= configuration.stealDelay
            for task in worker.held.dropFirst() where wanted > 0 && askBackIfNeeded(task) {
                guard isOld else {
                    isMoreThere = true
                    break
                }
                askBack(task, from: id, &actions)
                wanted -= 1
            }
        }
        // Not when everything was asked for: a worker that is stuck would keep this busy.
        if isMoreThere || wanted <= 0 { watchForIdleness(now: now, &actions) }
    }

    private mutating func cancelWhatWaits(_ actions: inout [PoolAction<Job>]) {
        isCancellingFutures = true
        while let id = backlog.popFirst(where: tasks.waits), let record = tasks[id] {
            forget(id, &actions)
            actions.append(.cancel(record.job))
        }
        if delayedCount > 0 {
            for id in tasks.ids {
                guard let record = tasks[id], record.isDelayed else { continue }
                forget(id, &actions)
                actions.append(.cancel(record.job))
            }
        }
        for id in workers.ids {
            guard let worker = workers[id] else { continue }
            for task in worker.held.dropFirst() { askBack(task, from: id, &actions) }
        }
    }

    private mutating func endWorkers(signal: Int32, now: Int64, _ actions: inout [PoolAction<Job>]) {
        for id in workers.ids {
            if let worker = workers[id], case .leaving = worker.stage {
            } else {
                actions.append(.kill(id, signal: signal))
            }
            leave(id, now: now, &actions)
        }
    }

    private mutating func forgetQueues() {
        backlog.removeAll()
        idle.removeAll()
        spare.removeAll()
    }
}
