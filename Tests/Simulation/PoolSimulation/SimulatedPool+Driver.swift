import Futures

// What the driver of a pool finds out, and tells the scheduler.
extension SimulatedPool {
    // MARK: Starts

    /// - Parameter hasProcess: whether one is there, which is then killed.
    mutating func startFailed(_ worker: Int, isFatal: Bool, isHopeless: Bool, hasProcess: Bool) {
        let id = workers[worker].id
        noteFailedStart(worker, isHopeless: isHopeless)
        if isFatal { isBreaking = true }
        workers[worker].isUnread = true
        state.workerFailedToStart(
            id, SimulatedError(what: "no start"), isFatal: isFatal, isHopeless: isHopeless, hasProcess: hasProcess,
            now: now, &actions)
        settle()
    }

    mutating func noteFailedStart(_ worker: Int, isHopeless: Bool) {
        log.add(now, .startFailed, worker: workers[worker].id)
        // One that was told to go before does not count.
        if !workers[worker].isLeaving {
            if startFailures == 0 { firstStartFailure = now }
            lastStartFailure = now
            startFailures += 1
            self.isHopeless = isHopeless
        }
        workers[worker].isLeaving = true
    }

    mutating func startTimedOut(_ worker: Int) {
        // It may have become ready since.
        guard state.isStarting(workers[worker].id) else { return }
        startFailed(worker, isFatal: false, isHopeless: dice.chance(scenario.hopelessStarts), hasProcess: true)
    }

    // MARK: Answers

    mutating func readMessages(_ worker: Int, all: Bool = false) {
        let stamp = workers[worker].stamp
        while failure == nil, workers[worker].stamp == stamp, let first = workers[worker].outbox.first,
            all || first.arrival <= now
        {
            workers[worker].outbox.removeFirst()
            if !workers[worker].isUnread { take(first, from: worker) }
        }
    }

    private mutating func take(_ message: SimulatedWorker.Message, from worker: Int) {
        let (id, job) = (workers[worker].id, Int(message.job))
        let isCurrent = isHeld(message.job, by: worker, attempt: message.attempt)
        let chunk = Int(jobs[job].chunk)
        let errors = scenario.retries?.errors ?? 0
        let known = state.job(of: jobs[job].task, heldBy: id, attempt: message.attempt)
        if (known != nil) != isCurrent || (known ?? job) != job {
            return fail("worker \(id) has job \(job) or not; the scheduler says \(String(describing: known))")
        }
        switch message.kind {
        case .part:
            log.add(now, .part, worker: id, job: message.job)
            if isCurrent { chunks[chunk].finish(message.finished, threw: message.threw, limit: errors) }
            return
        case .error where errors > 0:
            let mayTry = Int(jobs[job].errors) < errors && !jobs[job].isUnwanted
            if !isRunAgain(message, worker, isCurrent, mayTry, elementFailures: nil) { return }
        case .chunkEnd:
            if isCurrent { chunks[chunk].finish(message.finished, threw: message.threw, limit: errors) }
            if isCurrent, let failures = chunks[chunk].failuresOfDeferred {
                _ = isRunAgain(message, worker, isCurrent, true, elementFailures: failures)
                return
            }
        case .result, .error, .interrupted: break
        }
        answered(message, worker, isCurrent)
    }

    private mutating func answered(_ message: SimulatedWorker.Message, _ worker: Int, _ isCurrent: Bool) {
        let (id, job) = (workers[worker].id, Int(message.job))
        log.add(now, .answered, worker: id, job: message.job, isCurrent ? 1 : 0)
        if isCurrent {
            if message.kind == .chunkEnd, chunks[Int(jobs[job].chunk)].unfinishedCount > 0 {
                return fail("job \(job) is answered with elements left")
            }
            remove(message.job, from: worker)
            end(job, \.answered)
            noteRunTime(message.runTime)
        }
        let answer = state.answered(
            jobs[job].task, attempt: message.attempt, by: id, runTime: message.runTime, now: now, &actions)
        if answer?.job != (isCurrent ? job : nil) {
            return fail(
                "an answer about job \(job) is taken for one about \(String(describing: answer)); it is \(isCurrent ? "right" : "late")"
            )
        }
        if let answer, answer.isInterruptRequested != jobs[job].isUnwanted {
            return fail("job \(job) is answered, and somebody wanted it interrupted, or not")
        }
        settle()
    }

