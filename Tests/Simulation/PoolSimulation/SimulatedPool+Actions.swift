import Futures
import Glibc

// Carrying out what the scheduler asks for: the driver's part of a pool, with checks.
extension SimulatedPool {
    /// Carries out what an event led to, and compares the books.
    ///
    /// - Parameter asksForDeadline: whether the driver looks afterwards when it has to wake up.
    mutating func settle(asksForDeadline: Bool = false) {
        report.events += 1
        isToldOfDeadline = false
        var index = 0
        while index < actions.count, failure == nil {
            let action = actions[index]
            index += 1
            carryOut(action)
        }
        actions.removeAll(keepingCapacity: true)
        if failure == nil { checkBooks(asksForDeadline: asksForDeadline) }
    }

    func place(of id: WorkerID) -> Int? {
        guard id.rawValue < UInt64(places.count), places[Int(id.rawValue)] >= 0 else { return nil }
        return Int(places[Int(id.rawValue)])
    }

    func job(of task: TaskID) -> Int32? {
        let slot = Int(task.rawValue & 0xffff_ffff)
        guard slot < slots.count, slots[slot] >= 0, jobs[Int(slots[slot])].task == task else { return nil }
        return slots[slot]
    }

    func isHeld(_ job: Int32, by worker: Int, attempt: UInt32) -> Bool {
        jobs[Int(job)].place == .held && Int(jobs[Int(job)].worker) == worker && jobs[Int(job)].attempt == attempt
    }

    private mutating func carryOut(_ action: PoolAction<Int>) {
        switch action {
        case .spawn(let id): spawn(id)
        case .send(let task, let job, let worker, let attempt): send(task, job, worker, attempt)
        case .began(let job): began(job)
        case .takeBack(let task, let worker, let attempt): takeBack(task, worker, attempt)
        case .measureProgress(let id):
            guard let worker = place(of: id) else { return fail("worker \(id) is measured, and is gone") }
            plan(
                .measure, in: dice.coin() ? 0 : dice.magnitude(scenario.latencies), worker: worker,
                stamp: workers[worker].stamp)
        case .measureMemory(let id):
            guard let worker = place(of: id) else { return fail("worker \(id) is weighed, and is gone") }
            // Of one that idles the memory is looked at once.
            if !workers[worker].book.isEmpty || workers[worker].life == .starting { reasonsForTimers += 2 }
            plan(.weigh, in: dice.coin() ? 0 : 1_000_000, worker: worker, stamp: workers[worker].stamp)
        case .interrupt(let task, let worker, let attempt, let element): interrupt(task, worker, attempt, element)
        case .expired(let job, let element, let worker, let execution): expired(job, element, worker, execution)
        case .takeBackOver(let task, _): takeBackOver(task)
        case .requeued(let job): requeued(job)
        case .retried(let job, _):
            if jobs[job].place != .unheld { fail("job \(job) is tried again, and has not been queued") }
        case .fail(let job, let error): failed(job, error)
        case .failElement(let job, let element, let error): elementFailed(job, element, error)
        case .cancel(let job): cancelled(job)
        case .drain(let id): drain(id)
        case .kill(let id, let signal): kill(id, signal)
        case .startTimedOut(let id):
            log.add(now, .startTimedOut, worker: id)
            guard let worker = place(of: id) else { return fail("worker \(id) does not start, and is gone") }
            plan(.startTimedOut, in: dice.coin() ? 0 : 1_000_000, worker: worker, stamp: workers[worker].stamp)
        case .release(let id): release(id)
        case .roomAppeared:
            log.add(now, .roomAppeared)
            waitingAtRefusal = nil
            if isWaitingForRoom {
                isWaitingForRoom = false
                plan(.submit, in: dice.magnitude(scenario.latencies))
            }
        case .deadlineChanged: isToldOfDeadline = true
        case .finished:
            log.add(now, .finished)
            finishedCount += 1
            if finishedCount > 1 { fail("the pool finishes twice") }
        }
    }

    // MARK: Tasks

