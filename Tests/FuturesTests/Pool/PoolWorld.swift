import Testing

@testable import Futures

/// A scheduler with a make-believe world around it: carries out its actions on workers that are entries of a table, and
/// fails the test when it asks for something impossible.
struct PoolWorld {
    struct Worker {
        enum Stage { case spawning, ready, draining, killed }
        var stage = Stage.spawning
        /// What it was sent and has not answered, in order.
        var queue: [(task: TaskID, attempt: UInt32)] = []
        /// Take-back requests that it has not answered.
        var questions: [(task: TaskID, attempt: UInt32)] = []
        /// Requests that it has decided about, and whose answers are on their way.
        var replies: [(task: TaskID, attempt: UInt32, takenBack: Bool)] = []
        var tasksGiven = 0
        var isAsked: Bool { !questions.isEmpty || !replies.isEmpty }
    }

    enum Outcome: Equatable { case answered, failed, cancelled }

    let configuration: PoolState<Int>.Configuration
    var state: PoolState<Int>
    var workers: [WorkerID: Worker] = [:]
    var tasks: [TaskID: Int] = [:]
    var outcomes: [Int: Outcome] = [:]
    var running: Set<Int> = []
    var errors: [Int: String] = [:]
    var takeBacksOver: [TaskID: Bool] = [:]
    /// What the journals of workers say; those without an entry have none.
    var progress: [WorkerID: TaskProgress] = [:]
    /// All jobs are chunks.
    var hasElements = false
    var interruptions: [(job: Int, element: Int?)] = []
    var expirations: [(job: Int, element: Int?)] = []
    /// What workers have.
    var memory: [WorkerID: Int] = [:]
    var memoryMeasurements = 0
    /// A running task was ended by force.
    var stopped = false
    var finishedCount = 0
    var spawnCount = 0
    var killCount = 0
    /// How often those who had been refused were told that there is room.
    var toldOfRoom = 0
    /// Such tasks wait beside what the backlog may hold.
    var tookPromised = false
    /// What waited when a job was refused last, until they were told.
    var waitingAtRefusal: Int?
    var now: Int64 = 1_000
    /// Jobs that the driver would find cancelled when it is about to send them.
    var cancelledJobs: Set<Int> = []
    var lastJob = 0
    /// What replays a failure; printed with it.
    var origin = ""

    struct Failure: Error, Equatable { var text: String }

    init(
        maxWorkers: Int, maxTasksPerChild: Int? = nil, backlogLimit: BacklogLimit = .none,
        onWorkerLoss: WorkerLossPolicy = .breakPool, limits: TaskLimits = .none,
        recycling: WorkerRecycling = .none, limitsMemory: Bool = false
    ) {
        var configuration = PoolState<Int>.Configuration(maxWorkers: maxWorkers, maxTasksPerChild: maxTasksPerChild)
        configuration.backlogLimit = backlogLimit
        configuration.onWorkerLoss = onWorkerLoss
        configuration.taskLimits = limits
        configuration.recycling = recycling
        configuration.watchesMemory = recycling.memory != nil || limitsMemory
        configuration.watchesMemoryOfStarts = limitsMemory
        self.configuration = configuration
        state = PoolState(configuration)
    }

    /// Whether a job that was running may come to wait again.
    private var retriesOrRepeats: Bool {
        // A worker that is ended for another task's time costs those that it had begun nothing but time.
        if !expirations.isEmpty || stopped { return true }
        if case .breakPool = configuration.onWorkerLoss { return false }
        return true
    }

    // MARK: Events

    /// Raises an event, carries out its actions, and those of what follows from them at once.
    @discardableResult
    mutating func raise<R>(_ event: (inout PoolState<Int>, Int64, inout [PoolAction<Int>]) throws -> R) rethrows -> R {
        var actions: [PoolAction<Int>] = []
        let result = try event(&state, now, &actions)
        perform(actions)
        checkInvariants()
        return result
    }

    @discardableResult
    mutating func submit(
        priority: Int = 0, size: Int = 0, limits: TaskLimits? = nil, isPromised: Bool = false
    ) throws -> TaskID {
        let job = lastJob + 1
        var actions: [PoolAction<Int>] = []
        let id: TaskID
        do {
            id = try state.submitted(
                job, priority: priority, size: size, limits: limits, isPromised: isPromised, now: now, &actions)
        } catch {
            if case .full = error { waitingAtRefusal = state.waitingCount }
            throw error
        }
        lastJob = job
        if isPromised { tookPromised = true }
        tasks[id] = job
        perform(actions)
        checkInvariants()
        return id
    }

    mutating func becomeReady(_ id: WorkerID) {
        workers[id]!.stage = .ready
        raise { state, now, actions in state.workerReady(id, now: now, &actions) }
    }

    /// The worker finishes the first task it has.
    mutating func answer(_ id: WorkerID, runTime: Int64 = 1_000, throwsError: Bool = false) {
        let (task, attempt) = workers[id]!.queue.removeFirst()
        if throwsError {
            let decision = raise { state, now, actions in
                state.failedRetryably(task, attempt: attempt, by: id, runTime: runTime, now: now, &actions)
            }
            if decision != .spent { return }
        }
        let answer = raise { state, now, actions in
            state.answered(task, attempt: attempt, by: id, runTime: runTime, now: now, &actions)
        }
        if let job = answer?.job { end(job, .answered) }
    }

