import TestSupport
import Testing

@testable import Futures

/// Tasks that run for too long, and those that are not wanted any more: the scheduler by itself.
struct PoolStateLimitTests {
    private let second: Int64 = 1_000_000_000

    /// A world with one ready worker that runs the first job.
    private func world(
        _ limits: TaskLimits, jobs: Int = 1, policy: WorkerLossPolicy = .breakPool
    ) throws -> (PoolWorld, WorkerID) {
        var world = PoolWorld(maxWorkers: 1, onWorkerLoss: policy, limits: limits)
        for _ in 0..<jobs { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        return (world, worker)
    }

    @Test("at its soft limit a task is interrupted once, at its hard limit its worker is ended, and it fails at once")
    func softThenHard() throws {
        var (world, worker) = try world(TaskLimits(soft: second, hard: 3 * second))
        let begin = world.now
        world.wait(until: begin + second - 1)
        #expect(world.interruptions.isEmpty)
        world.wait(until: begin + second)
        #expect(world.interruptions.map(\.job) == [1])
        world.wait(until: begin + 3 * second - 1)
        #expect(world.interruptions.count == 1 && world.outcomes.isEmpty)
        world.wait(until: begin + 3 * second)
        #expect(world.outcomes == [1: .failed] && world.expirations.map(\.job) == [1])
        #expect(world.workers[worker]?.stage == .killed)
        world.die(worker)
        // Nobody else was harmed: the pool goes on, whatever its policy.
        try world.submit()
        let next = try world.waitUntilRunning(2)
        world.answer(next)
        #expect(world.outcomes[2] == .answered)
    }

    @Test("a task that is run again by the same worker has its soft limit again")
    func softAgain() throws {
        let policy = RetryPolicy(errors: 2, backoff: .none)
        var (world, worker) = try world(TaskLimits(soft: second), policy: .retry(policy))
        for execution in 1...3 {
            #expect(try world.waitUntilRunning(1) == worker)
            world.wait(until: world.now + second)
            #expect(world.interruptions.map(\.job) == Array(repeating: 1, count: execution))
            world.answer(worker, throwsError: true)
        }
        #expect(world.outcomes == [1: .answered])
    }

    @Test("each task has its own time, from when it became the first of its worker")
    func countsFromTheStart() throws {
        var (world, worker) = try world(TaskLimits(hard: second), jobs: 5)
        world.answer(worker, runTime: 1_000)
        for job in 2...5 {
            world.wait(until: world.now + second * 9 / 10)
            #expect(world.outcomes[job] == nil)
            world.answer(worker, runTime: 1_000)
        }
        #expect(world.outcomes.values.allSatisfy { $0 == .answered } && world.outcomes.count == 5)
        #expect(world.expirations.isEmpty)
    }

    @Test("a limit of its own goes before the pool's")
    func ownLimits() throws {
        var world = PoolWorld(maxWorkers: 2, limits: TaskLimits(hard: second))
        try world.submit(limits: TaskLimits(hard: 5 * second))
        try world.submit()
        for worker in world.workers.keys { world.becomeReady(worker) }
        let begin = world.now
        world.wait(until: begin + second)
        #expect(world.expirations.map(\.job) == [2])
        world.wait(until: begin + 5 * second)
        #expect(world.expirations.map(\.job) == [2, 1])
    }

    @Test("what was sent ahead to a worker that is ended is asked back, or run when it is gone")
    func othersGoOn() throws {
        var (world, worker) = try world(TaskLimits(hard: second), jobs: 10)
        world.answer(worker, runTime: 1_000)
        let held = world.workers[worker]!.queue.count
        try #require(held > 2)
        world.wait(until: world.now + second)
        #expect(world.outcomes == [1: .answered, 2: .failed])
        #expect(world.workers[worker]!.questions.count == held - 1)
        world.answerQuestion(worker)
        world.die(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 10 && world.outcomes.values.count { $0 == .answered } == 9)
    }

    @Test("what comes back from a worker that is ended is begun in the order of its submission", .proves(.S2))
    func comesBackInOrder() throws {
        var (world, worker) = try world(TaskLimits(hard: second), jobs: 10)
        world.answer(worker, runTime: 1_000)
        world.wait(until: world.now + second)
        try #require(world.workers[worker]!.questions.count > 1)
        while !world.workers[worker]!.questions.isEmpty { world.answerQuestion(worker) }
        world.die(worker)
        for job in 3...10 { world.answer(try world.waitUntilRunning(job)) }
        #expect(world.outcomes.values.count { $0 == .answered } == 9)
    }

    @Test("a worker that goes on after SIGTERM is killed, and until it is gone nobody runs in its place")
    func killsTheStubborn() throws {
        var (world, worker) = try world(TaskLimits(hard: second), jobs: 2)
        world.wait(until: world.now + second)
        let next = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
        world.becomeReady(next)
        #expect(world.workers[next]!.queue.isEmpty)
        let before = world.killCount
        world.wait(until: world.now + 5 * second)
        #expect(world.killCount == before + 1)
        world.die(worker)
        #expect(!world.workers[next]!.queue.isEmpty)
    }

    @Test("a worker that is stuck with a task that was asked back is ended at its limit, too")
    func stuckWhenAsked() throws {
        var (world, worker) = try world(.none, jobs: 2)
        for _ in 0..<3 { try world.submit(limits: TaskLimits(hard: second)) }
        world.answer(worker, runTime: 1_000)
        let held = world.workers[worker]!.queue.map(\.task)
        try #require(held.count > 1)
        world.raise { state, now, actions in _ = state.cancelRequested(held[1], waits: false, now: now, &actions) }
        // It ends the first one, and then says nothing more.
        world.answer(worker, runTime: 1_000)
        world.wait(until: world.now + second)
        #expect(world.expirations.map(\.job) == [world.tasks[held[1]]!])
        #expect(world.workers[worker]?.stage == .killed)
    }

    @Test("a worker whose journal names another task than it runs is ended at the limit of the one that it runs, too")
    func wrongJournal() throws {
        var (world, worker) = try world(.none)
        world.answer(worker, runTime: 1_000)
        try world.submit(limits: TaskLimits(hard: second))
        try world.submit()
        let ahead = try #require(world.workers[worker]!.queue.last)
        try #require(world.workers[worker]!.queue.count == 2)
        world.progress[worker] = TaskProgress(task: ahead.task, attempt: ahead.attempt, since: world.now)
        world.wait(until: world.now + second)
        #expect(world.expirations.isEmpty)
        world.progress[worker] = nil
        world.wait(until: world.now + second)
        #expect(world.expirations.map(\.job) == [2])
    }

    @Test("a chunk whose elements have short limits is not looked at all the time")
    func looksNowAndThen() throws {
        var (world, worker) = try world(TaskLimits(soft: 1_000, hard: 10 * second), policy: .failTask)
        let (task, attempt) = world.workers[worker]!.queue[0]
        let end = world.now + second
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 3, since: world.now)
        var looks = 0
        while looks < 10_000, let due = world.state.nextDeadline, due <= end {
            world.letTimePass()
            looks += 1
        }
        #expect(looks > 10 && looks < 300)
        #expect(world.interruptions.map(\.element) == [3])
    }

