import Futures

/// One pool: the scheduler, and a world around it that carries out what it asks for, badly where the scenario says so.
///
/// The world keeps books of its own, from what the scheduler asks for and from what it was told; after each event they must
/// agree with the scheduler's. All of it is done in constant time, so that large pools can be simulated; the whole is gone
/// through now and then.
struct SimulatedPool {
    let scenario: Scenario
    var dice: Dice
    var state: NumberedPoolState
    var actions: [PoolAction<Int>] = []
    var queue = EventQueue()
    var now: Int64 = 1_000_000

    var jobs: ContiguousArray<SimulatedJob> = []
    var chunks: ContiguousArray<SimulatedChunk> = []
    var workers: ContiguousArray<SimulatedWorker> = []
    var freePlaces: [Int32] = []
    /// The places of workers, by the numbers of their ids.
    var places: ContiguousArray<Int32> = [-1]
    /// The job that has each slot of the scheduler's table of tasks.
    var slots: ContiguousArray<Int32> = []
    var lastStamp: UInt32 = 0

    // MARK: What the scheduler's books must say

    /// Jobs that are not over.
    var liveCount = 0
    var unheldCount = 0
    var returningCount = 0
    /// What workers hold, with the jobs that are over and those counted by themselves.
    var heldCount = 0
    var ghostCount = 0
    var busyCount = 0
    var workerCount = 0
    /// Jobs that no worker has come to.
    var unbegunCount = 0
    var unbegunBytes = 0
    var meanRunTime: Int64?
    var startFailures = 0
    var firstStartFailure: Int64 = 0
    var lastStartFailure: Int64 = 0
    var hasEverStarted = false
    var isHopeless = false
    /// What was told to the scheduler last ends the pool, or may.
    var isBreaking = false
    var isShutDown = false
    var isCancelling = false
    var isTerminated = false
    var finishedCount = 0
    /// The books before the event.
    var before: PoolState<Int>.Books
    /// When the driver means to wake up, and whether it was told in this event that this is too late.
    var wakeUp = Int64.max
    var isToldOfDeadline = false
    /// What is looked for in the actions of an event.
    var expected = Expectation()

    struct Expectation {
        /// A job that is given up, or one of its elements, for its losses.
        var setAside: (job: Int32, element: Int32, losses: Int)?
        var expires: (job: Int32, element: Int32)?
        var interrupts: (job: Int32, element: Int32)?
    }

    // MARK: The user

    var endedCount = 0
    /// No more is submitted.
    var isSubmitted = false
    var isEndPlanned = false
    var promises = 0
    var isWaitingForRoom = false
    /// How many tasks waited when one was refused, until those who were refused are told of room.
    var waitingAtRefusal: Int?
    var tookPromised = false

    // MARK: Failures

    /// What was wrong first.
    var failure: String?
    var log = StoryLog()
    var report: SimulationReport
    var eventsUntilAudit = 1000
    var timersAtOnce = 0
    var eventsAtOnce = 0
    var instant: Int64 = 0
    /// How often timers were due, and how often they had reason to be.
    var timers = 0
    var reasonsForTimers = 100
    var nextTimerCheck: Int64 = 0

    init(_ scenario: Scenario, seed: UInt64, _ report: SimulationReport) {
        self.scenario = scenario
        self.report = report
        dice = Dice(seed: seed)
        state = NumberedPoolState(scenario.configuration)
        before = state.books
        jobs.reserveCapacity(scenario.tasks)
    }

    mutating func run() {
        openPool()
        while failure == nil, finishedCount == 0 { step() }
        if failure == nil { checkTheEnd() }
        report.time += now
        report.tasks += jobs.count
    }

    private mutating func step() {
        let due = state.nextDeadline
        let wake = due.map { $0 > .max - scenario.lateness ? .max : $0 + scenario.lateness } ?? .max
        let next = queue.nextTime ?? .max
        guard due != nil || !queue.isEmpty else { return fail("nothing will happen any more") }
        let time = max(now, min(wake, next))
        // Nothing in this world takes as long.
        if time - now > 600_000_000_000 { return fail("nothing happens for \((time - now) / 1_000_000_000) s") }
        now = time
        if now != instant { (instant, eventsAtOnce, timersAtOnce) = (now, 0, 0) }
        if now >= nextTimerCheck { checkTimers() }
        if wake <= next {
            timers += 1
            letTimePass()
        } else if let event = queue.popFirst() {
            // What a worker wrote while its messages were held up arrives all at once.
            if event.kind != .messages { eventsAtOnce += 1 }
            if event.kind != .measure { reasonsForTimers += 8 }
            if eventsAtOnce > 1000 + 64 * (workerCount + liveCount) { return fail("time stands still") }
            carryOut(event)
        }
    }

