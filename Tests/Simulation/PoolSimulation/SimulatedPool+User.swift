import Futures

struct SimulatedError: Error { let what: String }

// What the pool's user does.
extension SimulatedPool {
    mutating func openPool() {
        for _ in 0..<scenario.promises {
            do { try state.promised() } catch { fail("an open pool takes no promise") }
            promises += 1
        }
        plan(.submit, in: 0)
    }

    // MARK: Submitting

    mutating func submit() {
        isWaitingForRoom = false
        var left = scenario.batch
        while left > 0, failure == nil, !isSubmitted, !isWaitingForRoom {
            submitOne()
            left -= 1
        }
        if jobs.count == scenario.tasks { endSubmitting() }
        if !isSubmitted, !isWaitingForRoom { plan(.submit, in: dice.magnitude(1, 2 * scenario.pause)) }
    }

    private mutating func submitOne() {
        guard jobs.count < scenario.tasks else { return endSubmitting() }
        var job = SimulatedJob()
        job.size = Int32(dice.below(scenario.largestSize + 1))
        job.isPoison = dice.chance(scenario.poison)
        job.isPromised = promises > 0 && (isShutDown || dice.coin())
        var ownLimits: TaskLimits?
        if dice.chance(scenario.ownLimitShare) { ownLimits = dice.pick(scenario.ownLimits) }
        job.limits = ownLimits ?? scenario.configuration.taskLimits
        let priority = scenario.priorities > 0 ? dice.from(-scenario.priorities, through: scenario.priorities) : 0
        let size = Int(job.size)
        let limit = scenario.configuration.backlogLimit
        let isFull =
            !job.isPromised && unbegunCount > 0
            && (unbegunCount >= limit.tasks || (limit.bytes != .max && unbegunBytes + size > limit.bytes))
        let isClosed = isShutDown && !(job.isPromised && !isCancelling)
        let isBroken = before.phase == .broken
        do {
            job.task = try state.submitted(
                Int(jobs.count), priority: priority, size: size, limits: ownLimits, isPromised: job.isPromised,
                now: now, &actions)
            if isFull || isClosed || isBroken {
                return fail("a task was taken by a pool that is full, shut down or broken (\(isFull), \(isClosed))")
            }
        } catch {
            log.add(now, .refused, Int64(jobs.count))
            switch error {
            case .full where isFull && !isClosed && !isBroken:
                isWaitingForRoom = true
                waitingAtRefusal = unbegunCount
            case .shutDown where isClosed || (isBroken && isShutDown), .broken where isBroken && !isShutDown:
                endSubmitting()
            default: fail("a task was refused without reason: \(error)")
            }
            return
        }
        if job.isPromised { tookPromised = true }
        if dice.chance(scenario.chunkShare) {
            job.chunk = Int32(chunks.count)
            chunks.append(SimulatedChunk(count: dice.from(1, through: scenario.largestChunk)))
        }
        take(job)
    }

    private mutating func take(_ job: SimulatedJob) {
        let index = Int32(jobs.count)
        log.add(now, .submitted, job: index)
        jobs.append(job)
        let slot = Int(job.task.rawValue & 0xffff_ffff)
        while slots.count <= slot { slots.append(-1) }
        slots[slot] = index
        liveCount += 1
        unheldCount += 1
        unbegunCount += 1
        unbegunBytes += Int(job.size)
        settle()
        react()
    }

    private mutating func endSubmitting() {
        guard !isSubmitted else { return }
        isSubmitted = true
        for _ in 0..<promises { plan(.promiseEnds, in: dice.magnitude(1, 1_000_000_000)) }
        if !isShutDown { plan(.shutDown, in: dice.magnitude(1, 10_000_000_000), detail: scenario.cancelsAtEnd ? 1 : 0) }
    }

    mutating func endPromise() {
        log.add(now, .promiseEnded)
        promises -= 1
        state.promiseEnded(now: now, &actions)
        settle()
    }

    /// Something was submitted, or has ended.
    mutating func react() {
        if dice.chance(scenario.actShare) { plan(.userActs, in: dice.magnitude(scenario.latencies)) }
        guard scenario.ending != .afterWork, !isEndPlanned, endedCount >= scenario.endAfter else { return }
        isEndPlanned = true
        plan(
            scenario.ending == .early ? .shutDown : .terminate, in: dice.magnitude(scenario.latencies),
            detail: scenario.cancelsAtEnd ? 1 : 0)
    }

    // MARK: Ending

    mutating func shutDown(cancels: Bool) {
        log.add(now, .shutDown, cancels ? 1 : 0)
        if !isShutDown, scenario.shutsDownTwice {
            plan(.shutDown, in: dice.magnitude(1, 100_000_000), detail: dice.coin() ? 1 : 0)
        }
        let wasBroken = before.phase == .broken
        isShutDown = true
        if cancels, !wasBroken { isCancelling = true }
        state.shutDown(cancelFutures: cancels, now: now, &actions)
        settle()
        if cancels, unheldCount > 0 { fail("\(unheldCount) tasks wait after a shutdown that cancels") }
    }

