import TestSupport
import Testing

@testable import Futures

/// The scheduler by itself: no process, no thread, no clock.
struct PoolStateTests {
    @Test("workers start on demand, and sequential work uses one", .proves(.P1))
    func startsOnDemand() throws {
        var world = PoolWorld(maxWorkers: 4)
        #expect(world.spawnCount == 0)
        try world.submit()
        #expect(world.spawnCount == 1)
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        for _ in 0..<10 {
            try world.submit()
            world.answer(worker)
        }
        #expect(world.spawnCount == 1)
        #expect(world.outcomes.count == 11)
    }

    @Test("as many workers as there is work, but never more than maxWorkers", .proves(.P1))
    func startsUpToTheMost() throws {
        var world = PoolWorld(maxWorkers: 3)
        for _ in 0..<10 { try world.submit() }
        #expect(world.spawnCount == 3)
    }

    @Test("tasks start in the order of their submission", .proves(.S2))
    func isFirstInFirstOut() throws {
        var world = PoolWorld(maxWorkers: 1)
        for _ in 0..<50 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        var order: [Int] = []
        while let first = world.workers[worker]!.queue.first {
            order.append(world.tasks[first.task]!)
            world.answer(worker)
        }
        #expect(order == Array(1...50))
    }

    @Test(
        "a task of a higher priority starts before those that wait, in the order of submission among equals",
        .proves(.S2))
    func priority() throws {
        var world = PoolWorld(maxWorkers: 1)
        for priority in [0, 0, -3, 7, 0, 7] { try world.submit(priority: priority) }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        var order: [Int] = []
        while let first = world.workers[worker]!.queue.first {
            order.append(world.tasks[first.task]!)
            world.answer(worker, runTime: 50_000_000)
        }
        #expect(order == [4, 6, 1, 2, 5, 3])
    }