    /// The worker comes to the oldest question for a task: it gives it back unless it has begun it. Answers to other tasks
    /// may arrive before it says so.
    mutating func decideQuestion(_ id: WorkerID) {
        let (task, attempt) = workers[id]!.questions.removeFirst()
        let index = workers[id]!.queue.firstIndex { $0.task == task }
        let takenBack = index.map { $0 > 0 } ?? false
        if takenBack { workers[id]!.queue.remove(at: index!) }
        workers[id]!.replies.append((task, attempt, takenBack))
    }

    /// The worker's answer to the oldest question arrives.
    mutating func answerQuestion(_ id: WorkerID) {
        if workers[id]!.replies.isEmpty { decideQuestion(id) }
        let (task, attempt, takenBack) = workers[id]!.replies.removeFirst()
        let job = tasks[task]
        if takenBack { workers[id]!.tasksGiven -= 1 }
        let isCancelled = raise { state, now, actions in
            state.takeBackAnswered(task, attempt: attempt, by: id, takenBack: takenBack, now: now, &actions)
        }
        if isCancelled == true { end(job!, .cancelled) }
    }

    mutating func die(
        _ id: WorkerID, charge: LossReport.Charge = .crash, running: LossReport.Running = .first,
        isLastElement: Bool = false
    ) {
        lose(id, charge: charge, running: running, isLastElement: isLastElement)
        raise { state, now, actions in state.workerExited(id, now: now, &actions) }
    }

    /// The worker is found to be lost; its process may still be there.
    mutating func lose(
        _ id: WorkerID, charge: LossReport.Charge = .crash, running: LossReport.Running = .first,
        isLastElement: Bool = false
    ) {
        workers[id]!.queue = []
        workers[id]!.questions = []
        workers[id]!.replies = []
        raise { state, now, actions in
            guard !state.expectsExit(of: id) else { return }
            let task = state.task(of: id, running)
            let loss = WorkerLoss(
                processID: Int32(id.rawValue), status: .unknown, taskID: task?.id.rawValue, element: running.element,
                attempt: task?.execution ?? 1)
            let report = LossReport(
                loss, running: running, isLastElement: isLastElement, reason: "worker \(id) died", charge: charge)
            state.workerLost(id, report, now: now, &actions)
        }
    }

    /// A worker that is being started fails to; its process is gone.
    mutating func failStart(_ why: String = "no start", isHopeless: Bool = false) throws {
        let id = try #require(workers.first { $0.value.stage == .spawning }?.key)
        raise { state, now, actions in
            state.workerFailedToStart(
                id, Failure(text: why), isHopeless: isHopeless, hasProcess: false, now: now, &actions)
        }
    }

    /// The next timer is due.
    mutating func letTimePass() {
        guard let deadline = state.nextDeadline else { return }
        now = max(now, deadline)
        raise { state, now, actions in state.timePassed(now: now, &actions) }
    }

    /// Lets the timers up to a time pass.
    mutating func wait(until time: Int64) {
        for _ in 0..<10_000 {
            guard let deadline = state.nextDeadline, deadline <= time else { break }
            letTimePass()
        }
        now = max(now, time)
    }

    /// Lets time pass until a worker is being started.
    mutating func waitForStart() {
        for _ in 0..<100 where !workers.values.contains(where: { $0.stage == .spawning }) { letTimePass() }
    }

    /// Lets time pass, and workers start, until a job runs.
    ///
    /// - Returns: the worker that runs it.
    mutating func waitUntilRunning(_ job: Int) throws -> WorkerID {
        for _ in 0..<100 where !running.contains(job) {
            if let (id, _) = workers.first(where: { $0.value.stage == .spawning }) {
                becomeReady(id)
            } else {
                letTimePass()
            }
        }
        return try #require(workers.first { $0.value.queue.first.map { tasks[$0.task] } == job }?.key)
    }

    // MARK: Actions

