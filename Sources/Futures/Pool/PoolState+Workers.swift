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
        workers[id]!.stage = .ready
        workers[id]!.deadline = nil
        list(id)
        schedule(now: now, &actions)
    }

    /// A worker could not be started: the spawn, the handshake or its time limit failed. Its process, if there is
    /// one, is gone or is being killed.
    ///
    /// Others carry on without it. With no other left the pool breaks, with this reason.
    package mutating func workerFailedToStart(
        _ id: WorkerID, _ error: any Error, isFatal: Bool = false, hasProcess: Bool, now: Int64,
        _ actions: inout [PoolAction<Job>]
    ) {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting:
            startFailures += 1
            lastStartError = error
        case .leaving: break
        case .ready, .retiring:
            // Ready just in time after all; a failure now is a worker that talks of its initializer a second time.
            if isFatal { workerLost(id, error, now: now, &actions) }
            return
        }
        leave(id, now: now, &actions)
        if hasProcess {
            actions.append(.kill(id, signal: SIGKILL))
        } else {
            workers[id] = nil
            actions.append(.release(id))
        }
        if isFatal { breakPool(error, now: now, &actions) }
        schedule(now: now, &actions)
    }

    /// A worker broke the rules of the wire, or ended without being told to, with `error` as the report. With a process
    /// left, it is killed; `workerExited` follows.
    package mutating func workerLost(_ id: WorkerID, _ error: any Error, now: Int64, _ actions: inout [PoolAction<Job>])
    {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting:
            workerFailedToStart(id, error, hasProcess: true, now: now, &actions)
        case .leaving:
            actions.append(.kill(id, signal: SIGKILL))
        case .ready, .retiring:
            leave(id, now: now, &actions)
            actions.append(.kill(id, signal: SIGKILL))
            breakPool(error, now: now, &actions)
        }
    }

    /// A worker's process is gone and everything that it wrote has been read. An end that nobody asked for was reported
    /// as `workerLost` before.
    package mutating func workerExited(_ id: WorkerID, now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard let worker = workers[id] else { return }
        precondition(expectsExit(of: id), "worker \(id) exited in stage \(worker.stage) without a report")
        let held = worker.held
        if !held.isEmpty { busyCount -= 1 }
        heldCount -= held.count
        workers[id] = nil
        // Only a worker that was killed while it left can hold tasks, and those were failed when it was.
        for task in held { forget(task, &actions) }
        actions.append(.release(id))
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
        for (id, worker) in workers {
            if case .leaving = worker.stage { actions.append(.kill(id, signal: signal)) }
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
        for (id, worker) in workers {
            guard let deadline = worker.deadline, deadline <= now else { continue }
            workers[id]?.deadline = nil
            if case .starting = worker.stage {
                actions.append(.startTimedOut(id))
            } else {
                // It was told to exit and did not.
                actions.append(.kill(id, signal: SIGKILL))
            }
        }
        if let deadline = stealDeadline, deadline <= now {
            stealDeadline = nil
            askForWorkBack(now: now, &actions)
        }
    }

    /// Idle workers stand by while work lies behind a running task: asks for as much of it as they can take.
    private mutating func askForWorkBack(now: Int64, _ actions: inout [PoolAction<Job>]) {
        var wanted = readyCount - busyCount
        for (id, worker) in workers
        where wanted > 0 && worker.held.count > 1 && now - worker.headSince >= configuration.stealDelay {
            for task in worker.held.dropFirst().reversed() where wanted > 0 && askBackIfNeeded(task) {
                askBack(task, from: id, &actions)
                wanted -= 1
            }
        }
        // Looks again if nothing was old enough yet.
        if heldCount > busyCount, backlogCount == 0, busyCount < readyCount {
            stealDeadline = now + configuration.stealDelay
        }
    }

    private mutating func cancelWhatWaits(_ actions: inout [PoolAction<Job>]) {
        isCancellingFutures = true
        while let id = backlog.popFirst(where: tasks.waits), let record = tasks[id] {
            forget(id, &actions)
            actions.append(.cancel(record.job))
        }
        for (id, worker) in workers {
            for task in worker.held.dropFirst() { askBack(task, from: id, &actions) }
        }
    }

    private mutating func endWorkers(signal: Int32, now: Int64, _ actions: inout [PoolAction<Job>]) {
        for (id, worker) in workers {
            if case .leaving = worker.stage {} else { actions.append(.kill(id, signal: signal)) }
            leave(id, now: now, &actions)
        }
    }

    private mutating func forgetQueues() {
        backlog.removeAll()
        idle.removeAll()
        spare.removeAll()
        stealDeadline = nil
    }
}
