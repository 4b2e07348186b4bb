import Futures

/// What one pool is like, what its user does, and what goes wrong in it. Drawn at random, from calm to wild.
struct Scenario {
    /// How often something goes wrong: a share of the occasions.
    typealias Share = Double

    enum Ending: CaseIterable {
        /// Shut down when all is submitted.
        case afterWork
        /// Shut down when so much has ended.
        case early
        /// The workers are terminated when so much has ended.
        case terminated
    }

    var configuration: PoolState<Int>.Configuration
    let tasks: Int

    // MARK: The user

    /// So many are submitted at a time...
    var batch: Int
    /// ...and then comes a pause.
    var pause: Int64
    /// From minus this to this.
    var priorities: Int
    var largestSize: Int
    /// Limits of tasks that have their own.
    var ownLimits: [TaskLimits]
    var ownLimitShare: Share
    var chunkShare: Share
    var largestChunk: Int
    var promises: Int
    /// After a submission or an end: how often the user cancels or interrupts something.
    var actShare: Share
    /// How often a task turns out to be cancelled when it is about to be sent.
    var notSentShare: Share
    var ending: Ending
    /// Ends so early.
    var endAfter: Int
    var cancelsAtEnd: Bool
    var shutsDownTwice: Bool

    // MARK: The workers

    var startTimes: Magnitudes
    var runTimes: Magnitudes
    var latencies: Magnitudes
    /// A driver that is late by this.
    var lateness: Int64
    var failedStarts: Share
    var hopelessStarts: Share
    var fatalStarts: Share
    var stuckStarts: Share
    var errors: Share
    var crashes: Share
    var memoryKills: Share
    /// Of the looks at the memory of a worker: it is found to have more than it may.
    var memoryOverruns: Share = 0
    var hangs: Share
    var freezes: Share
    var poison: Share
    var idleDeaths: Share
    var stubborn: Share
    /// Messages that stay on their way for long.
    var stalls: Share
    /// Second answers, answers with another attempt number, answers about tasks that nobody asked for.
    var nonsense: Share
    var brokenRules: Share
    /// Journals that name something else than what the worker ran.
    var wrongJournals: Share
    var hasJournal: Bool
    /// Elements that are finished are told at once.
    var parts: Share

    /// All tasks have hard limits: nobody else has to end what hangs.
    var isAlwaysLimited: Bool {
        configuration.taskLimits.hard != .max && ownLimits.allSatisfy { $0.hard != .max }
    }

    var hasLimits: Bool { configuration.taskLimits != .none || !ownLimits.isEmpty }

    var retries: RetryPolicy? {
        if case .retry(let policy) = configuration.onWorkerLoss { return policy }
        return nil
    }

    var breaksByLoss: Bool {
        if case .breakPool = configuration.onWorkerLoss { return true }
        return false
    }