    private mutating func send(_ task: TaskID, _ job: Int, _ id: WorkerID, _ attempt: UInt32) {
        log.add(now, .send, worker: id, job: Int32(job), Int64(attempt))
        guard jobs[job].place == .unheld, jobs[job].task == task else {
            return fail("job \(job) is sent, and not there")
        }
        guard let worker = place(of: id) else { return fail("job \(job) is sent to worker \(id), which is gone") }
        if workers[worker].isLeaving || workers[worker].life == .starting {
            return fail("job \(job) is sent to worker \(id), which is not ready")
        }
        if attempt <= jobs[job].attempt { return fail("job \(job) is sent with an old attempt number") }
        if now < jobs[job].notBefore { return fail("job \(job) is sent in its pause") }
        if workers[worker].isTooLarge || isTooOld(worker) {
            return fail("worker \(id) is to be replaced, and is sent a task")
        }
        let ahead = workers[worker].book.count
        if ahead > 0, ahead > mostAhead { return fail("worker \(id) holds \(ahead) tasks and is sent another") }
        jobs[job].attempt = attempt
        jobs[job].worker = Int32(worker)
        jobs[job].place = .held
        unheldCount -= 1
        heldCount += 1
        workers[worker].given += 1
        workers[worker].usedSince = min(workers[worker].usedSince, now)
        if let most = scenario.configuration.maxTasksPerChild, workers[worker].given > most {
            return fail("worker \(id) gets more than \(most) tasks")
        }
        workers[worker].book.append(Int32(job))
        if ahead == 0 {
            busyCount += 1
            workers[worker].headSince = now
            if busyCount > scenario.configuration.maxWorkers { return fail("\(busyCount) workers run tasks") }
        }
        if dice.chance(scenario.notSentShare) { return notSent(job, worker) }
        if jobs[job].chunk >= 0 { chunks[Int(jobs[job].chunk)].beginAttempt() }
        let arrival = arrivalTime(at: worker)
        workers[worker].queue.append(.init(job: Int32(job), attempt: attempt, arrival: arrival))
        if workers[worker].queue.count == 1, workers[worker].current < 0 {
            plan(.taskArrives, in: arrival - now, worker: worker, stamp: workers[worker].stamp)
        }
    }

    /// The driver finds that the future was cancelled.
    private mutating func notSent(_ job: Int, _ worker: Int) {
        log.add(now, .notSent, job: Int32(job))
        remove(Int32(job), from: worker)
        end(job, \.cancelled)
        workers[worker].given -= 1
        workers[worker].wasSpared = true
        state.taskWasNotSent(jobs[job].task, to: workers[worker].id, now: now, &actions)
    }

    private mutating func began(_ job: Int) {
        log.add(now, .began, job: Int32(job))
        // It was cancelled when it was to be sent.
        if jobs[job].place == .over { return }
        guard jobs[job].place == .held, workers[Int(jobs[job].worker)].book.first == Int32(job) else {
            return fail("job \(job) begins, and is not the first of a worker")
        }
        jobs[job].isRunning = true
        if !jobs[job].hasBegun {
            jobs[job].hasBegun = true
            unbegunCount -= 1
            unbegunBytes -= Int(jobs[job].size)
        }
    }

    private mutating func takeBack(_ task: TaskID, _ id: WorkerID, _ attempt: UInt32) {
        guard let worker = place(of: id), let job = job(of: task), isHeld(job, by: worker, attempt: attempt),
            !jobs[Int(job)].isAsked
        else { return fail("worker \(id) is asked for task \(task), which it does not have, or is asked twice") }
        log.add(now, .takeBack, worker: id, job: job)
        jobs[Int(job)].isAsked = true
        let time = arrivalTime(at: worker) - now
        plan(.question, in: time, worker: worker, stamp: workers[worker].stamp, job: job, attempt: attempt)
    }

    private mutating func interrupt(_ task: TaskID, _ id: WorkerID, _ attempt: UInt32, _ element: Int?) {
        guard let worker = place(of: id), let job = job(of: task), isHeld(job, by: worker, attempt: attempt) else {
            return fail("worker \(id) is to interrupt task \(task), which it does not have")
        }
        log.add(now, .interrupt, worker: id, job: job)
        let element = Int32(element ?? -1)
        if let due = expected.interrupts, due == (job, element) {
            expected.interrupts = nil
        } else if jobs[Int(job)].isInterruptWanted, element < 0 {
            jobs[Int(job)].isInterruptWanted = false
        } else {
            return fail("job \(job) is interrupted without reason")
        }
        workers[worker].interrupted = (job, attempt, element)
        plan(
            .interruption, in: arrivalTime(at: worker) - now, worker: worker, stamp: workers[worker].stamp, job: job,
            attempt: attempt, detail: element)
    }

