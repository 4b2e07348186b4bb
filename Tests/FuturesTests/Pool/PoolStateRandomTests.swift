import Testing

@testable import Futures

/// The scheduler in a world that does whatever it likes. A failure prints the seed that replays it.
struct PoolStateRandomTests {
    @Test(
        "every job ends exactly once, whatever happens in whatever order",
        arguments: [1, 2, 3].flatMap { workers in [nil, 1, 3].map { (workers, $0) } })
    func anything(maxWorkers: Int, maxTasksPerChild: Int?) throws {
        for _ in 0..<40 {
            let seed = UInt64.random(in: .min ... .max)
            try run(seed: seed, maxWorkers: maxWorkers, maxTasksPerChild: maxTasksPerChild)
        }
    }

    func run(seed: UInt64, maxWorkers: Int, maxTasksPerChild: Int?) throws {
        var random = SplitMix(seed: seed)
        let limit = BacklogLimit(
            tasks: [.max, 1, 20].randomElement(using: &random)!, bytes: [.max, 500].randomElement(using: &random)!)
        let priorities = [0...0, -1...1, -100...100].randomElement(using: &random)!
        let backoff = RetryPolicy.Backoff(first: [.zero, .milliseconds(1)].randomElement(using: &random)!)
        let policies: [WorkerLossPolicy] = [
            .breakPool, .failTask, .retry(RetryPolicy(crashes: 1, memoryKills: 0, errors: 2, backoff: backoff)),
        ]
        let policy = policies.randomElement(using: &random)!
        var world = PoolWorld(
            maxWorkers: maxWorkers, maxTasksPerChild: maxTasksPerChild, backlogLimit: limit, onWorkerLoss: policy)
        world.origin = "seed \(seed)"
        let mayDie = Bool.random(using: &random)
        let mayThrow = Bool.random(using: &random)
        let mayFailToStart = Bool.random(using: &random)
        let mayBeTerminated = Int.random(in: 0..<4, using: &random) == 0
        var submitted = 0
        var promises = 0
        for _ in 0..<300 {
            world.now += Int64.random(in: 0...100_000, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<35:
                let priority = Int.random(in: priorities, using: &random)
                let size = Int.random(in: 0...300, using: &random)
                let isPromised = promises > 0 && Bool.random(using: &random)
                if (try? world.submit(priority: priority, size: size, isPromised: isPromised)) != nil { submitted += 1 }
            case 35..<70:
                if let id = pick(world, { !$0.queue.isEmpty && $0.stage != .killed }, &random) {
                    let throwsError = mayThrow && Int.random(in: 0..<4, using: &random) == 0
                    world.answer(
                        id, runTime: [100, 10_000, 20_000_000].randomElement(using: &random)!, throwsError: throwsError)
                }
            case 70..<80:
                if let id = pick(world, { $0.stage == .spawning }, &random) {
                    if mayFailToStart, Int.random(in: 0..<4, using: &random) == 0 {
                        let hasProcess = Bool.random(using: &random)
                        world.raise { state, now, actions in
                            state.workerFailedToStart(
                                id, PoolWorld.Failure(text: "start"), hasProcess: hasProcess, now: now, &actions)
                        }
                    } else {
                        world.becomeReady(id)
                    }
                }
            case 80..<82:
                if let id = pick(world, { $0.isAsked && $0.stage != .killed }, &random) { world.answerQuestion(id) }
            case 82..<84:
                if let id = pick(world, { !$0.questions.isEmpty && $0.stage != .killed }, &random) {
                    world.decideQuestion(id)
                }
            case 84..<88:
                if let id = pick(world, { $0.stage == .killed || $0.stage == .draining }, &random) { world.die(id) }
            case 88..<92:
                cancelOne(&world, &random)
            case 92..<95:
                if let job = (1...max(world.lastJob, 1)).randomElement(using: &random), world.outcomes[job] == nil,
                    !world.running.contains(job)
                {
                    world.cancelledJobs.insert(job)
                }
            case 95:
                if promises < 2, (try? world.raise { state, _, _ in try state.promised() }) != nil {
                    promises += 1
                } else if promises > 0 {
                    promises -= 1
                    world.raise { state, now, actions in state.promiseEnded(now: now, &actions) }
                }
            case 96..<98:
                if let deadline = world.state.nextDeadline, deadline < world.now + 10_000_000 {
                    world.now = max(world.now, deadline)
                    world.raise { state, now, actions in state.timePassed(now: now, &actions) }
                }
            default:
                if mayDie, Int.random(in: 0..<4, using: &random) == 0, let id = pick(world, { _ in true }, &random) {
                    let charge: LossReport.Charge = Bool.random(using: &random) ? .crash : .memory
                    // The process may be there for a while after it was given up.
                    if Bool.random(using: &random) {
                        world.die(id, charge: charge)
                    } else {
                        world.lose(id, charge: charge)
                    }
                }
                if mayBeTerminated, Int.random(in: 0..<8, using: &random) == 0 {
                    world.raise { state, now, actions in
                        state.terminated(PoolWorld.Failure(text: "terminated"), signal: 15, now: now, &actions)
                    }
                }
            }
        }
        let cancels = Bool.random(using: &random)
        world.raise { state, now, actions in state.shutDown(cancelFutures: cancels, now: now, &actions) }
        for _ in 0..<promises {
            if (try? world.submit(isPromised: true)) != nil { submitted += 1 }
            #expect(world.finishedCount == 0 || world.state.promises > 0, "seed \(seed)")
            world.raise { state, now, actions in state.promiseEnded(now: now, &actions) }
        }
        world.runToTheEnd()
        #expect(world.finishedCount == 1, "seed \(seed)")
        #expect(world.outcomes.count == submitted, "seed \(seed)")
    }

    private func pick(
        _ world: PoolWorld, _ isWanted: (PoolWorld.Worker) -> Bool, _ random: inout SplitMix
    ) -> WorkerID? {
        world.workers.filter { isWanted($0.value) }.keys.sorted { $0.rawValue < $1.rawValue }
            .randomElement(using: &random)
    }

    private func cancelOne(_ world: inout PoolWorld, _ random: inout SplitMix) {
        let open = world.tasks.filter { world.outcomes[$0.value] == nil && !world.cancelledJobs.contains($0.value) }
        guard let id = open.keys.sorted(by: { $0.rawValue < $1.rawValue }).randomElement(using: &random) else { return }
        let job = world.tasks[id]!
        let waits = Bool.random(using: &random)
        let outcome = world.raise { state, now, actions in
            state.cancelRequested(id, waits: waits, now: now, &actions)
        }
        if outcome == .done { world.outcomes[job] = .cancelled }
        // Sometimes nobody waits for the answer any more.
        if outcome == .asked, Int.random(in: 0..<3, using: &random) == 0 { world.state.cancelRequestWithdrawn(id) }
    }
}
