import TestSupport
import Testing

@testable import Futures

/// Workers that are replaced because of their age or memory: the scheduler by itself.
struct PoolStateRecyclingTests {
    private let second: Int64 = 1_000_000_000

    @Test("a busy worker that is too old runs what it has, beside its successor; an idle one ends at once")
    func age() throws {
        var world = PoolWorld(maxWorkers: 1, recycling: WorkerRecycling(age: .seconds(10), jitter: 0))
        for _ in 0..<30 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        world.answer(first)
        let held = world.workers[first]!.queue.count
        try #require(held > 2)
        world.wait(until: world.now + 9 * second)
        #expect(world.workers.count == 1)
        world.wait(until: world.now + 2 * second)
        let next = try #require(world.workers.first { $0.key != first }?.key)
        world.becomeReady(next)
        #expect(world.workers[next]!.queue.isEmpty, "the old one still runs")
        for _ in 0..<held { world.answer(first) }
        #expect(world.workers[first]?.stage == .draining)
        #expect(!world.workers[next]!.queue.isEmpty)
        world.die(first)
        while !world.workers[next]!.queue.isEmpty { world.answer(next) }
        world.wait(until: world.now + 11 * second)
        #expect(world.workers[next]?.stage == .draining)
        #expect(world.spawnCount == 2, "nobody is started while there is no work")
        #expect(world.outcomes.values.allSatisfy { $0 == .answered } && world.outcomes.count == 30)
    }

    @Test(
        "a worker that is too old gets nothing more in place of a task that was not sent to it",
        arguments: [false, true])
    func notSent(isTooLarge: Bool) throws {
        let recycling = WorkerRecycling(memory: isTooLarge ? 1_000 : nil, age: isTooLarge ? nil : .seconds(10))
        var world = PoolWorld(maxWorkers: 1, maxTasksPerChild: 3, recycling: recycling)
        for _ in 0..<2 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.memory[first] = 1_000
        world.becomeReady(first)
        world.answer(first)
        // Its third and last; it is cancelled when it is about to be sent.
        world.cancelledJobs = [3]
        try world.submit()
        #expect(world.outcomes[3] == .cancelled)
        world.wait(until: world.now + 11 * second)
        world.answer(first)
        #expect(world.workers[first]?.stage == .draining)
    }

    @Test("a successor that has to wait for its turn is not replaced, however long that takes")
    func unusedSuccessor() throws {
        var world = PoolWorld(maxWorkers: 1, recycling: WorkerRecycling(age: .seconds(1), jitter: 0))
        for _ in 0..<2 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        world.wait(until: world.now + second)
        let next = try #require(world.workers.first { $0.key != first }?.key)
        world.becomeReady(next)
        world.wait(until: world.now + 3_600 * second)
        #expect(world.spawnCount == 2 && world.workers[next]?.stage == .ready)
        world.answer(first)
        world.answer(next)
        world.wait(until: world.now + second)
        #expect(world.workers[next]?.stage == .draining, "it has run something")
    }

    @Test("workers that started together are replaced at different times")
    func jitter() throws {
        var world = PoolWorld(maxWorkers: 20, recycling: WorkerRecycling(age: .seconds(100), jitter: 0.5))
        for _ in 0..<20 { try world.submit() }
        for id in world.workers.keys { world.becomeReady(id) }
        for id in world.workers.keys { world.answer(id) }
        var ends: Set<Int64> = []
        let begin = world.now
        while world.workers.values.contains(where: { $0.stage == .ready }) {
            world.letTimePass()
            ends.insert(world.now - begin)
        }
        #expect(ends.count > 15 && ends.allSatisfy { (49 * second...100 * second).contains($0) })
    }

    @Test("where memory is limited it is looked at while workers come up, and no more once they idle")
    func memoryOfStarts() throws {
        for limitsMemory in [false, true] {
            var world = PoolWorld(
                maxWorkers: 2, recycling: WorkerRecycling(memory: 1_000), limitsMemory: limitsMemory)
            for _ in 0..<2 { try world.submit() }
            let workers = world.workers.keys.sorted { $0.rawValue < $1.rawValue }
            try #require(workers.count == 2)
            // What it takes to come up is no reason to replace it.
            for worker in workers { world.memory[worker] = 2_000 }
            world.wait(until: world.now + second)
            #expect(world.memoryMeasurements == (limitsMemory ? 20 : 0))
            for worker in workers { world.memory[worker] = 1 }
            world.becomeReady(workers[0])
            for _ in 0..<2 { world.answer(workers[0]) }
            world.becomeReady(workers[1])
            world.wait(until: world.now + second)
            // Of the first once more, after its last task.
            #expect(world.memoryMeasurements == (limitsMemory ? 21 : 1))
            // What was looked at as the second came up may be told once it is ready: it has still run nothing.
            world.raise { state, now, actions in state.memoryMeasured(workers[1], 2_000, now: now, &actions) }
            #expect(workers.allSatisfy { world.workers[$0]?.stage == .ready } && world.spawnCount == 2)
        }
    }

    @Test("a worker that has grown is replaced, and nobody looks while it idles")
    func memory() throws {
        var world = PoolWorld(maxWorkers: 1, maxTasksPerChild: 100, recycling: WorkerRecycling(memory: 1_000))
        try world.submit()
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        world.memory[first] = 999
        world.wait(until: world.now + second)
        #expect(world.memoryMeasurements == 10 && world.workers[first]?.stage == .ready)
        world.answer(first, runTime: 50_000_000)
        world.wait(until: world.now + 100 * second)
        #expect(world.memoryMeasurements == 11, "once more after its last task")
        world.memory[first] = 1_000
        for _ in 0..<2 { try world.submit() }
        world.wait(until: world.now + second)
        #expect(world.running == [2] && world.spawnCount == 2)
        world.answer(first)
        #expect(world.workers[first]?.stage == .draining)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.allSatisfy { $0 == .answered } && world.outcomes.count == 3)
    }

    @Test("timers of workers that are gone do not pile up, however far ahead they were set")
    func staleTimers() throws {
        var world = PoolWorld(maxWorkers: 2, maxTasksPerChild: 1)
        for _ in 0..<1_000 {
            try world.submit()
            let worker = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
            world.becomeReady(worker)
            world.answer(worker)
            world.die(worker)
        }
        #expect(world.outcomes.count == 1_000)
        #expect(world.state.timers.count < 200)
    }

    @Test("nor do those of calls that were to be run again and were cancelled")
    func staleRetries() throws {
        let policy = RetryPolicy(errors: 1, backoff: .init(first: .seconds(3_600), jitter: 0))
        var world = PoolWorld(maxWorkers: 1, onWorkerLoss: .retry(policy))
        for _ in 0..<1_000 {
            let id = try world.submit()
            let worker = try #require(world.workers.keys.first)
            if world.workers[worker]?.stage == .spawning { world.becomeReady(worker) }
            world.answer(worker, throwsError: true)
            #expect(world.state.delayedCount == 1)
            world.raise { state, now, actions in state.cancelled(id, now: now, &actions) }
        }
        #expect(world.state.delayedCount == 0)
        #expect(world.state.timers.count < 200)
    }
}