    private mutating func expired(_ job: Int, _ element: Int?, _ id: WorkerID, _ execution: Int) {
        log.add(now, .expired, worker: id, job: Int32(job), Int64(element ?? -1))
        guard let due = expected.expires, due == (Int32(job), Int32(element ?? -1)) else {
            return fail("job \(job) expires before its time")
        }
        expected.expires = nil
        if execution != 1 + failures(of: job, element) { return fail("job \(job) expires in execution \(execution)") }
        guard let element else { return end(job, \.failed) }
        let chunk = Int(jobs[job].chunk)
        chunks[chunk].fail(element)
        jobs[job].attempt += 1
        if chunks[chunk].unfinishedCount == 0 { end(job, \.failed) }
    }

    private mutating func takeBackOver(_ task: TaskID) {
        guard let job = job(of: task), jobs[Int(job)].isAsked else {
            return fail("whoever waits for task \(task) is told, and nobody does")
        }
        log.add(now, .takeBackOver, job: job)
        jobs[Int(job)].isAsked = false
    }

    private mutating func requeued(_ job: Int) {
        log.add(now, .requeued, job: Int32(job))
        guard jobs[job].place == .returning, jobs[job].fate == .waitsAgain else {
            return fail("job \(job) waits again, and should be \(jobs[job].place), \(jobs[job].fate)")
        }
        jobs[job].place = .unheld
        jobs[job].fate = .unknown
        jobs[job].isAsked = false
        jobs[job].isCancelWanted = false
        jobs[job].isRunning = false
        returningCount -= 1
        unheldCount += 1
    }

    private mutating func failed(_ job: Int, _ error: any Error) {
        log.add(now, .failed, job: Int32(job))
        if let lost = error as? WorkerLostError {
            guard let due = expected.setAside, due == (Int32(job), -1, lost.losses.count) else {
                return fail("job \(job) is set aside for \(lost.losses.count) losses, and should not be")
            }
            expected.setAside = nil
        } else if !mayBreak {
            return fail("job \(job) fails with \(error), and the pool is not broken")
        } else if isTerminated, jobs[job].place == .unheld {
            return fail("job \(job) waits, and is not cancelled when the workers are terminated")
        }
        end(job, \.failed)
    }

    private mutating func elementFailed(_ job: Int, _ element: Int, _ error: any Error) {
        log.add(now, .failElement, job: Int32(job), Int64(element))
        guard let lost = error as? WorkerLostError, jobs[job].place == .returning, jobs[job].fate == .losesElement,
            let due = expected.setAside, due == (Int32(job), Int32(element), lost.losses.count)
        else { return fail("element \(element) of job \(job) is given up, and should not be: \(error)") }
        expected.setAside = nil
        let chunk = Int(jobs[job].chunk)
        chunks[chunk].fail(element)
        chunks[chunk].setCharges(of: element, .init())
        jobs[job].fate = .waitsAgain
        if chunks[chunk].unfinishedCount == 0 { end(job, \.failed) }
    }

    private mutating func cancelled(_ job: Int) {
        log.add(now, .cancel, job: Int32(job))
        switch jobs[job].place {
        case .unheld where isCancelling || isTerminated: break
        case .returning where jobs[job].fate == .isCancelled: break
        default: return fail("job \(job) is cancelled, and is \(jobs[job].place), \(jobs[job].fate)")
        }
        if jobs[job].isRunning, !jobs[job].isUnwanted { return fail("job \(job) runs, and is cancelled") }
        end(job, \.cancelled)
    }

    /// A job has ended.
    mutating func end(_ job: Int, _ outcome: WritableKeyPath<SimulationReport, Int>) {
        switch jobs[job].place {
        case .over: return fail("job \(job) ends twice")
        case .unheld: unheldCount -= 1
        case .held: ghostCount += 1
        case .returning: returningCount -= 1
        }
        jobs[job].place = .over
        jobs[job].isRunning = false
        if !jobs[job].hasBegun {
            unbegunCount -= 1
            unbegunBytes -= Int(jobs[job].size)
        }
        liveCount -= 1
        endedCount += 1
        report[keyPath: outcome] += 1
        react()
    }

