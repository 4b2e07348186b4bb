import Futures

// What must be true after each event.
extension SimulatedPool {
    /// The pool may be broken: something was told that breaks it, or starts have failed for long enough.
    var mayBreak: Bool { isBreaking || hasGivenUpStarting }

    var isBrokenNow: Bool {
        switch state.books.phase {
        case .open, .shuttingDown: false
        case .broken, .finished: true
        }
    }

    private var hasGivenUpStarting: Bool {
        guard startFailures > 0 else { return false }
        let configuration = scenario.configuration
        if !hasEverStarted { return isHopeless || startFailures >= configuration.maxFirstStartFailures }
        return startFailures >= configuration.maxStartFailures
            && (isHopeless || now - firstStartFailure >= configuration.startPatience)
    }

    /// The most that a worker may hold when it is sent another task. What is delayed counts as waiting here, so that the bound
    /// is at times a little wide.
    var mostAhead: Int {
        let configuration = scenario.configuration
        guard let mean = meanRunTime, mean < configuration.longTask else { return 0 }
        let after = state.books
        let workers = min(before.ready + before.starting, after.ready + after.starting)
        let byTime = Int(configuration.lookahead / max(mean, 100))
        return max(min(byTime, configuration.maxAhead, unheldCount / max(1, workers)), 1)
    }

    /// Compares the scheduler's books with those that were kept here.
    mutating func checkBooks(asksForDeadline: Bool) {
        let books = state.books
        if let text = difference(books) ?? idleness(books) ?? deadlineTrouble(asksForDeadline) { return fail(text) }
        if books.phase == .broken, before.phase != .broken {
            for worker in workers.indices where workers[worker].life != .none { workers[worker].isLeaving = true }
        }
        isBreaking = books.phase == .broken
        before = books
        eventsUntilAudit -= 1
        if eventsUntilAudit <= 0 { audit() }
    }

    private func difference(_ books: PoolState<Int>.Books) -> String? {
        let configuration = scenario.configuration
        if returningCount != 0 { return "\(returningCount) tasks are nowhere" }
        if let due = expected.setAside { return "job \(due.job) is to be set aside, and is not" }
        if books.tasks != liveCount { return "there are \(liveCount) tasks" }
        if books.held != heldCount || books.busy != busyCount {
            return "\(busyCount) workers hold \(heldCount) tasks"
        }
        if books.backlog + books.delayed != unheldCount { return "\(unheldCount) tasks are with no worker" }
        if books.tasks != books.backlog + books.delayed + books.held - ghostCount {
            return "tasks are in no place, or in several"
        }
        if books.unbegun != unbegunCount || books.unbegunBytes != unbegunBytes {
            return "\(unbegunCount) tasks with \(unbegunBytes) bytes wait"
        }
        if books.workers != workerCount { return "there are \(workerCount) workers" }
        if books.starting + books.ready > configuration.maxWorkers || books.busy > configuration.maxWorkers {
            return "there are more workers than allowed"
        }
        if books.workers > 2 * configuration.maxWorkers + 2 { return "there are too many processes" }
        if books.promises != promises { return "there are \(promises) promises" }
        let limit = configuration.backlogLimit
        if !tookPromised, books.unbegun > limit.tasks || (books.unbegun > 1 && books.unbegunBytes > limit.bytes) {
            return "more waits than may"
        }
        if let waitingAtRefusal, books.unbegun < waitingAtRefusal { return "there is room, and nobody is told" }
        switch books.phase {
        case .open where isShutDown, .shuttingDown where !isShutDown: return "it was shut down, or not"
        case .broken where before.phase != .broken && !mayBreak: return "the pool is broken without reason"
        case .finished where finishedCount != 1 || workerCount > 0 || liveCount > 0,
            // Whoever promised work to a broken pool need not say any more that there will be none.
            .finished where promises > 0 && before.phase == .shuttingDown && !mayBreak:
            return "the pool has finished before it is over, or does not say so"
        case .open, .shuttingDown, .broken, .finished: return nil
        }
    }

    /// Whether something could be done, and is not.
    private func idleness(_ books: PoolState<Int>.Books) -> String? {
        guard books.phase == .open || books.phase == .shuttingDown else { return nil }
        let most = scenario.configuration.maxWorkers
        if books.backlog > 0, books.ready > books.busy, books.busy < most { return "workers idle beside work" }
        if books.backlog > books.starting, books.starting + books.ready < most, books.workers / 2 <= most,
            startFailures == 0
        {
            return "no worker is started for what waits"
        }
        // It looks when the next start would be due.
        let hasWaited = now - lastStartFailure > scenario.configuration.longestStartPause * 3 / 2
        if hasWaited, books.backlog + books.delayed > 0, books.starting + books.ready + books.busy == 0,
            hasGivenUpStarting
        {
            return "nobody will ever do the work, and the pool is not broken"
        }
        let isDone = liveCount == 0 && promises == 0
        if books.phase == .shuttingDown, isDone, workerCount == 0 { return "all is done, and the pool does not finish" }
        if books.phase == .shuttingDown, isDone, books.starting + books.ready > 0 { return "workers are not drained" }
        return nil
    }

    /// Whether the driver would sleep for too long.
    private mutating func deadlineTrouble(_ asksForDeadline: Bool) -> String? {
        let due = state.nextDeadline ?? .max
        if asksForDeadline || isToldOfDeadline {
            wakeUp = due
        } else if due < wakeUp {
            return "the driver sleeps until \(wakeUp), and something is due at \(due)"
        }
        if asksForDeadline, due <= now { return "something that was due is still to be done" }
        return nil
    }

    /// Goes through everything.
    private mutating func audit() {
        eventsUntilAudit = 64 + 16 * (liveCount + workerCount)
        if let text = state.audit() { return fail(text) }
        for worker in workers.indices where workers[worker].life != .none {
            let id = workers[worker].id
            let right = workers[worker].book.map { jobs[Int($0)].task }
            if !state.held(by: id).elementsEqual(right) {
                return fail("worker \(id) holds \(right), and not \(Array(state.held(by: id)))")
            }
            if workers[worker].isLeaving != state.expectsExit(of: id) { return fail("worker \(id) is to go, or not") }
        }
    }

    /// Nothing must be left of a pool that has finished.
    mutating func checkTheEnd() {
        audit()
        if endedCount != jobs.count || liveCount != 0 { fail("\(jobs.count - endedCount) tasks have not ended") }
        let books = state.books
        if books.tasks + books.held + books.workers + books.histories + books.ownLimits + books.unbegunBytes != 0 {
            fail("the pool has finished, and something is left")
        }
        do {
            _ = try state.submitted(-1, now: now, &actions)
            fail("a pool that has finished takes a task")
        } catch {}
        // Timers that have lost their meaning.
        while let due = state.nextDeadline, failure == nil {
            now = max(now, due)
            state.timePassed(now: now, &actions)
        }
        if !actions.isEmpty { fail("a pool that has finished asks for \(actions)") }
        report.digest = (report.digest ^ log.digest) &* 0x9e37_79b9_7f4a_7c15
    }
}