    mutating func terminate() {
        log.add(now, .terminated)
        isBreaking = true
        isTerminated = true
        isShutDown = true
        for index in workers.indices where workers[index].life != .none { workers[index].isLeaving = true }
        state.terminated(SimulatedError(what: "terminated"), signal: 15, now: now, &actions)
        settle()
        isTerminated = false
        if liveCount > 0 { fail("\(liveCount) tasks are left after the workers were terminated") }
        if !isSubmitted { endSubmitting() }
    }

    // MARK: Cancelling

    /// Does something to a job.
    mutating func act() {
        guard let job = pickJob() else { return }
        switch dice.below(8) {
        case 0: cancelLate(job)
        case 1: stop(job, kills: true)
        case 2, 3: stop(job, kills: false)
        default: cancel(job, waits: dice.below(4) > 0)
        }
    }

    /// A job that a worker holds, or one of those submitted last; it may have ended.
    private mutating func pickJob() -> Int32? {
        guard !jobs.isEmpty else { return nil }
        if dice.below(4) > 0, !workers.isEmpty {
            for _ in 0..<8 {
                let worker = dice.below(workers.count)
                let count = workers[worker].book.count
                if count > 0 { return workers[worker].book[dice.coin() ? 0 : dice.below(count)] }
            }
        }
        let recent = min(jobs.count, liveCount + 1)
        return Int32(jobs.count - 1 - dice.below(recent))
    }

    /// `cancel()` of a future: the task is taken out of the backlog, or its worker is asked for it.
    private mutating func cancel(_ job: Int32, waits: Bool) {
        let index = Int(job)
        log.add(now, .cancelRequested, job: job, waits ? 1 : 0)
        let right: PoolState<Int>.TakeBack
        switch jobs[index].place {
        case .over, .returning: right = .tooLate
        case .unheld:
            right = .done
            end(index, \.cancelled)
        case .held:
            let isFirst = workers[Int(jobs[index].worker)].book.first == job
            right = isFirst && !jobs[index].isAsked ? .tooLate : .asked
            if right == .asked, waits {
                jobs[index].isCancelWanted = true
                plan(.withdraw, in: 100_000_000, job: job)
            }
        }
        let answer = state.cancelRequested(jobs[index].task, waits: waits, now: now, &actions)
        if answer != right { fail("cancelling job \(job) gives \(answer) and not \(right)") }
        settle()
        if right == .asked, jobs[index].place == .held, !jobs[index].isAsked {
            fail("job \(job) was to be asked back, and its worker is not asked")
        }
    }

    /// A future was cancelled, and the scheduler is told when the task may be anywhere.
    private mutating func cancelLate(_ job: Int32) {
        if jobs[Int(job)].place == .unheld { end(Int(job), \.cancelled) }
        state.cancelled(jobs[Int(job)].task, now: now, &actions)
        settle()
    }

    /// Nobody waits any longer for a worker's answer.
    mutating func withdraw(_ job: Int32) {
        guard jobs[Int(job)].isCancelWanted, jobs[Int(job)].place == .held else { return }
        log.add(now, .withdrawn, job: job)
        jobs[Int(job)].isCancelWanted = false
        state.cancelRequestWithdrawn(jobs[Int(job)].task)
        settle()
    }

    /// Ends what hangs.
    mutating func stop(_ job: Int32, attempt: UInt32) {
        guard jobs[Int(job)].place == .held, jobs[Int(job)].attempt == attempt else { return }
        stop(job, kills: true)
    }

    private mutating func stop(_ job: Int32, kills: Bool) {
        let index = Int(job)
        log.add(now, .stopRequested, job: job, kills ? 1 : 0)
        let right: PoolState<Int>.StopOutcome
        switch jobs[index].place {
        case .over, .returning: right = .tooLate
        case .unheld:
            right = .done
            end(index, \.cancelled)
        case .held:
            let worker = Int(jobs[index].worker)
            if workers[worker].book.first != job || !jobs[index].hasBegun || jobs[index].isAsked {
                right = .isAhead
            } else if kills {
                right = .stopped
                end(index, \.cancelled)
                workers[worker].isLeaving = true
            } else {
                right = .interrupted
                jobs[index].isInterruptWanted = true
                jobs[index].isUnwanted = true
            }
        }
        let answer = state.stopRequested(jobs[index].task, kills: kills, now: now, &actions)
        if answer != right { fail("stopping job \(job) gives \(answer) and not \(right)") }
        settle()
        if right == .interrupted, jobs[index].isInterruptWanted { fail("job \(job) was to be interrupted, and is not") }
        if right == .isAhead { cancel(job, waits: true) }
    }
}
