import Futures

// Workers that are lost, and what becomes of what they held.
extension SimulatedPool {
    /// A worker said what cannot be understood.
    mutating func giveUp(_ worker: Int) {
        guard !workers[worker].isUnread else { return }
        workers[worker].isUnread = true
        if state.isStarting(workers[worker].id) {
            return startFailed(worker, isFatal: false, isHopeless: false, hasProcess: true)
        }
        lose(worker)
        settle()
    }

    /// Its process has ended. What it had written is read first.
    mutating func processEnded(_ worker: Int) {
        workers[worker].life = .ended
        if scenario.hasJournal || dice.coin() { readMessages(worker, all: true) }
        guard failure == nil else { return }
        let id = workers[worker].id
        if state.isStarting(id) {
            noteFailedStart(worker, isHopeless: false)
            state.workerFailedToStart(
                id, SimulatedError(what: "it ended"), hasProcess: true, now: now, &actions)
        }
        if !state.expectsExit(of: id) {
            if workers[worker].isLeaving { return fail("worker \(id) was told to go, and its end is a surprise") }
            lose(worker)
        }
        exit(worker)
        settle()
    }

    mutating func lose(_ worker: Int) {
        let id = workers[worker].id
        log.add(now, .lost, worker: id)
        let loss = drawLoss(worker)
        let isLost = !workers[worker].isLeaving
        if isLost {
            report.losses += 1
            workers[worker].loss = loss
            workers[worker].isLeaving = true
            if scenario.breaksByLoss { isBreaking = true }
        }
        let task = state.task(of: id, loss.running)
        let guilty = guiltyJob(worker, loss)
        if task?.job != guilty.map({ Int($0) }) {
            return fail("worker \(id) ran \(String(describing: guilty)), and not \(String(describing: task))")
        }
        var element: Int?
        if case .task(_, _, let number) = loss.running { element = number }
        if let task, task.execution != 1 + failures(of: task.job, element) {
            return fail("job \(task.job) is lost in execution \(task.execution)")
        }
        let report = LossReport(
            WorkerLoss(
                processID: 1, status: nil, taskID: task?.id.rawValue, element: element, attempt: task?.execution ?? 1),
            running: loss.running, isLastElement: loss.isLastElement, reason: "it was lost", charge: loss.charge)
        state.workerLost(id, report, now: now, &actions)
    }

    /// What is known of how a worker was lost.
    private mutating func drawLoss(_ worker: Int) -> SimulatedWorker.Loss {
        let charge = workers[worker].charge
        guard scenario.hasJournal else { return .init(running: .first, charge: charge, isLastElement: false) }
        if !jobs.isEmpty, dice.chance(scenario.wrongJournals) {
            let named = workers[worker].book.randomElement(using: &dice.generator) ?? Int32(dice.below(jobs.count))
            let job = dice.coin() ? named : Int32(dice.below(jobs.count))
            let attempt = dice.coin() ? jobs[Int(job)].attempt : UInt32(dice.below(4))
            let (element, isLast) = known(Int32(dice.below(64)), of: job, attempt: attempt, worker)
            let running = dice.pick([
                LossReport.Running.first, .nothing, .task(jobs[Int(job)].task, attempt: attempt, element: element),
            ])
            return .init(running: running, charge: charge, isLastElement: isLast)
        }
        guard let note = workers[worker].note else {
            return .init(running: .nothing, charge: charge, isLastElement: false, truth: -1)
        }
        let (element, isLast) = known(note.element, of: note.job, attempt: note.attempt, worker)
        let current = workers[worker].current
        let isRelevant = current >= 0 && isHeld(current, by: worker, attempt: workers[worker].currentAttempt)
        return .init(
            running: .task(jobs[Int(note.job)].task, attempt: note.attempt, element: element), charge: charge,
            isLastElement: isLast, truth: workers[worker].isUnread ? nil : (isRelevant ? current : -1))
    }

    /// Who is charged with a loss.
    private func guiltyJob(_ worker: Int, _ loss: SimulatedWorker.Loss) -> Int32? {
        let book = workers[worker].book
        if case .task(let task, let attempt, _) = loss.running, let job = job(of: task),
            isHeld(job, by: worker, attempt: attempt)
        {
            return job
        }
        guard let first = book.first, jobs[Int(first)].place == .held else { return nil }
        if loss.running != .first, jobs[Int(first)].unbegunLosses < 3 { return nil }
        return jobs[Int(first)].hasBegun && !jobs[Int(first)].isAsked ? first : nil
    }