    @Test("a full backlog refuses, by number and by bytes, and says when there is room", .proves(.S1))
    func backlogLimit() throws {
        var world = PoolWorld(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 3, bytes: 100))
        try world.submit(size: 60)
        #expect(throws: PoolRefusal.self) { try world.submit(size: 41) }
        let worker = try #require(world.workers.keys.first)
        #expect(world.toldOfRoom == 0)
        world.becomeReady(worker)
        #expect(world.toldOfRoom == 1, "the first has begun")
        // Larger than the limit by itself: there is no other way to ever run it.
        try world.submit(size: 1_000)
        #expect(throws: PoolRefusal.self) { try world.submit() }
        world.answer(worker)
        #expect(world.toldOfRoom == 2)
        for _ in 0..<3 { try world.submit(size: 20) }
        #expect(throws: PoolRefusal.self) { try world.submit() }
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        #expect(world.toldOfRoom == 3, "there will never be room again, which they must hear, too")
        world.runToTheEnd()
        #expect(world.outcomes.count == 5)
    }

    @Test("a shutdown waits for what was promised, and takes nothing else", .proves(.H1))
    func promises() throws {
        var world = PoolWorld(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 1))
        try world.raise { state, _, _ in try state.promised() }
        try world.submit()
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        #expect(world.workers[worker]?.stage == .ready && world.finishedCount == 0)
        #expect(throws: PoolRefusal.self) { try world.submit() }
        for _ in 0..<3 { try world.submit(isPromised: true) }
        #expect(throws: PoolRefusal.self) { try world.raise { state, _, _ in try state.promised() } }
        while world.outcomes.count < 4 { world.answer(worker) }
        #expect(world.finishedCount == 0)
        world.raise { state, now, actions in state.promiseEnded(now: now, &actions) }
        world.runToTheEnd()
        #expect(world.finishedCount == 1)
    }

    @Test("a shutdown that cancels futures takes nothing of what was promised", .proves(.H3))
    func cancelledPromises() throws {
        var world = PoolWorld(maxWorkers: 1)
        try world.raise { state, _, _ in try state.promised() }
        try world.submit()
        world.raise { state, now, actions in state.shutDown(cancelFutures: true, now: now, &actions) }
        #expect(throws: PoolRefusal.self) { try world.submit(isPromised: true) }
        world.raise { state, now, actions in state.promiseEnded(now: now, &actions) }
        world.runToTheEnd()
        #expect(world.finishedCount == 1)
    }

    @Test("short tasks are sent ahead, long ones are not")
    func creditFollowsRunTime() throws {
        var world = PoolWorld(maxWorkers: 1)
        for _ in 0..<100 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        #expect(world.workers[worker]!.queue.count == 1, "nothing is known of the tasks yet")
        world.answer(worker, runTime: 1_000)
        #expect(world.workers[worker]!.queue.count > 10)
        while world.workers[worker]!.queue.count > 1 { world.answer(worker, runTime: 50_000_000) }
        #expect(world.workers[worker]!.queue.count == 1)
        #expect(world.state.backlogCount > 0)
    }

    @Test("a task that was sent ahead is taken back by cancel, the one that runs is not", .proves(.F5))
    func takesBack() throws {
        var world = PoolWorld(maxWorkers: 1)
        for _ in 0..<20 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        let ahead = world.workers[worker]!.queue
        try #require(ahead.count > 2)
        let running = world.raise { state, now, actions in
            state.cancelRequested(ahead[0].task, now: now, &actions)
        }
        #expect(running == .tooLate)
        let asked = world.raise { state, now, actions in
            state.cancelRequested(ahead[1].task, now: now, &actions)
        }
        #expect(asked == .asked)
        world.answerQuestion(worker)
        #expect(world.outcomes[world.tasks[ahead[1].task]!] == .cancelled)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.count { $0 == .answered } == 19)
    }

    @Test("a worker that is stuck, and was asked for all that it has, keeps nobody busy")
    func asksOnce() throws {
        var world = PoolWorld(maxWorkers: 2)
        try world.submit()
        try world.submit()
        let ids = Array(world.workers.keys)
        for id in ids { world.becomeReady(id) }
        for id in ids { world.answer(id, runTime: 1_000) }
        for _ in 0..<12 { try world.submit() }
        let (quick, stuck) = (ids[0], ids[1])
        while !world.workers[quick]!.queue.isEmpty { world.answer(quick) }
        let ahead = world.workers[stuck]!.queue.count - 1
        try #require(ahead > 0)
        let soon = world.now + 1_000_000_000
        for _ in 0..<100 where (world.state.nextDeadline ?? .max) < soon { world.letTimePass() }
        #expect(world.workers[stuck]!.questions.count == ahead)
        #expect((world.state.nextDeadline ?? .max) >= soon, "the pool looks again and again")
        // What it does not give back can be asked for again.
        world.workers[stuck]!.replies.append((world.workers[stuck]!.queue[1].task, 1, false))
        world.answerQuestion(stuck)
        #expect((world.state.nextDeadline ?? .max) < world.now + 1_000_000_000)
    }

    @Test("what is done with all workers is done in the order of their starts, in each process alike")
    func ordersWorkers() throws {
        var state = PoolState<Int>(.init(maxWorkers: 20))
        var actions: [PoolAction<Int>] = []
        for job in 0..<20 { _ = try state.submitted(job, now: 0, &actions) }
        actions = []
        state.terminated(PoolWorld.Failure(text: "terminated"), signal: 15, now: 0, &actions)
        let killed = actions.compactMap { action -> UInt64? in
            if case .kill(let id, _) = action { return id.rawValue }
            return nil
        }
        #expect(killed == Array(1...20))
    }

    @Test(
        "work behind a long task is taken back for a worker that idles, what was submitted first before the rest",
        .proves(.S2))
    func stealsBack() throws {
        var world = PoolWorld(maxWorkers: 2)
        try world.submit()
        try world.submit()
        let ids = Array(world.workers.keys)
        for id in ids { world.becomeReady(id) }
        for id in ids { world.answer(id, runTime: 1_000) }
        for _ in 0..<30 { try world.submit() }
        // One worker finishes all it has, the other got stuck with its second task.
        let (quick, slow) = (ids[0], ids[1])
        world.answer(slow, runTime: 1_000)
        while !world.workers[quick]!.queue.isEmpty { world.answer(quick) }
        let stuck = world.workers[slow]!.queue.count
        try #require(stuck > 2)
        world.now = try #require(world.state.nextDeadline)
        world.raise { state, now, actions in state.timePassed(now: now, &actions) }
        let first = world.workers[slow]!.queue[1].task
        #expect(world.workers[slow]!.questions.map(\.task) == [first])
        world.answerQuestion(slow)
        #expect(world.workers[quick]!.queue.map(\.task) == [first])
        #expect(world.workers[slow]!.queue.count == stuck - 1)
    }

    @Test("work behind a long task of a worker that is to be replaced is taken back, too", .proves(.P3))
    func stealsBackFromRetiring() throws {
        var world = PoolWorld(maxWorkers: 2, maxTasksPerChild: 3)
        for _ in 0..<2 { try world.submit() }
        let ids = Array(world.workers.keys)
        for id in ids { world.becomeReady(id) }
        for id in ids { world.answer(id, runTime: 1_000) }
        for _ in 0..<3 { try world.submit() }
        let slow = try #require(ids.first { world.workers[$0]!.queue.count == 2 })
        let quick = try #require(ids.first { $0 != slow })
        // Its third and last task is behind one that turns out to be long.
        #expect(world.workers[slow]!.tasksGiven == 3 && world.workers[quick]!.queue.count == 1)
        world.answer(quick, runTime: 1_000)
        let idle = world.now
        world.wait(until: idle + world.configuration.stealDelay)
        #expect(world.workers[slow]!.questions.count == 1)
        world.answerQuestion(slow)
        #expect(world.workers[quick]!.queue.count == 1 && world.workers[slow]!.queue.count == 1)
        // What it has given back it has not run: it has a task left.
        #expect(world.workers[slow]!.tasksGiven == 2)
        world.answer(slow, runTime: 1_000)
        #expect(world.workers[slow]!.stage == .ready)
        try world.submit()
        #expect(world.workers[slow]!.queue.count == 1)
    }

    @Test("a worker is replaced after maxTasksPerChild, and the successor is started ahead", .proves(.P3))
    func recycles() throws {
        var world = PoolWorld(maxWorkers: 1, maxTasksPerChild: 2)
        for _ in 0..<5 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        world.answer(first)
        // The last task of the first worker runs: its successor is on its way.
        #expect(world.spawnCount == 2)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.allSatisfy { $0 == .answered } && world.outcomes.count == 5)
        #expect(world.spawnCount == 3)
        #expect(world.finishedCount == 1)
    }

    @Test("a replacement that fails to start breaks the pool only when nobody is left", .proves(.P3))
    func survivesFailedReplacements() throws {
        var world = PoolWorld(maxWorkers: 1, maxTasksPerChild: 1)
        for _ in 0..<2 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        var failures = 0
        while world.now < 40_000_000_000 {
            try world.failStart("no memory")
            failures += 1
            world.waitForStart()
        }
        #expect(failures >= world.configuration.maxStartFailures && failures < 40)
        #expect(world.outcomes.isEmpty, "the first worker still runs its task")
        world.answer(first)
        world.die(first)
        try world.failStart("no memory")
        #expect(world.outcomes == [1: .answered, 2: .failed])
        #expect(world.errors[2]?.contains("no memory") == true)
        #expect(throws: PoolRefusal.self) { try world.submit() }
    }

    @Test("while replacements fail to start the other worker carries on, and the pool is not broken", .proves(.P3))
    func othersCarryOn() throws {
        var world = PoolWorld(maxWorkers: 2, maxTasksPerChild: 8)
        for _ in 0..<14 { try world.submit() }
        let ids = Array(world.workers.keys)
        try #require(ids.count == 2)
        for id in ids { world.becomeReady(id) }
        let (steady, worn) = (ids[0], ids[1])
        // Long ones, so that none is sent ahead: the other worker is busy with its first meanwhile.
        for _ in 0..<8 { world.answer(worn, runTime: 50_000_000) }
        #expect(world.workers[worn]?.stage == .draining && world.spawnCount == 3)
        world.die(worn)
        // Long enough for a pool with no other worker to give up.
        var failures = 0
        while world.now < 40_000_000_000 {
            try world.failStart("no memory")
            failures += 1
            world.waitForStart()
        }
        #expect(failures > world.configuration.maxStartFailures)
        #expect(world.outcomes.count == 8)
        while !world.workers[steady]!.queue.isEmpty {
            world.answer(steady, runTime: 50_000_000)
            world.waitForStart()
            if world.workers.values.contains(where: { $0.stage == .spawning }) { try world.failStart("no memory") }
        }
        #expect(world.outcomes.count == 14 && world.outcomes.values.allSatisfy { $0 == .answered })
        // It takes more, and a start that works ends that.
        for _ in 0..<2 { try world.submit() }
        world.waitForStart()
        let next = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
        world.becomeReady(next)
        #expect(world.state.startFailures == 0)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 16 && world.outcomes.values.allSatisfy { $0 == .answered })
        #expect(world.errors.isEmpty && world.finishedCount == 1)
    }

    @Test("after a failed start the next one waits, longer each time, and a success ends that", .proves(.P3))
    func pausesBetweenStarts() throws {
        var world = PoolWorld(maxWorkers: 2)
        for _ in 0..<4 { try world.submit() }
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        var pauses: [Int64] = []
        for _ in 0..<9 {
            try world.failStart()
            #expect(!world.workers.values.contains { $0.stage == .spawning }, "not at once")
            let before = world.now
            world.waitForStart()
            pauses.append(world.now - before)
        }
        #expect(pauses[0] >= 50_000_000 && pauses[0] < 65_000_000)
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 >= $0 * 8 / 5 || $1 >= 2_000_000_000 }, "\(pauses)")
        #expect(pauses.max()! <= 2_000_000_000 * 5 / 4)
        let second = try #require(world.workers.first { $0.value.stage == .spawning }?.key)
        world.becomeReady(second)
        #expect(world.state.startFailures == 0)
    }

    @Test("where no worker ever came up, the pool breaks after three failures, and at once where hope is vain")
    func givesUpStarting() throws {
        var world = PoolWorld(maxWorkers: 4)
        try world.submit()
        for attempt in 1...3 {
            try world.failStart("exit code \(attempt)")
            #expect(world.outcomes.count == (attempt == 3 ? 1 : 0))
            if attempt < 3 { world.waitForStart() }
        }
        #expect(world.errors[1]?.contains("exit code 3") == true)

        var hopeless = PoolWorld(maxWorkers: 4)
        try hopeless.submit()
        try hopeless.failStart("another version", isHopeless: true)
        #expect(hopeless.outcomes == [1: .failed])
    }

    @Test("a pool whose workers came up before is patient")
    func isPatient() throws {
        var world = PoolWorld(maxWorkers: 1, onWorkerLoss: .failTask)
        try world.submit()
        let first = try #require(world.workers.keys.first)
        world.becomeReady(first)
        try world.submit()
        world.die(first)
        #expect(world.outcomes == [1: .failed])
        let begin = world.now
        while world.outcomes.count == 1 {
            try world.failStart("no memory")
            if world.outcomes.count == 1 { world.waitForStart() }
        }
        #expect(world.now - begin >= 30_000_000_000 && world.now - begin < 40_000_000_000)
        #expect(world.errors[2]?.contains("no memory") == true)
    }

    @Test("the death of a worker fails everything and ends the others", .proves(.P4))
    func breaks() throws {
        var world = PoolWorld(maxWorkers: 2)
        for _ in 0..<10 { try world.submit() }
        let ids = Array(world.workers.keys)
        for id in ids { world.becomeReady(id) }
        world.die(ids[0])
        #expect(world.outcomes.count == 10)
        #expect(world.outcomes.values.allSatisfy { $0 == .failed })
        #expect(world.workers[ids[1]]?.stage == .killed)
        #expect(throws: PoolRefusal.self) { try world.submit() }
        world.die(ids[1])
        #expect(world.finishedCount == 0)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        #expect(world.finishedCount == 1)
    }

    @Test("a pool that never started a worker finishes at shutdown, once", .proves(.H1))
    func shutsDownUnused() {
        var world = PoolWorld(maxWorkers: 2)
        for _ in 0..<3 {
            world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        }
        #expect(world.finishedCount == 1)
        #expect(throws: PoolRefusal.self) { try world.submit() }
    }

    @Test("shutdown with cancelFutures cancels what has not begun and lets the rest complete", .proves(.H3))
    func cancelsAtShutdown() throws {
        var world = PoolWorld(maxWorkers: 1)
        for _ in 0..<20 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: true, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.count { $0 == .answered } == 2)
        #expect(world.outcomes.values.count { $0 == .cancelled } == 18)
    }

    @Test("a worker that does not exit when told to is killed")
    func killsTheStubborn() throws {
        var world = PoolWorld(maxWorkers: 1)
        try world.submit()
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        #expect(world.workers[worker]?.stage == .draining)
        world.now = try #require(world.state.nextDeadline)
        world.raise { state, now, actions in state.timePassed(now: now, &actions) }
        #expect(world.workers[worker]?.stage == .killed)
        world.die(worker)
        #expect(world.finishedCount == 1)
    }

    @Test("terminating fails what runs and cancels what waits", .proves(.H7))
    func terminates() throws {
        var world = PoolWorld(maxWorkers: 1)
        for _ in 0..<3 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.raise { state, now, actions in
            state.terminated(PoolWorld.Failure(text: "killed"), signal: 9, now: now, &actions)
        }
        #expect(world.outcomes == [1: .failed, 2: .cancelled, 3: .cancelled])
        world.die(worker)
        #expect(world.finishedCount == 1)
    }

    @Test("a late answer, of an earlier attempt or another worker, is dropped")
    func dropsLateAnswers() throws {
        var world = PoolWorld(maxWorkers: 1)
        let task = try world.submit()
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        for (attempt, by) in [(UInt32(0), worker), (2, worker), (1, WorkerID(rawValue: 99))] {
            let job = world.raise { state, now, actions in
                state.answered(task, attempt: attempt, by: by, runTime: 1, now: now, &actions)
            }
            #expect(job == nil)
        }
        world.answer(worker)
        #expect(world.outcomes == [1: .answered])
    }

    @Test("of answers that come together only what is left is said to run")
    func answeredTogether() throws {
        var state = PoolState<Int>(.init(maxWorkers: 1))
        var actions: [PoolAction<Int>] = []
        var tasks: [TaskID] = []
        for job in 0..<9 { tasks.append(try state.submitted(job, now: 0, &actions)) }
        let worker = WorkerID(rawValue: 1)
        state.workerReady(worker, now: 0, &actions)
        // Short, so that others are sent ahead.
        let first = state.answered(tasks[0], attempt: 1, by: worker, runTime: 1000, now: 1000, &actions)
        #expect(first?.job == 0)
        #expect(Array(state.held(by: worker)).count > 4)
        actions = []
        var answered: [Int?] = []
        let answers = [1, 2, 3, 2].map { TaskAnswer(id: tasks[$0], attempt: 1, runTime: 1000) }
        state.answered(answers, by: worker, now: 4000, &actions) { answered.append($0) }
        #expect(answered == [1, 2, 3, nil])
        let begun = actions.compactMap { action -> Int? in if case .began(let job) = action { job } else { nil } }
        #expect(begun == [4])
        #expect(state.audit() == nil)
        // Late ones change nothing.
        actions = []
        state.answered(answers, by: worker, now: 5000, &actions) { #expect($0 == nil) }
        #expect(actions.isEmpty)
    }

    @Test("workers are found however many have gone between them")
    func workerTable() {
        var table = WorkerTable<UInt64>()
        var there: Set<UInt64> = []
        var random = SplitMix(seed: 5)
        for id in 1...300 as ClosedRange<UInt64> {
            table.insert(WorkerID(rawValue: id), id)
            there.insert(id)
            if id % 3 != 0, let gone = there.randomElement(using: &random) {
                table.remove(WorkerID(rawValue: gone))
                there.remove(gone)
            }
            for asked in 0...id + 1 {
                #expect(table[WorkerID(rawValue: asked)] == (there.contains(asked) ? asked : nil))
            }
        }
        #expect(table.count == there.count)
    }
}
