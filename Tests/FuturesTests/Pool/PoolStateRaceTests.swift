import TestSupport
import Testing

@testable import Futures

/// The scheduler when messages cross.
struct PoolStateRaceTests {
    /// A worker with several tasks, and the other ones' ids.
    private func busyWorld(
        maxWorkers: Int = 1, onWorkerLoss: WorkerLossPolicy = .breakPool
    ) throws -> (world: PoolWorld, worker: WorkerID, held: [TaskID]) {
        var world = PoolWorld(maxWorkers: maxWorkers, onWorkerLoss: onWorkerLoss)
        for _ in 0..<20 { try world.submit() }
        let worker = try #require(world.workers.keys.first)
        world.becomeReady(worker)
        world.answer(worker)
        let held = world.workers[worker]!.queue.map(\.task)
        try #require(held.count > 2)
        return (world, worker, held)
    }

    @Test("a task that the worker has given back does not count as running while it says so", .proves(.F2, .F5))
    func givenBackAtTheHead() throws {
        var (world, worker, held) = try busyWorld()
        world.raise { state, now, actions in _ = state.cancelRequested(held[1], now: now, &actions) }
        // The worker takes it out, ends the one before it, and both answers are on their way.
        world.decideQuestion(worker)
        world.answer(worker)
        #expect(!world.running.contains(world.tasks[held[1]]!))
        world.answerQuestion(worker)
        #expect(world.outcomes[world.tasks[held[1]]!] == .cancelled)
        #expect(world.running.contains(world.tasks[held[2]]!))
    }

    @Test("shutdown with cancelFutures cancels such a task, too", .proves(.H3))
    func givenBackAtShutdown() throws {
        var (world, worker, held) = try busyWorld()
        world.raise { state, now, actions in state.shutDown(cancelFutures: true, now: now, &actions) }
        world.decideQuestion(worker)
        world.answer(worker)
        world.runToTheEnd()
        #expect(held[1...].allSatisfy { world.outcomes[world.tasks[$0]!] != nil })
        #expect(world.finishedCount == 1)
    }

    @Test("a task that the worker keeps is running once the worker has said so", .proves(.F5))
    func keptAtTheHead() throws {
        var (world, worker, held) = try busyWorld()
        world.raise { state, now, actions in _ = state.cancelRequested(held[1], now: now, &actions) }
        world.answer(worker)
        #expect(!world.running.contains(world.tasks[held[1]]!))
        world.answerQuestion(worker)
        #expect(world.running.contains(world.tasks[held[1]]!))
        #expect(world.outcomes[world.tasks[held[1]]!] == nil)
    }

    @Test("a task that somebody wants to cancel is cancelled instead of being run again", .proves(.F3, .F5))
    func cancelsInsteadOfRetrying() throws {
        var (world, worker, held) = try busyWorld(onWorkerLoss: .retry(RetryPolicy(errors: 5, backoff: .none)))
        let task = held[1]
        let job = try #require(world.tasks[task])
        world.raise { state, now, actions in _ = state.cancelRequested(task, now: now, &actions) }
        world.answer(worker)
        // The worker comes to it before it reads the question.
        world.answer(worker, throwsError: true)
        #expect(world.outcomes[job] == .cancelled && world.takeBacksOver[task] == true)
        // The answer to the question comes after that.
        world.workers[worker]!.questions = []
        world.raise { state, now, actions in
            #expect(
                state.takeBackAnswered(
                    task, attempt: 1, by: worker, takenBack: false, now: now, &actions) == false)
        }
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 20 && world.outcomes.values.count { $0 == .cancelled } == 1)
    }

    @Test("one whose taking back was asked for otherwise is run again", .proves(.F3))
    func retriesWhatIsStolen() throws {
        var (world, worker, held) = try busyWorld(onWorkerLoss: .retry(RetryPolicy(errors: 5, backoff: .none)))
        let task = held[1]
        world.raise { state, now, actions in _ = state.cancelRequested(task, now: now, &actions) }
        world.raise { state, _, _ in state.cancelRequestWithdrawn(task) }
        world.answer(worker)
        world.answer(worker, throwsError: true)
        world.workers[worker]!.questions = []
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.count == 20 && world.outcomes.values.allSatisfy { $0 == .answered })
        #expect(world.takeBacksOver[task] == false)
    }

    @Test("a task that a worker gives back without being asked stays where it is")
    func givenBackUnasked() throws {
        var (world, worker, held) = try busyWorld()
        let isCancelled = world.raise { state, now, actions in
            state.takeBackAnswered(held[0], attempt: 1, by: worker, takenBack: true, now: now, &actions)
        }
        #expect(isCancelled == nil)
        #expect(world.running.contains(world.tasks[held[0]]!))
        #expect(world.state.tasks[held[0]]?.worker == worker)
    }

    @Test("a task that nobody waits for to be cancelled is queued again", .proves(.F5))
    func askedInPassing() throws {
        var (world, worker, held) = try busyWorld()
        let outcome = world.raise { state, now, actions in
            state.cancelRequested(held[2], waits: false, now: now, &actions)
        }
        #expect(outcome == .asked)
        world.answerQuestion(worker)
        #expect(world.outcomes[world.tasks[held[2]]!] == nil)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.allSatisfy { $0 == .answered } && world.outcomes.count == 20)
    }

    @Test("a worker that becomes ready when its time was just over keeps what it was given")
    func readyAtTheLastMoment() throws {
        var (world, worker, held) = try busyWorld()
        world.raise { state, now, actions in
            state.workerFailedToStart(
                worker, PoolWorld.Failure(text: "slow start"), hasProcess: true, now: now, &actions)
        }
        #expect(world.workers[worker]?.stage == .ready)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(held.allSatisfy { world.outcomes[world.tasks[$0]!] == .answered })
    }

    @Test("workers that are being ended get the signal of a later call, too", .proves(.H7), arguments: [15, 9])
    func signalsWorkersThatLeave(signal: Int32) throws {
        var (world, worker, _) = try busyWorld()
        world.raise { state, now, actions in
            state.terminated(PoolWorld.Failure(text: "terminated"), signal: 15, now: now, &actions)
        }
        var actions: [PoolAction<Int>] = []
        world.state.terminated(PoolWorld.Failure(text: "killed"), signal: signal, now: world.now, &actions)
        #expect(
            actions.contains {
                if case .kill(worker, signal) = $0 { return true }
                return false
            })
    }

    @Test("what is given up while nothing is reached takes no room")
    func givenUp() throws {
        var (world, _, _) = try busyWorld()
        let waiting = world.state.backlogCount
        for _ in 0..<1_000 {
            let id = try world.submit()
            world.raise { state, now, actions in _ = state.cancelRequested(id, now: now, &actions) }
            world.outcomes[world.lastJob] = .cancelled
        }
        #expect(world.state.backlogCount == waiting && world.state.backlog.count <= 2 * waiting + 64)
        world.raise { state, now, actions in state.shutDown(cancelFutures: false, now: now, &actions) }
        world.runToTheEnd()
        #expect(world.outcomes.values.count { $0 == .answered } == 20)
    }

    @Test("as many workers as an Int can count", .proves(.P1))
    func unlimitedWorkers() throws {
        var world = PoolWorld(maxWorkers: .max)
        for _ in 0..<10 { try world.submit() }
        #expect(world.spawnCount == 10)
    }
}