    private mutating func perform(_ first: [PoolAction<Int>]) {
        var queue = first[...]
        while let action = queue.popFirst() {
            switch action {
            case .spawn(let id):
                #expect(workers[id] == nil, "\(origin) worker \(id) is spawned twice")
                workers[id] = Worker()
                spawnCount += 1
            case .send(let id, let job, let worker, let attempt):
                tasks[id] = job
                #expect(
                    workers[worker]?.stage == .ready,
                    "\(origin) task \(id) is sent to worker \(worker), which is not ready")
                if cancelledJobs.contains(job) {
                    end(job, .cancelled)
                    var more: [PoolAction<Int>] = []
                    state.taskWasNotSent(id, to: worker, now: now, &more)
                    queue += more
                    continue
                }
                workers[worker]!.queue.append((id, attempt))
                workers[worker]!.tasksGiven += 1
                if let most = configuration.maxTasksPerChild {
                    #expect(
                        workers[worker]!.tasksGiven <= most, "\(origin) worker \(worker) gets more than \(most) tasks")
                }
            case .began(let job):
                running.insert(job)
            case .takeBack(let id, let worker, let attempt):
                workers[worker]?.questions.append((id, attempt))
            case .measureProgress(let id):
                var more: [PoolAction<Int>] = []
                state.progressMeasured(id, progress[id], headHasElements: hasElements, now: now, &more)
                queue += more
            case .measureMemory(let id):
                memoryMeasurements += 1
                var more: [PoolAction<Int>] = []
                state.memoryMeasured(id, memory[id] ?? 0, now: now, &more)
                queue += more
            case .interrupt(let id, let worker, let attempt, let element):
                #expect(workers[worker]?.queue.contains { $0.task == id && $0.attempt == attempt } == true, "\(origin)")
                interruptions.append((tasks[id]!, element))
            case .expired(let job, let element, let worker, _):
                #expect(workers[worker] != nil, "\(origin) worker \(worker) is gone, and its task expires")
                expirations.append((job, element))
                // Its last element: the driver ends the chunk.
                if element == nil || task(of: job) == nil { end(job, .failed) }
            case .takeBackOver(let id, let isCancelled): takeBacksOver[id] = isCancelled
            case .requeued(let job):
                if running.remove(job) != nil {
                    #expect(retriesOrRepeats, "\(origin) job \(job) was running and is queued again")
                }
            case .retried(let job, _):
                #expect(outcomes[job] == nil, "\(origin) job \(job) has ended, and is tried again")
            case .fail(let job, let error):
                errors[job] = "\(error)"
                end(job, .failed)
            case .failElement(let job, let element, let error):
                #expect(outcomes[job] == nil, "\(origin) job \(job) has ended, and an element of it fails")
                errors[job, default: ""] += "element \(element): \(error)\n"
                // Its last element: the driver ends the chunk.
                if task(of: job) == nil { end(job, .failed) }
            case .cancel(let job):
                let isInterrupted = interruptions.contains { $0.job == job }
                #expect(!running.contains(job) || isInterrupted, "\(origin) job \(job) was running and is cancelled")
                end(job, .cancelled)
            case .drain(let id):
                #expect(workers[id]?.queue.isEmpty == true, "\(origin) worker \(id) is drained with tasks")
                workers[id]?.stage = .draining
            case .kill(let id, _):
                killCount += 1
                #expect(workers[id] != nil, "\(origin) worker \(id) is killed, and is gone")
                workers[id]?.stage = .killed
            case .startTimedOut(let id):
                var more: [PoolAction<Int>] = []
                state.workerFailedToStart(id, Failure(text: "slow start"), hasProcess: true, now: now, &more)
                queue += more
            case .release(let id):
                workers[id] = nil
            case .roomAppeared:
                toldOfRoom += 1
                waitingAtRefusal = nil
            case .deadlineChanged: break
            case .finished:
                finishedCount += 1
                #expect(workers.isEmpty, "\(origin) finished with \(workers.count) workers")
            }
        }
    }

    private mutating func end(_ job: Int, _ outcome: Outcome) {
        #expect(
            outcomes[job] == nil,
            "\(origin) job \(job) ends twice: \(String(describing: outcomes[job])), then \(outcome)")
        outcomes[job] = outcome
        running.remove(job)
    }

    /// The task of a job, if the scheduler has it.
    private func task(of job: Int) -> TaskID? { state.tasks.ids.first { state.tasks[$0]?.job == job } }

    // MARK: Invariants

    func checkInvariants() {
        let trouble = state.audit()
        #expect(trouble == nil, "\(origin)")
        let limit = configuration.backlogLimit
        if !tookPromised {
            #expect(state.waitingCount <= limit.tasks, "\(origin)")
            #expect(state.waitingBytes <= limit.bytes || state.waitingCount == 1, "\(origin)")
        }
        if let waitingAtRefusal {
            #expect(state.waitingCount >= waitingAtRefusal, "\(origin) there is room, and who was refused is not told")
        }
        #expect(state.startingCount + state.readyCount <= configuration.maxWorkers, "\(origin)")
        let busy = workers.values.count { !$0.queue.isEmpty }
        #expect(busy <= configuration.maxWorkers, "\(origin) \(busy) workers run tasks")
    }

    /// Lets honest workers do everything that is left, one step at a time.
    mutating func runToTheEnd(steps: Int = 100_000) {
        for _ in 0..<steps {
            if finishedCount > 0 { return }
            if let (id, _) = workers.first(where: { $0.value.stage == .spawning }) {
                becomeReady(id)
            } else if let (id, _) = workers.first(where: { $0.value.stage == .killed || $0.value.stage == .draining }) {
                die(id)
            } else if let (id, _) = workers.first(where: { $0.value.isAsked }) {
                answerQuestion(id)
            } else if let (id, _) = workers.first(where: { !$0.value.queue.isEmpty }) {
                answer(id)
            } else if state.nextDeadline != nil {
                letTimePass()
            } else {
                return
            }
        }
        Issue.record("not at the end after \(steps) steps: \(state.pendingTaskCount) tasks, \(workers.count) workers")
    }
}