    /// A task threw what is worth another try.
    ///
    /// - Returns: whether its answer counts.
    private mutating func isRunAgain(
        _ message: SimulatedWorker.Message, _ worker: Int, _ isCurrent: Bool, _ mayTry: Bool, elementFailures: Int?
    ) -> Bool {
        let job = Int(message.job)
        log.add(now, .failedRetryably, worker: workers[worker].id, job: message.job)
        let isCancelled = mayTry && jobs[job].isCancelWanted
        let right: PoolState<Int>.RetryDecision =
            isCurrent ? (isCancelled ? .cancelled : mayTry ? .again : .spent) : .late
        if right == .cancelled {
            noteRunTime(message.runTime)
            remove(message.job, from: worker)
            jobs[job].fate = .isCancelled
        }
        if right == .again {
            if elementFailures == nil { jobs[job].errors += 1 }
            noteRunTime(message.runTime)
            remove(message.job, from: worker)
            jobs[job].fate = .waitsAgain
            notePause(job, failures: elementFailures ?? failures(of: job, nil))
        }
        let delayed = state.books.delayed
        let decision = state.failedRetryably(
            jobs[job].task, attempt: message.attempt, by: workers[worker].id, runTime: message.runTime,
            elementFailures: elementFailures, now: now, &actions)
        if decision != right {
            fail("job \(job) threw, and is \(decision) instead of \(right)")
            return false
        }
        if state.books.delayed != delayed + (right == .again ? 1 : 0), !isBrokenNow {
            fail("job \(job) threw, and does not pause before it runs again")
        }
        settle()
        return right == .spent
    }

    private mutating func noteRunTime(_ runTime: Int64) {
        let sample = min(max(runTime, 0), 3_600_000_000_000)
        guard let mean = meanRunTime else { return meanRunTime = sample }
        meanRunTime = sample > 8 * mean ? sample : mean + (sample - mean) / 8
    }

    /// A worker's word about a task that it was asked for, or about one that it was not.
    mutating func takeBackAnswered(_ worker: Int, _ job: Int32, _ attempt: UInt32, _ isTaken: Bool) {
        guard !workers[worker].isUnread else { return }
        let index = Int(job)
        log.add(now, isTaken ? .takenBack : .notTakenBack, worker: workers[worker].id, job: job)
        let right: Bool?
        if jobs[index].place == .over {
            right = false
        } else if !isHeld(job, by: worker, attempt: attempt) || !jobs[index].isAsked {
            right = nil
        } else if isTaken {
            let isWanted = jobs[index].isCancelWanted
            remove(job, from: worker)
            workers[worker].given -= 1
            workers[worker].wasSpared = true
            right = isWanted
            if isWanted {
                end(index, \.cancelled)
            } else {
                jobs[index].fate = isCancelling ? .isCancelled : .waitsAgain
            }
        } else {
            right = false
            jobs[index].isAsked = false
            jobs[index].isCancelWanted = false
        }
        let answer = state.takeBackAnswered(
            jobs[index].task, attempt: attempt, by: workers[worker].id, takenBack: isTaken, now: now, &actions)
        if answer != right {
            return fail("an answer about job \(job), which was asked back, gives \(String(describing: answer))")
        }
        settle()
        if right == false, !isTaken, jobs[index].place == .held, workers[worker].book.first == job,
            !jobs[index].isRunning
        {
            fail("job \(job) is kept by its worker, and does not count as running")
        }
    }

    // MARK: Memory

    /// Finds out how much memory a worker has.
    mutating func weigh(_ worker: Int) {
        let id = workers[worker].id
        guard workers[worker].life != .ended else { return }
        if dice.chance(scenario.memoryOverruns) {
            readMessages(worker, all: true)
            guard failure == nil, workers[worker].life != .none else { return }
            if state.isStarting(id) {
                return startFailed(
                    worker, isFatal: false, isHopeless: dice.chance(scenario.hopelessStarts), hasProcess: true)
            }
            workers[worker].charge = .memory
            lose(worker)
            return settle()
        }
        let memory = dice.magnitude(Scenario.memory)
        log.add(now, .weighed, worker: id, memory)
        // What it takes to come up is no reason to replace it.
        if let most = scenario.configuration.recycling.memory, memory >= most, workers[worker].given > 0 {
            workers[worker].isTooLarge = true
        }
        state.memoryMeasured(id, Int(memory), now: now, &actions)
        settle()
    }

