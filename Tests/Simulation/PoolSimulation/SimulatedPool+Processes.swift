import Futures

// What the processes of workers do.
extension SimulatedPool {
    /// When a message to a worker arrives that is written now: not before the one before it.
    mutating func arrivalTime(at worker: Int) -> Int64 {
        let time = max(workers[worker].lastIn, now + dice.magnitude(scenario.latencies))
        workers[worker].lastIn = time
        return time
    }

    mutating func startEnds(_ worker: Int) {
        guard workers[worker].life == .starting else { return }
        if dice.chance(scenario.failedStarts) { return startFails(worker) }
        if dice.chance(scenario.fatalStarts) {
            return startFailed(worker, isFatal: true, isHopeless: false, hasProcess: true)
        }
        workers[worker].life = .running
        log.add(now, .ready, worker: workers[worker].id)
        if !workers[worker].isLeaving {
            hasEverStarted = true
            startFailures = 0
            isHopeless = false
        }
        state.workerReady(workers[worker].id, now: now, &actions)
        settle()
        if workers[worker].isDrained { die(worker, .crash) }
    }

    private mutating func startFails(_ worker: Int) {
        switch dice.below(3) {
        case 0:
            // There is no process.
            workers[worker].life = .ended
            startFailed(worker, isFatal: false, isHopeless: dice.chance(scenario.hopelessStarts), hasProcess: false)
        case 1:
            startFailed(worker, isFatal: false, isHopeless: dice.chance(scenario.hopelessStarts), hasProcess: true)
        default: die(worker, .crash)
        }
    }

    /// Begins the next task, if it has come.
    mutating func beginNext(_ worker: Int) {
        guard workers[worker].life == .running, !workers[worker].isFrozen, workers[worker].current < 0,
            let next = workers[worker].queue.first
        else { return }
        if next.arrival > now {
            plan(.taskArrives, in: next.arrival - now, worker: worker, stamp: workers[worker].stamp)
            return
        }
        if dice.chance(scenario.freezes) {
            workers[worker].isFrozen = true
            return help(worker, next.job, next.attempt)
        }
        workers[worker].queue.removeFirst()
        workers[worker].current = next.job
        workers[worker].currentAttempt = next.attempt
        workers[worker].finished = 0
        workers[worker].threw = 0
        let chunk = jobs[Int(next.job)].chunk
        beginStep(worker, element: chunk < 0 ? -1 : Int32(chunks[Int(chunk)].next(from: 0, without: 0) ?? 0))
    }

    private mutating func beginStep(_ worker: Int, element: Int32) {
        let job = workers[worker].current
        workers[worker].element = element
        workers[worker].since = now
        workers[worker].note = .init(
            job: job, attempt: workers[worker].currentAttempt, element: element, since: now)
        lastStamp += 1
        workers[worker].step = lastStamp
        let outcome = drawOutcome(job, element)
        workers[worker].outcome = outcome
        if outcome == .hangs { return help(worker, job, workers[worker].currentAttempt) }
        plan(.stepEnds, in: dice.magnitude(scenario.runTimes), worker: worker, stamp: lastStamp)
    }

    private mutating func drawOutcome(_ job: Int32, _ element: Int32) -> SimulatedWorker.Outcome {
        // Of a chunk that is poison, one element is.
        if jobs[Int(job)].isPoison, element < 0 || Int(element) == chunks[Int(jobs[Int(job)].chunk)].count / 2 {
            return .crashes
        }
        if dice.chance(scenario.crashes) { return .crashes }
        if dice.chance(scenario.memoryKills) { return .outOfMemory }
        if dice.chance(scenario.hangs) { return .hangs }
        return dice.chance(scenario.errors) ? .throwsError : .answers
    }

    /// Something hangs. Where it has a limit, the scheduler has to end it; elsewhere somebody will.
    private mutating func help(_ worker: Int, _ job: Int32, _ attempt: UInt32) {
        let isLimited = jobs[Int(job)].limits.hard != .max && scenario.nonsense == 0
        if scenario.isAlwaysLimited || isLimited { return }
        if dice.coin() { plan(.stopsJob, in: dice.magnitude(1_000_000, 10_000_000_000), job: job, attempt: attempt) }
        plan(
            .dies, in: dice.magnitude(1_000_000_000, 30_000_000_000), worker: worker, stamp: workers[worker].stamp)
    }

    mutating func stepEnds(_ worker: Int) {
        guard workers[worker].life == .running, !workers[worker].isFrozen else { return }
        switch workers[worker].outcome {
        case .crashes: die(worker, .crash)
        case .outOfMemory: die(worker, .memory)
        case .hangs: break
        case .answers: finishStep(worker, .result)
        case .throwsError: finishStep(worker, .error)
        }
    }

    /// The call, or the element, is done.
    private mutating func finishStep(_ worker: Int, _ kind: SimulatedWorker.Message.Kind) {
        let job = workers[worker].current
        let chunk = Int(jobs[Int(job)].chunk)
        let runTime = now - workers[worker].since
        if chunk < 0 {
            finishTask(worker, kind, runTime: runTime)
            return
        }
        let element = Int(workers[worker].element)
        let bit = UInt64(1) << UInt64(element)
        workers[worker].finished |= bit
        if kind != .result { workers[worker].threw |= bit }
        guard let next = chunks[chunk].next(from: element + 1, without: workers[worker].finished) else {
            // Sometimes it is the call as a whole that fails.
            return finishTask(worker, dice.chance(scenario.errors / 4) ? .error : .chunkEnd, runTime: runTime)
        }
        if dice.chance(scenario.parts) { tell(worker, .part, runTime: runTime) }
        beginStep(worker, element: Int32(next))
    }