    /// An idle pool sleeps, and so does one that waits for a worker.
    private mutating func checkTimers() {
        nextTimerCheck = now + 1_000_000_000
        // The elements of a chunk are looked at every 5 ms.
        if scenario.chunkShare > 0, scenario.hasLimits { reasonsForTimers += 400 * workerCount }
        if timers > reasonsForTimers { fail("timers were due \(timers) times, with little else going on") }
    }

    private mutating func letTimePass() {
        log.add(now, .timer)
        wakeUp = .max
        state.timePassed(now: now, &actions)
        // It asks for its next deadline afterwards, without being told.
        settle(asksForDeadline: true)
        timersAtOnce += 1
        if timersAtOnce > 16 { fail("timers are due again and again, without time passing") }
    }

    mutating func plan(
        _ kind: WorldEvent.Kind, in time: Int64, worker: Int = -1, stamp: UInt32 = 0, job: Int32 = -1,
        attempt: UInt32 = 0, detail: Int32 = -1
    ) {
        queue.plan(
            WorldEvent(
                time: now + time, kind: kind, worker: Int32(worker), stamp: stamp, job: job, attempt: attempt,
                detail: detail))
    }

    private mutating func carryOut(_ event: WorldEvent) {
        let worker = Int(event.worker)
        if worker >= 0 {
            let isCurrent =
                event.kind == .stepEnds ? workers[worker].step == event.stamp : workers[worker].stamp == event.stamp
            guard isCurrent, workers[worker].life != .none else { return }
        }
        switch event.kind {
        case .submit: submit()
        case .userActs: act()
        case .promiseEnds: endPromise()
        case .shutDown: shutDown(cancels: event.detail == 1)
        case .terminate: terminate()
        case .withdraw: withdraw(event.job)
        case .stopsJob: stop(event.job, attempt: event.attempt)
        case .startEnds: startEnds(worker)
        case .taskArrives: beginNext(worker)
        case .stepEnds: stepEnds(worker)
        case .question: decide(worker, event.job, event.attempt, isSeen: event.detail == 1)
        case .interruption: interrupted(worker, event.job, event.attempt, event.detail)
        case .drain: drained(worker)
        case .dies: processEnded(worker)
        case .messages: readMessages(worker)
        // A denial that nobody asked for, and that comes just when somebody asks, would be believed: what the worker then gives
        // back is as a call that hangs. In this world every call ends.
        case .reply where event.detail == 2 && jobs[Int(event.job)].isAsked: break
        case .reply: takeBackAnswered(worker, event.job, event.attempt, event.detail == 1)
        case .measure: measure(worker)
        case .weigh: weigh(worker)
        case .givesUp: giveUp(worker)
        case .startTimedOut: startTimedOut(worker)
        }
    }

    // MARK: Failures

    mutating func fail(_ text: String) {
        if failure == nil { failure = text }
    }

    var story: String {
        """
        at \(now) ns with \(jobs.count) tasks submitted, \(liveCount) of them not ended, and \(workerCount) workers
        the books: \(state.books)
        the scenario: \(scenario)
        what happened last:
        \(log.text)
        """
    }
}

/// What happened last.
struct StoryLog {
    enum Entry: UInt8 {
        case timer, submitted, refused, cancelRequested, stopRequested, shutDown, terminated, promiseEnded, withdrawn
        case ready, startFailed, answered, failedRetryably, part, takenBack, notTakenBack, measured, weighed, notSent
        case lost, exited
        case spawn, send, began, takeBack, measure, interrupt, expired, takeBackOver, requeued, failed, failElement
        case cancel, drain, kill, startTimedOut, release, roomAppeared, finished
    }

    private struct Line {
        var time: Int64 = 0
        var entry = Entry.timer
        var worker: UInt64 = 0
        var job: Int32 = -1
        var number: Int64 = 0
    }

    private static let size = 64
    private var lines = ContiguousArray(repeating: Line(), count: Self.size)
    private var count = 0
    /// Of all that was added.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ time: Int64, _ entry: Entry, worker: WorkerID? = nil, job: Int32 = -1, _ number: Int64 = 0) {
        let id = worker?.rawValue ?? 0
        lines[count % Self.size] = Line(time: time, entry: entry, worker: id, job: job, number: number)
        count += 1
        let what = UInt64(bitPattern: Int64(job)) << 8 | UInt64(entry.rawValue)
        digest = (digest ^ UInt64(bitPattern: time)) &* 0x9e37_79b9_7f4a_7c15
        digest = ((digest ^ digest >> 32) ^ what ^ id << 40) &* 0x9e37_79b9_7f4a_7c15
    }

    var text: String {
        (max(0, count - Self.size)..<count).map { index in
            let line = lines[index % Self.size]
            let worker = line.worker > 0 ? " worker \(line.worker)" : ""
            let job = line.job >= 0 ? " job \(line.job)" : ""
            let number = line.number != 0 ? " (\(line.number))" : ""
            return "  \(line.time) \(line.entry)\(worker)\(job)\(number)"
        }.joined(separator: "\n")
    }
}