    /// A worker has a job no longer; what becomes of it follows.
    mutating func remove(_ job: Int32, from worker: Int) {
        let isFirst = workers[worker].book.first == job
        if isFirst {
            workers[worker].book.removeFirst()
            workers[worker].headSince = now
        } else if let index = workers[worker].book.firstIndex(of: job) {
            workers[worker].book.remove(at: index)
        }
        heldCount -= 1
        if workers[worker].book.isEmpty { busyCount -= 1 }
        jobs[Int(job)].worker = -1
        jobs[Int(job)].place = .returning
        jobs[Int(job)].fate = .unknown
        returningCount += 1
    }

    // MARK: Workers

    private mutating func spawn(_ id: WorkerID) {
        log.add(now, .spawn, worker: id)
        if Int(id.rawValue) != places.count {
            return fail("worker \(id) is started, and there were \(places.count - 1)")
        }
        if isShutDown, liveCount == 0 { return fail("worker \(id) is started for nothing") }
        let worker = freePlaces.popLast().map { Int($0) } ?? workers.count
        if worker == workers.count { workers.append(SimulatedWorker()) }
        lastStamp += 1
        workers[worker].becomes(id, stamp: lastStamp)
        workers[worker].ignoresTerm = dice.chance(scenario.stubborn)
        places.append(Int32(worker))
        workerCount += 1
        report.workers += 1
        reasonsForTimers += 8
        report.mostWorkers = max(report.mostWorkers, workerCount)
        if !dice.chance(scenario.stuckStarts) {
            plan(.startEnds, in: dice.magnitude(scenario.startTimes), worker: worker, stamp: lastStamp)
        }
    }

    private mutating func drain(_ id: WorkerID) {
        log.add(now, .drain, worker: id)
        guard let worker = place(of: id), !workers[worker].isLeaving, workers[worker].book.isEmpty else {
            return fail("worker \(id) is drained, and is gone, on its way, or has tasks")
        }
        let wasLast = scenario.configuration.maxTasksPerChild.map { workers[worker].given >= $0 } ?? false
        if !isShutDown, !wasLast, !workers[worker].wasSpared, !workers[worker].isTooLarge, !mayBeOld(worker) {
            return fail("worker \(id) is drained without reason")
        }
        if !isShutDown, workers[worker].given == 0, !workers[worker].wasSpared {
            return fail("worker \(id) is drained, and has run nothing")
        }
        workers[worker].isLeaving = true
        plan(.drain, in: arrivalTime(at: worker) - now, worker: worker, stamp: workers[worker].stamp)
    }

    /// A worker is old enough for the scheduler to replace it.
    private func mayBeOld(_ worker: Int) -> Bool {
        let recycling = scenario.configuration.recycling
        guard let age = recycling.age else { return false }
        // A double has rounded it.
        return Double(now - workers[worker].usedSince) >= nanoseconds(age) * (1 - recycling.jitter) - 1
    }

    /// A worker is so old that the scheduler must have replaced it, though its driver be late.
    private func isTooOld(_ worker: Int) -> Bool {
        guard let age = scenario.configuration.recycling.age, workers[worker].usedSince < now else { return false }
        return Double(now - workers[worker].usedSince) > nanoseconds(age) + Double(scenario.lateness) + 1
    }

    private mutating func kill(_ id: WorkerID, _ signal: Int32) {
        log.add(now, .kill, worker: id, Int64(signal))
        guard let worker = place(of: id) else { return fail("worker \(id) is killed, and is gone") }
        if !workers[worker].isLeaving, !mayBreak { return fail("worker \(id) is killed without reason") }
        workers[worker].isLeaving = true
        guard workers[worker].life != .ended else { return }
        if signal == SIGKILL {
            plan(.dies, in: dice.magnitude(10_000, 1_000_000), worker: worker, stamp: workers[worker].stamp)
        } else if !workers[worker].ignoresTerm, !workers[worker].isFrozen {
            plan(.dies, in: dice.magnitude(10_000, 100_000_000), worker: worker, stamp: workers[worker].stamp)
        }
    }

    private mutating func release(_ id: WorkerID) {
        log.add(now, .release, worker: id)
        guard let worker = place(of: id), workers[worker].life == .ended else {
            return fail("worker \(id) is released, and lives, or is gone")
        }
        if !workers[worker].book.isEmpty { return fail("worker \(id) is released with tasks") }
        places[Int(id.rawValue)] = -1
        workers[worker].life = .none
        workers[worker].stamp = 0
        workers[worker].step = 0
        freePlaces.append(Int32(worker))
        workerCount -= 1
    }
}