    private mutating func finishTask(_ worker: Int, _ kind: SimulatedWorker.Message.Kind, runTime: Int64) {
        tell(worker, kind, runTime: runTime)
        workers[worker].current = -1
        workers[worker].step = 0
        if workers[worker].queue.isEmpty, dice.chance(scenario.idleDeaths) { return die(worker, .crash) }
        beginNext(worker)
    }

    /// Writes what is finished of what it runs.
    private mutating func tell(_ worker: Int, _ kind: SimulatedWorker.Message.Kind, runTime: Int64) {
        var message = SimulatedWorker.Message(
            kind: kind, job: workers[worker].current, attempt: workers[worker].currentAttempt, runTime: runTime,
            finished: workers[worker].finished, threw: workers[worker].threw)
        workers[worker].finished = 0
        workers[worker].threw = 0
        if dice.chance(scenario.nonsense) { tellNonsense(worker, message) }
        if dice.chance(scenario.nonsense) { message.runTime = dice.pick([-1, .min, .max, 0]) }
        write(worker, message)
        if kind != .part, dice.chance(scenario.nonsense) { write(worker, message) }
        if dice.chance(scenario.brokenRules) {
            plan(.givesUp, in: dice.magnitude(scenario.latencies), worker: worker, stamp: workers[worker].stamp)
        }
    }

    private mutating func tellNonsense(_ worker: Int, _ message: SimulatedWorker.Message) {
        var message = message
        if message.kind == .part || message.kind == .chunkEnd { message.kind = .result }
        if dice.coin() {
            message.attempt = dice.coin() ? message.attempt + 1 : message.attempt - 1
        } else {
            message.job = Int32(dice.below(jobs.count))
            message.attempt = jobs[Int(message.job)].attempt
        }
        write(worker, message)
        // What nobody asked about.
        let job = dice.coin() ? message.job : Int32(dice.below(jobs.count))
        plan(
            .reply, in: dice.magnitude(scenario.latencies), worker: worker, stamp: workers[worker].stamp, job: job,
            attempt: jobs[Int(job)].attempt, detail: dice.coin() ? 1 : 2)
    }

    private mutating func write(_ worker: Int, _ message: SimulatedWorker.Message) {
        var message = message
        var time = dice.magnitude(scenario.latencies)
        if dice.chance(scenario.stalls) { time += dice.magnitude(1_000_000, 1_000_000_000) }
        message.arrival = max(workers[worker].lastOut, now + time)
        workers[worker].lastOut = message.arrival
        workers[worker].outbox.append(message)
        plan(.messages, in: message.arrival - now, worker: worker, stamp: workers[worker].stamp)
    }

    // MARK: What it is told

    /// Somebody asks for a task back.
    mutating func decide(_ worker: Int, _ job: Int32, _ attempt: UInt32, isSeen: Bool) {
        guard workers[worker].life == .running, !workers[worker].isFrozen else { return }
        // While it runs something, it looks at its wire now and then only.
        if !isSeen, workers[worker].current >= 0, dice.coin() {
            plan(
                .question, in: dice.magnitude(1_000, 20_000_000), worker: worker, stamp: workers[worker].stamp,
                job: job, attempt: attempt, detail: 1)
            return
        }
        var isTaken = false
        if let index = workers[worker].queue.firstIndex(where: { $0.job == job && $0.attempt == attempt }) {
            workers[worker].queue.remove(at: index)
            isTaken = true
        }
        // A liar goes on running it.
        if dice.chance(scenario.nonsense) { isTaken = true }
        var time = dice.magnitude(scenario.latencies)
        if dice.chance(scenario.stalls) { time += dice.magnitude(1_000_000, 1_000_000_000) }
        plan(
            .reply, in: time, worker: worker, stamp: workers[worker].stamp, job: job, attempt: attempt,
            detail: isTaken ? 1 : 0)
    }

    /// What it runs is not wanted any more; some calls do not care.
    mutating func interrupted(_ worker: Int, _ job: Int32, _ attempt: UInt32, _ element: Int32) {
        guard workers[worker].life == .running, !workers[worker].isFrozen, workers[worker].current == job,
            workers[worker].currentAttempt == attempt, element < 0 || workers[worker].element == element, dice.coin()
        else { return }
        finishStep(worker, .interrupted)
    }

    mutating func drained(_ worker: Int) {
        workers[worker].isDrained = true
        if workers[worker].life == .running, !workers[worker].isFrozen, !workers[worker].ignoresTerm {
            die(worker, .crash)
        }
    }

    /// Its process ends; a moment later the pool knows.
    mutating func die(_ worker: Int, _ charge: LossReport.Charge) {
        workers[worker].life = .ended
        workers[worker].charge = charge
        plan(
            .dies, in: dice.magnitude(scenario.latencies), worker: worker, stamp: workers[worker].stamp)
    }
}
