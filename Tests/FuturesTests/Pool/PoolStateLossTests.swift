import TestSupport
import Testing

@testable import Futures

/// What becomes of tasks whose worker is lost, and of those that are to be run again: the scheduler by itself.
struct PoolStateLossTests {
    /// A world with one ready worker, which runs the first of the jobs and holds others.
    private func busyWorld(
        _ policy: WorkerLossPolicy, jobs: Int = 20, maxWorkers: Int = 1
    ) throws -> (world: PoolWorld, worker: WorkerID) {
        var world = PoolWorld(maxWorkers: maxWorkers, onWorkerLoss: policy)
        for _ in 0..<jobs { try world.submit() }
        let worker = try #require(world.workers.keys.min { $0.rawValue < $1.rawValue })
        world.becomeReady(worker)
        world.answer(worker)
        return (world, worker)
    }

    private func retries(
        crashes: Int = 0, memoryKills: Int = 0, errors: Int = 0, pause: Duration = .milliseconds(10)
    ) -> WorkerLossPolicy {
        .retry(
            RetryPolicy(
                crashes: crashes, memoryKills: memoryKills, errors: errors,
                backoff: RetryPolicy.Backoff(first: pause, jitter: 0)))
    }

    @Test("with failTask only the task that ran fails, and what was sent ahead is run in its order", .proves(.P4))
    func failsTheTask() throws {
        var (world, worker) = try busyWorld(.failTask)
        let held = world.workers[worker]!.queue.map { world.tasks[$0.task]! }
        try #require(held.count > 3 && held == Array(2..<2 + held.count))
        world.die(worker)
        #expect(world.outcomes == [1: .answered, 2: .failed])
        #expect(world.errors[2]?.contains("was lost with its worker") == true)
        let next = try #require(world.workers.keys.first)
        #expect(next != worker)
        world.becomeReady(next)
        var order: [Int] = []
        while let first = world.workers[next]!.queue.first {
            order.append(world.tasks[first.task]!)
            world.answer(next, runTime: 50_000_000)
        }
        #expect(order == Array(3...20))
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.finishedCount == 1)
    }

    @Test("a lost worker counts until its process is gone: never more than maxWorkers run tasks", .proves(.P3))
    func countsTheDying() throws {
        var (world, worker) = try busyWorld(.failTask)
        world.lose(worker)
        #expect(world.outcomes == [1: .answered], "what it had finished is not known yet")
        let next = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
        world.becomeReady(next)
        #expect(world.workers[next]!.queue.isEmpty, "the other may still be computing")
        world.die(worker)
        #expect(world.outcomes[2] == .failed)
        #expect(!world.workers[next]!.queue.isEmpty)
    }

    @Test(
        "a task that keeps killing workers is set aside, with all losses in its error; the others go on", .proves(.P4))
    func setsAside() throws {
        var (world, first) = try busyWorld(retries(crashes: 2), jobs: 3)
        var worker = first
        for attempt in 1...3 {
            #expect(world.workers[worker]!.queue.first.flatMap { world.tasks[$0.task] } == 2)
            world.die(worker)
            if attempt == 3 { break }
            #expect(world.outcomes[2] == nil && !world.running.contains(2))
            if attempt == 1 {
                // The other job goes first, since this one pauses.
                let next = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
                world.becomeReady(next)
                #expect(world.running.contains(3))
                world.answer(next)
            }
            worker = try world.waitUntilRunning(2)
        }
        #expect(world.outcomes == [1: .answered, 2: .failed, 3: .answered])
        let text = try #require(world.errors[2])
        #expect(text.contains("was set aside after 3 lost workers"))
        for attempt in 1...3 { #expect(text.contains("attempt \(attempt)")) }
        try world.submit()
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes[4] == .answered && world.finishedCount == 1)
    }

    @Test("crashes, memory and errors have budgets of their own")
    func separateBudgets() throws {
        var (world, first) = try busyWorld(retries(crashes: 1, memoryKills: 1, errors: 1, pause: .zero), jobs: 2)
        world.answer(first, throwsError: true)
        world.die(try world.waitUntilRunning(2))
        world.die(try world.waitUntilRunning(2), charge: .memory)
        let worker = try world.waitUntilRunning(2)
        #expect(world.outcomes[2] == nil)
        #expect(world.state.task(of: worker, .first)?.execution == 4)
        // The second error is one too many: the answer counts.
        world.answer(worker, throwsError: true)
        #expect(world.outcomes[2] == .answered)
    }

    @Test(
        "a task that pauses is pending: it can be cancelled, and a shutdown that cancels takes it",
        arguments: [true, false])
    func cancelsTheDelayed(byShutdown: Bool) throws {
        var (world, worker) = try busyWorld(retries(crashes: 5, pause: .seconds(1_000)), jobs: 2)
        world.die(worker)
        #expect(world.state.delayedCount == 1)
        if byShutdown {
            world.raise { state, now, actions in state.shutDown(cancelFutures: true, now: now, &actions) }
            #expect(world.outcomes[2] == .cancelled)
        } else {
            let task = try #require(world.tasks.first { $0.value == 2 }?.key)
            world.raise { state, now, actions in
                #expect(state.cancelRequested(task, now: now, &actions) == .done)
            }
            world.outcomes[2] = .cancelled
            world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        }
        world.runToTheEnd()
        #expect(world.finishedCount == 1 && world.now < 1_000_000_000_000, "nobody waits for the pause")
    }

    @Test("a shutdown waits for a task that pauses", .proves(.H1))
    func shutdownWaitsForTheDelayed() throws {
        var (world, worker) = try busyWorld(retries(crashes: 1), jobs: 2)
        world.die(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        #expect(world.finishedCount == 0)
        world.runToTheEnd()
        #expect(world.outcomes[2] == .answered && world.finishedCount == 1)
    }

    @Test("what was asked back when its worker dies is answered for: cancelled, or queued again", .proves(.F5))
    func takeBackFromTheDead() throws {
        var (world, worker) = try busyWorld(.failTask)
        let held = world.workers[worker]!.queue
        try #require(held.count > 3)
        world.raise { state, now, actions in
            #expect(state.cancelRequested(held[1].task, now: now, &actions) == .asked)
            #expect(state.cancelRequested(held[2].task, waits: false, now: now, &actions) == .asked)
        }
        world.die(worker)
        #expect(world.outcomes[world.tasks[held[1].task]!] == .cancelled)
        #expect(world.outcomes[world.tasks[held[2].task]!] == nil)
        #expect(world.takeBacksOver == [held[1].task: true, held[2].task: false])
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 20 && world.outcomes.values.count { $0 == .answered } == 18)
    }

    @Test("the journal says who is guilty: not always the first", .proves(.P4))
    func journalNamesTheGuilty() throws {
        var (world, worker) = try busyWorld(.failTask)
        let held = world.workers[worker]!.queue
        try #require(held.count > 3)
        // The answers to the first two were with the worker; they come before the loss is reported.
        world.answer(worker)
        world.die(worker, running: .task(held[1].task, attempt: held[1].attempt))
        #expect(world.outcomes == [1: .answered, 2: .answered, 3: .failed])

        // One that had answered all that it began costs nobody.
        var (other, idle) = try busyWorld(.failTask)
        other.die(idle, running: .nothing)
        #expect(other.outcomes == [1: .answered])
        // What the journal says of tasks that it does not have is not believed.
        (other, idle) = try busyWorld(.failTask)
        let first = other.workers[idle]!.queue[0]
        other.die(idle, running: .task(first.task, attempt: first.attempt + 1))
        other.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        other.runToTheEnd()
        #expect(other.outcomes.count == 20 && other.outcomes.values.allSatisfy { $0 == .answered })
    }

    @Test("a task that ends its workers before they can say that they have begun it is found out", .proves(.P4))
    func killsBeforeItBegins() throws {
        var world = PoolWorld(maxWorkers: 1, onWorkerLoss: .failTask)
        try world.submit()
        try world.submit()
        var deaths = 0
        while world.outcomes[1] == nil {
            try #require(deaths < 10)
            let worker = try world.waitUntilRunning(1)
            world.die(worker, running: .nothing)
            deaths += 1
        }
        #expect(deaths == 4 && world.outcomes == [1: .failed])
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes[2] == .answered)
    }

    @Test("elements of a chunk have budgets of their own, and the last one to be given up ends the chunk")
    func elementBudgets() throws {
        var (world, _) = try busyWorld(retries(crashes: 1, pause: .zero), jobs: 2)
        func chunk() throws -> (WorkerID, TaskID, UInt32) {
            let worker = try world.waitUntilRunning(2)
            let (task, attempt) = world.workers[worker]!.queue[0]
            return (worker, task, attempt)
        }
        var (worker, task, attempt) = try chunk()
        for element in [3, 5, 3] {
            world.die(worker, running: .task(task, attempt: attempt, element: element))
            #expect(world.outcomes[2] == nil)
            (worker, task, attempt) = try chunk()
        }
        #expect(world.errors[2]?.contains("element 3") == true && world.errors[2]?.contains("element 5") == false)
        world.die(worker, running: .task(task, attempt: attempt, element: 5), isLastElement: true)
        #expect(world.outcomes[2] == .failed && world.errors[2]?.contains("element 5") == true)
    }

    @Test("pauses grow by the factor, stop at the longest, and stay within the jitter")
    func backoff() {
        var random = SplitMix(seed: 1)
        let plain = RetryPolicy.Backoff(first: .milliseconds(10), factor: 3, longest: .milliseconds(200), jitter: 0)
        #expect((1...6).map { plain.pause(after: $0, &random) } == [10, 30, 90, 200, 200, 200].map { $0 * 1_000_000 })
        let jittery = RetryPolicy.Backoff(first: .milliseconds(100), jitter: 0.5)
        let pauses = (0..<100).map { _ in jittery.pause(after: 1, &random) }
        #expect(pauses.allSatisfy { (50_000_000...150_000_000).contains($0) } && Set(pauses).count > 50)
        #expect(RetryPolicy.Backoff.none.pause(after: 1_000_000, &random) == 0)
        let endless = RetryPolicy.Backoff(first: .seconds(1 << 40), factor: 1e300, longest: .seconds(Int64.max))
        #expect(endless.pause(after: .max, &random) > 0)
    }

    @Test("a policy that makes no sense is refused, with the argument's name")
    func invalidPolicies() {
        let invalid: [(RetryPolicy, String)] = [
            (RetryPolicy(crashes: -1), "crashes must be at least 0, not -1"),
            (RetryPolicy(memoryKills: -2), "memoryKills must be at least 0, not -2"),
            (RetryPolicy(errors: -3), "errors must be at least 0, not -3"),
            (RetryPolicy(backoff: .init(first: .seconds(-1))), "backoff has a pause below zero"),
            (RetryPolicy(backoff: .init(factor: 0.5)), "backoff.factor must be at least 1, not 0.5"),
            (RetryPolicy(backoff: .init(jitter: 2)), "backoff.jitter must be between 0 and 1, not 2.0"),
        ]
        for (policy, text) in invalid {
            let error = #expect(throws: InvalidArgumentError.self) { try WorkerLossPolicy.retry(policy).check() }
            #expect(error.map { "\($0)" } == text)
        }
    }
}