    @Test("of a chunk each element has the time, and the one that takes too long fails alone")
    func elements() throws {
        var (world, worker) = try world(TaskLimits(soft: second, hard: 2 * second), policy: .failTask)
        let (task, attempt) = world.workers[worker]!.queue[0]
        let begin = world.now
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 3, since: begin + second / 2)
        world.wait(until: begin + second)
        #expect(world.interruptions.isEmpty, "it has had half of its time")
        world.wait(until: begin + second * 3 / 2)
        #expect(world.interruptions.map(\.element) == [3])
        // It ended; the next one takes too long, whatever it is told.
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 4, since: begin + 2 * second)
        world.wait(until: begin + 4 * second)
        #expect(world.interruptions.map(\.element) == [3, 4])
        #expect(world.expirations.map(\.element) == [4] && world.outcomes.isEmpty)
        // What the worker still says of this attempt does not count.
        let late = world.raise { state, now, actions in
            state.answered(task, attempt: attempt, by: worker, runTime: 1, now: now, &actions)
        }
        #expect(late == nil)
        world.die(worker)
        let next = try world.waitUntilRunning(1)
        let (again, second) = world.workers[next]!.queue[0]
        #expect(again == task && second > attempt + 1)
        world.progress[next] = TaskProgress(
            task: again, attempt: second, element: 9, since: world.now, isLastElement: true)
        world.wait(until: world.now + 2 * self.second)
        #expect(world.outcomes == [1: .failed])
    }

    @Test("before the first element of a chunk and between two of them nobody is interrupted, and each has its time")
    func betweenElements() throws {
        var (world, worker) = try world(TaskLimits(soft: second, hard: 3 * second), policy: .failTask)
        let (task, attempt) = world.workers[worker]!.queue[0]
        let begin = world.now
        // The arguments take long to arrive and to be decoded.
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, since: begin, isBetweenElements: true)
        world.wait(until: begin + second * 5 / 2)
        #expect(world.interruptions.isEmpty && world.expirations.isEmpty)
        var now = world.now
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 0, since: now)
        world.wait(until: now + second * 9 / 5)
        #expect(world.interruptions.map(\.element) == [0])
        // It ended a moment before its hard limit, and the look comes before the next one begins.
        now += 3 * second
        world.progress[worker] = TaskProgress(
            task: task, attempt: attempt, since: now - 3 * second, isBetweenElements: true)
        world.wait(until: now + second / 2)
        #expect(world.interruptions.count == 1 && world.expirations.isEmpty)
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 1, since: now + second / 2)
        world.wait(until: now + second * 5 / 2)
        #expect(world.interruptions.map(\.element) == [0, 1] && world.expirations.isEmpty)
        // One that comes to no element any more is ended.
        world.progress[worker] = TaskProgress(
            task: task, attempt: attempt, since: now + second / 2, isBetweenElements: true)
        world.wait(until: now + 8 * second)
        #expect(world.interruptions.count == 2 && world.expirations.map(\.element) == [nil])
    }

    @Test(
        "when a worker says that it began something may be any number",
        arguments: [Int64.min, .min + 1, -1, 0, .max - 1, .max])
    func anyTime(since: Int64) throws {
        for limits in [TaskLimits(hard: second), TaskLimits(soft: second), TaskLimits(soft: second, hard: .max - 1)] {
            for isBetween in [false, true] {
                var (world, worker) = try world(limits)
                let (task, attempt) = world.workers[worker]!.queue[0]
                world.progress[worker] = TaskProgress(
                    task: task, attempt: attempt, since: since, isBetweenElements: isBetween)
                world.wait(until: world.now + 10 * second)
                world.answer(worker)
            }
        }
    }

    @Test("a chunk that its worker has not come to is no element's time, but for the hard limit")
    func unbegunChunk() throws {
        let limits = TaskLimits(soft: second, hard: 5 * second)
        var (world, worker) = try world(limits)
        world.hasElements = true
        let (task, attempt) = world.workers[worker]!.queue[0]
        let begin = world.now
        // What the journal says is about another.
        world.progress[worker] = TaskProgress(task: task, attempt: attempt + 1, element: 1, since: begin)
        world.wait(until: begin + 3 * second)
        #expect(world.interruptions.isEmpty)
        world.progress[worker] = TaskProgress(task: task, attempt: attempt, element: 0, since: begin + 3 * second)
        world.wait(until: begin + 4 * second)
        #expect(world.interruptions.map(\.element) == [0] && world.expirations.isEmpty)

        (world, worker) = try self.world(limits)
        world.hasElements = true
        world.wait(until: world.now + 5 * second)
        #expect(world.interruptions.isEmpty && world.expirations.map(\.element) == [nil])
    }

    @Test("a running task that is not wanted is interrupted, or ended with its worker, which harms nobody else")
    func stops() throws {
        var (world, worker) = try world(.none, jobs: 10)
        world.answer(worker, runTime: 1_000)
        let held = world.workers[worker]!.queue.map(\.task)
        try #require(held.count > 2)
        func stop(_ id: TaskID, kills: Bool) -> PoolState<Int>.StopOutcome {
            world.raise { state, now, actions in state.stopRequested(id, kills: kills, now: now, &actions) }
        }
        #expect(stop(held[1], kills: true) == .isAhead)
        #expect(stop(held[0], kills: false) == .interrupted)
        #expect(world.interruptions.map(\.job) == [2] && world.outcomes[2] == nil)
        world.stopped = true
        #expect(stop(held[0], kills: true) == .stopped)
        world.outcomes[2] = .cancelled
        #expect(stop(held[0], kills: true) == .tooLate)
        #expect(world.workers[worker]?.stage == .killed)
        world.die(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 10 && world.outcomes[2] == .cancelled)
        #expect(world.outcomes.values.count { $0 == .answered } == 9)
    }

    /// A world with a policy that retries, and one job that runs and was interrupted.
    private func interruptedWorld() throws -> (PoolWorld, WorkerID) {
        let policy = RetryPolicy(crashes: 3, memoryKills: 3, errors: 3)
        var (world, worker) = try world(.none, policy: .retry(policy))
        let task = world.workers[worker]!.queue[0].task
        let outcome = world.raise { state, now, actions in
            state.stopRequested(task, kills: false, now: now, &actions)
        }
        try #require(outcome == .interrupted)
        return (world, worker)
    }

    @Test("who answers what was interrupted is told so; the next task in its place was not")
    func tellsInterrupted() throws {
        var (world, worker) = try interruptedWorld()
        for isInterrupted in [true, false] {
            let (task, attempt) = world.workers[worker]!.queue.removeFirst()
            let answer = world.raise { state, now, actions in
                state.answered(task, attempt: attempt, by: worker, runTime: 1, now: now, &actions)
            }
            #expect(answer?.isInterruptRequested == isInterrupted)
            try world.submit()
        }
    }

    @Test("what was interrupted is not run again, whatever its budget")
    func interruptedEnds() throws {
        var (world, worker) = try interruptedWorld()
        world.die(worker)
        #expect(world.outcomes == [1: .failed] && world.errors[1]?.isEmpty == false, "its loss is told")
        (world, worker) = try interruptedWorld()
        world.die(worker, running: .nothing)
        #expect(world.outcomes == [1: .cancelled], "it was not to blame, and is not wanted")
        (world, worker) = try interruptedWorld()
        world.answer(worker, throwsError: true)
        #expect(world.outcomes == [1: .answered], "its error counts")
    }
}