    // MARK: Limits

    /// Finds out what a worker is at.
    mutating func measure(_ worker: Int) {
        readMessages(worker, all: true)
        guard failure == nil, workers[worker].life != .none else { return }
        let id = workers[worker].id
        log.add(now, .measured, worker: id)
        var progress: TaskProgress?
        if scenario.hasJournal, let note = workers[worker].note {
            let (element, isLast) = known(note.element, of: note.job, attempt: note.attempt, worker)
            progress = TaskProgress(
                task: jobs[Int(note.job)].task, attempt: note.attempt, element: element, since: note.since,
                isLastElement: isLast)
        }
        let isHonest = !dice.chance(scenario.wrongJournals)
        if !isHonest {
            let job = Int32(dice.below(jobs.count))
            let attempt = jobs[Int(job)].attempt
            let (element, isLast) = known(Int32(dice.below(64)), of: job, attempt: attempt, worker)
            progress = TaskProgress(
                task: jobs[Int(job)].task, attempt: attempt, element: element,
                since: now - dice.magnitude(1, 1_000_000_000), isLastElement: isLast)
        }
        if !workers[worker].isLeaving, let head = workers[worker].book.first {
            expectLimits(worker, head, progress, isHonest: isHonest)
        }
        let headHasElements = workers[worker].book.first.map { jobs[Int($0)].chunk >= 0 } ?? false
        state.progressMeasured(id, progress, headHasElements: headHasElements, now: now, &actions)
        settle()
        if let due = expected.expires { fail("job \(due.job) has used up its time, and goes on") }
        if let due = expected.interrupts { fail("job \(due.job) has used up its soft limit, and is not interrupted") }
    }

    private mutating func expectLimits(_ worker: Int, _ head: Int32, _ progress: TaskProgress?, isHonest: Bool) {
        var (job, element, since) = (head, Int32(-1), workers[worker].headSince)
        // Nobody knows which of its elements.
        var isBetween = jobs[Int(head)].chunk >= 0
        if let progress, let named = self.job(of: progress.task), isHeld(named, by: worker, attempt: progress.attempt) {
            // A journal may lie: nothing began before there was time.
            (job, element, since) = (named, progress.element.map { Int32($0) } ?? -1, max(0, progress.since))
            isBetween = false
        }
        let limits = jobs[Int(job)].limits
        let elapsed = now - since
        if elapsed >= limits.hard {
            expected.expires = (job, element)
            workers[worker].isLeaving = true
            // It is looked at when the first limit is due, which may be a while after it began: its predecessor's answer was
            // on its way, or the driver was late.
            if isHonest, element < 0, scenario.wrongJournals + scenario.stalls + scenario.nonsense == 0,
                now - max(since, workers[worker].headSince) > limits.hard + 100_000_000
            {
                fail("job \(job) expires after \(elapsed) ns, and had \(limits.hard)")
            }
        } else if elapsed >= limits.soft, !isBetween {
            let isInterrupted = workers[worker].interrupted.map { $0 == (job, jobs[Int(job)].attempt, element) }
            if isInterrupted != true { expected.interrupts = (job, element) }
        }
    }

    /// The element that a journal names, unless that is nonsense, and whether it is the last of its chunk.
    func known(_ element: Int32, of job: Int32, attempt: UInt32, _ worker: Int) -> (element: Int?, isLast: Bool) {
        guard isHeld(job, by: worker, attempt: attempt), jobs[Int(job)].chunk >= 0, element >= 0 else {
            return (nil, false)
        }
        let chunk = chunks[Int(jobs[Int(job)].chunk)]
        guard Int(element) < chunk.count, chunk.isUnfinished(Int(element)) else { return (nil, false) }
        return (Int(element), chunk.unfinishedCount == 1)
    }
}
