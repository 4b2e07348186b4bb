import Glibc

// Workers that are to be started, and those that cannot be.
extension PoolState {
    private func mayStart(now: Int64) -> Bool {
        startingCount + readyCount < configuration.maxWorkers && workers.count / 2 <= configuration.maxWorkers
            // After a failure one at a time: the next follows when this one is ready.
            && (startFailures == 0
                || (startingCount == 0 && now >= nextStart && (hasEverStarted || !isStartingHopeless)))
    }

    mutating func startWorkers(now: Int64, _ actions: inout [PoolAction<Job>]) {
        while backlogCount > startingCount, mayStart(now: now) {
            lastWorker += 1
            let id = WorkerID(rawValue: lastWorker)
            var worker = Worker()
            worker.deadline = Self.later(now, configuration.startTimeout)
            worker.tasksLeft = configuration.maxTasksPerChild
            workers.insert(id, worker)
            startingCount += 1
            actions.append(.spawn(id))
            if configuration.watchesMemoryOfStarts { watchMemory(of: id, now: now, &actions) }
            setTimer(of: id, &actions)
        }
    }

    /// A worker could not be started: the spawn, the handshake or its time limit failed. Its process, if there is
    /// one, is gone or is being killed.
    ///
    /// Others carry on without it, and after a pause the next start is tried. With no other left the pool breaks, with this
    /// reason, when there was hope enough.
    ///
    /// - Parameters:
    ///   - isFatal: breaks the pool at once, also beside others: every worker would fail so, after it had been started.
    ///   - isHopeless: another start would fail in the same way.
    package mutating func workerFailedToStart(
        _ id: WorkerID, _ error: any Error, isFatal: Bool = false, isHopeless: Bool = false, hasProcess: Bool,
        now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        guard let worker = workers[id] else { return }
        switch worker.stage {
        case .starting: startFailed(error, isHopeless: isHopeless, now: now, &actions)
        case .leaving: break
        // Ready just in time after all.
        case .ready, .retiring: return
        }
        leave(id, now: now, &actions)
        if hasProcess {
            actions.append(.kill(id, signal: SIGKILL))
        } else {
            workers.remove(id)
            actions.append(.release(id))
        }
        if isFatal { breakPool(error, now: now, &actions) }
        schedule(now: now, &actions)
    }

    private mutating func startFailed(
        _ error: any Error, isHopeless: Bool, now: Int64, _ actions: inout [PoolAction<Job>]
    ) {
        lastStartError = error
        isStartingHopeless = isHopeless
        if startFailures == 0 { firstStartFailure = now }
        startFailures += 1
        let doublings = min(startFailures - 1, 20)
        let pause = min(configuration.startPause << doublings, configuration.longestStartPause)
        nextStart = now + pause + Int64.random(in: 0...max(1, pause / 4), using: &random)
        set(.start, at: nextStart, &actions)
    }

    private func hasGivenUpStarting(now: Int64) -> Bool {
        if !hasEverStarted { return isStartingHopeless || startFailures >= configuration.maxFirstStartFailures }
        // The system may be short of something for a while.
        return startFailures >= configuration.maxStartFailures
            && (isStartingHopeless || now - firstStartFailure >= configuration.startPatience)
    }

    /// Work remains, but nobody is there who could do it, and nobody more will be started.
    mutating func breakIfStuck(now: Int64, _ actions: inout [PoolAction<Job>]) {
        guard backlogCount + delayedCount > 0, startingCount == 0, readyCount == 0, busyCount == 0,
            startFailures > 0, hasGivenUpStarting(now: now), let error = lastStartError
        else { return }
        breakPool(error, now: now, &actions)
    }
}