    /// How often a job, or an element of it, has failed.
    func failures(of job: Int, _ element: Int?) -> Int {
        var count = Int(jobs[job].errors)
        if let element, jobs[job].chunk >= 0 {
            count += chunks[Int(jobs[job].chunk)].charges(of: element).count
        } else if element == nil {
            count += jobs[job].charges.count
        }
        return count
    }

    /// A worker is gone: what it held comes back, or is charged.
    private mutating func exit(_ worker: Int) {
        let id = workers[worker].id
        log.add(now, .exited, worker: id)
        let isBroken = isBrokenNow
        let loss = workers[worker].loss
        let guilty = isBroken ? nil : loss.flatMap { guiltyJob(worker, $0) }
        if let truth = loss?.truth, !isBroken, let guilty, guilty != truth, jobs[Int(guilty)].unbegunLosses < 3 {
            return fail("job \(guilty) is charged, and worker \(id) ran \(truth)")
        }
        // It may have answered since, and be with another worker.
        if let truth = loss?.truth, truth >= 0, !isBroken, guilty != truth, jobs[Int(truth)].place == .held,
            Int(jobs[Int(truth)].worker) == worker
        {
            return fail("worker \(id) was lost with job \(truth), which is not charged")
        }
        let count = workers[worker].book.count
        heldCount -= count
        if count > 0 { busyCount -= 1 }
        var pauses = 0
        for index in 0..<count {
            let job = Int(workers[worker].book[index])
            guard jobs[job].place == .held else {
                ghostCount -= 1
                continue
            }
            jobs[job].place = .returning
            jobs[job].worker = -1
            returningCount += 1
            if let loss, Int32(job) == guilty {
                if charge(job, loss) { pauses += 1 }
                continue
            }
            let wasFirst = index == 0 && jobs[job].hasBegun && !jobs[job].isAsked
            let isWanted = !jobs[job].isCancelWanted && !jobs[job].isUnwanted && (wasFirst || !isCancelling)
            jobs[job].fate = isBroken ? .unknown : isWanted ? .waitsAgain : .isCancelled
            if wasFirst, isWanted, loss != nil { jobs[job].unbegunLosses += 1 }
        }
        workers[worker].book.removeAll(keepingCapacity: true)
        let delayed = state.books.delayed
        state.workerExited(id, now: now, &actions)
        if !isBrokenNow, state.books.delayed != delayed + pauses {
            fail("worker \(id) is gone, and \(state.books.delayed - delayed) tasks pause instead of \(pauses)")
        }
    }

    /// A job was lost with its worker.
    ///
    /// - Returns: whether it pauses, and then runs again.
    private mutating func charge(_ job: Int, _ loss: SimulatedWorker.Loss) -> Bool {
        var element: Int?
        if case .task(_, _, let number) = loss.running { element = number }
        let chunk = Int(jobs[job].chunk)
        var charges = element.map { chunks[chunk].charges(of: $0) } ?? jobs[job].charges
        let isWithinBudget: Bool
        switch loss.charge {
        case .crash:
            charges.crashes += 1
            isWithinBudget = Int(charges.crashes) <= scenario.retries?.crashes ?? 0
        case .memory:
            charges.memoryKills += 1
            isWithinBudget = Int(charges.memoryKills) <= scenario.retries?.memoryKills ?? 0
        }
        if let element { chunks[chunk].setCharges(of: element, charges) } else { jobs[job].charges = charges }
        if isWithinBudget, !jobs[job].isUnwanted {
            jobs[job].fate = .waitsAgain
            notePause(job, failures: failures(of: job, element))
            return true
        }
        jobs[job].fate = element == nil ? .isSetAside : .losesElement
        expected.setAside = (Int32(job), Int32(element ?? -1), charges.count)
        return false
    }

    /// It must not run before so much time has passed.
    mutating func notePause(_ job: Int, failures: Int) {
        guard let backoff = scenario.retries?.backoff else { return }
        let longest = nanoseconds(backoff.longest)
        var length = nanoseconds(backoff.first)
        for _ in 1..<max(failures, 1) where length < longest { length *= backoff.factor }
        jobs[job].notBefore = now + Int64(min(length, longest) * (1 - backoff.jitter)) - 1
    }

    func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
    }
}