    init(tasks: Int, _ dice: inout Dice) {
        self.tasks = tasks
        let workers = Int(dice.magnitude(1, 4096))
        configuration = .init(maxWorkers: workers)
        if dice.chance(0.4) { configuration.maxTasksPerChild = Int(dice.magnitude(1, 1000)) }
        if dice.chance(0.3) { configuration.maxAhead = Int(dice.magnitude(1, 256)) }
        configuration.seed = dice.next()
        configuration.backlogLimit = BacklogLimit(
            tasks: dice.chance(0.3) ? Int(dice.magnitude(1, 100_000)) : .max,
            bytes: dice.chance(0.2) ? Int(dice.magnitude(100, 1_000_000)) : .max)
        configuration.onWorkerLoss = Self.policy(&dice)
        // The large pools are to be long-lived: there what ends one is rarer.
        let isLarge = tasks > 10_000

        let least = dice.magnitude(500, 50_000_000)
        let runTimes = Magnitudes(least, least * dice.magnitude(1, 1000))
        self.runTimes = runTimes
        latencies = Magnitudes(1_000, dice.magnitude(2_000, 10_000_000))
        startTimes = Magnitudes(1_000_000, dice.magnitude(2_000_000, 5_000_000_000))
        lateness = dice.coin() ? 0 : dice.magnitude(1, 2_000_000)

        let limits = dice.chance(0.5) ? (0..<2).map { _ in Self.limits(runTimes, &dice) } : []
        if dice.chance(0.4) { configuration.taskLimits = Self.limits(runTimes, &dice) }
        ownLimits = limits
        ownLimitShare = limits.isEmpty ? 0 : dice.pick([0.01, 0.5, 1])

        let isBurst = dice.chance(0.4)
        batch = isBurst ? tasks : Int(dice.magnitude(1, Int64(2 * workers)))
        // From a third of what the workers can do to three times as much.
        let pace = Double(runTimes.mean) * Double(batch) / Double(workers)
        pause = max(1, Int64(pace * dice.pick([0.33, 0.9, 1.1, 3])))
        priorities = dice.pick([0, 0, 0, 1, 100])
        largestSize = dice.pick([0, 300, 10_000])
        chunkShare = dice.chance(0.4) ? dice.pick([0.01, 0.3, 1]) : 0
        largestChunk = dice.pick([1, 3, 8, 64])
        promises = dice.chance(0.2) ? dice.from(1, through: 3) : 0
        actShare = dice.chance(0.5) ? dice.pick([0.001, 0.01, 0.2]) : 0
        notSentShare = dice.chance(0.3) ? dice.pick([0.001, 0.05]) : 0
        ending = dice.chance(isLarge ? 0.9 : 0.6) ? .afterWork : dice.pick([.early, .early, .terminated])
        endAfter = dice.below(tasks + 1)
        cancelsAtEnd = dice.chance(0.3)
        shutsDownTwice = dice.chance(0.2)

        failedStarts = dice.share(0.4)
        if dice.chance(0.05) { failedStarts = dice.pick([0.9, 1]) }
        hopelessStarts = dice.pick([0, 0, 0.5])
        fatalStarts = dice.chance(isLarge ? 0.01 : 0.05) ? 0.01 : 0
        stuckStarts = dice.share(0.2)
        errors = dice.share(0.5)
        crashes = dice.share(0.5)
        memoryKills = dice.share(0.3)
        hangs = dice.share(0.3)
        freezes = dice.share(0.3)
        poison = dice.share(0.3)
        idleDeaths = dice.share(0.2)
        stubborn = dice.share(0.5)
        stalls = dice.share(0.3)
        nonsense = dice.share(0.3)
        brokenRules = dice.share(0.2)
        wrongJournals = dice.share(0.3)
        hasJournal = dice.chance(0.8)
        parts = dice.pick([0, 0.5, 1])
        if chunkShare > 0, hasLimits {
            // Their elements are looked at every few milliseconds: that is to remain a part of what happens.
            if runTimes.most > 100_000_000 { chunkShare = 0 } else if !isAlwaysLimited { hangs = min(hangs, 0.000_1) }
            // And so are the ends of workers for an element's limit.
            let least = min(configuration.taskLimits.hard, ownLimits.map(\.hard).min() ?? .max)
            if isLarge, least < 4 * runTimes.mean { chunkShare = min(chunkShare, 0.01) }
        }
        if breaksByLoss {
            // So that it takes a while until the first.
            let most = dice.pick([0, 0.5, 3]) / Double(max(tasks, 1))
            for rate in [\Scenario.crashes, \.memoryKills, \.poison, \.idleDeaths, \.brokenRules] {
                self[keyPath: rate] = min(self[keyPath: rate], most)
            }
            freezes = isAlwaysLimited ? freezes : min(freezes, most)
        }
        drawRecycling()
    }

    /// From dice of its own: in the scenarios without it, which once found something, nothing else changes.
    private mutating func drawRecycling() {
        var dice = Dice(seed: configuration.seed)
        let mean = runTimes.mean
        if dice.chance(0.15) {
            // A worker lives for some tasks.
            configuration.recycling.age = .nanoseconds(dice.magnitude(mean, max(mean, 1_000_000) * 10_000))
            configuration.recycling.jitter = dice.pick([0, 0.1, 1])
        }
        if dice.chance(0.15) { configuration.recycling.memory = Int(dice.magnitude(Self.memory)) }
        configuration.watchesMemory = configuration.recycling.memory != nil || dice.chance(0.05)
        // That is to remain a part of what happens.
        let least = max(hangs + freezes > 0.001 ? 1_000_000_000 : 10_000_000, mean / 4)
        configuration.memoryWatchInterval = dice.magnitude(least, 100 * least)
        if configuration.watchesMemory, !breaksByLoss { memoryOverruns = dice.share(0.5) }
        configuration.watchesMemoryOfStarts = memoryOverruns > 0 && dice.coin()
    }

    /// How much memory a worker may turn out to have, in bytes.
    static let memory = Magnitudes(1, 1 << 40)

    private static func policy(_ dice: inout Dice) -> WorkerLossPolicy {
        switch dice.below(4) {
        case 0: .breakPool
        case 1: .failTask
        default:
            .retry(
                RetryPolicy(
                    crashes: dice.pick([0, 1, 2, 5]), memoryKills: dice.pick([0, 1, 3]),
                    errors: dice.pick([0, 0, 1, 4]),
                    backoff: .init(
                        first: dice.pick([.zero, .microseconds(1), .milliseconds(1), .milliseconds(50)]),
                        factor: dice.pick([1, 2, 10]), longest: dice.pick([.zero, .milliseconds(10), .seconds(30)]),
                        jitter: dice.pick([0, 0.2, 1]))))
        }
    }

    private static func limits(_ runTimes: Magnitudes, _ dice: inout Dice) -> TaskLimits {
        let hard = dice.magnitude(max(runTimes.mean / 10, 1), runTimes.mean * 20)
        switch dice.below(3) {
        case 0: return TaskLimits(hard: hard)
        case 1:
            // Elements that do not heed a soft limit are looked at again and again: not too often in all.
            let least = hard < 1_000_000_000 ? hard / 10_000 : hard / 100
            return TaskLimits(soft: dice.magnitude(max(least, 1), hard), hard: hard)
        default: return TaskLimits(soft: hard)
        }
    }
}
