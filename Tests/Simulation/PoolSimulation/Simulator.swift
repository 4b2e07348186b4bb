import Futures

/// Names a run: everything that happens in it follows from these two numbers.
package struct SimulationRun: Sendable, Hashable, CustomStringConvertible {
    /// What all that is drawn at random comes from.
    package let seed: UInt64
    /// How many tasks are submitted. At least 1.
    package let tasks: Int

    package init(seed: UInt64, tasks: Int) {
        self.seed = seed
        self.tasks = max(tasks, 1)
    }

    /// What `description` gives, "SEED:TASKS"; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let seed = UInt64(parts[0]), let tasks = Int(parts[1]), tasks > 0 else { return nil }
        self.init(seed: seed, tasks: tasks)
    }

    package var description: String { "\(seed):\(tasks)" }
}

/// What happened in a run.
package struct SimulationReport: Sendable, Equatable {
    /// Pools, one after the other: one that was shut down early, or broke, is followed by another until all tasks were
    /// submitted.
    package var pools = 0
    package var tasks = 0
    package var workers = 0
    /// The most workers that a pool had at a time.
    package var mostWorkers = 0
    /// Events that the schedulers were told.
    package var events = 0
    /// Workers that were lost.
    package var losses = 0
    /// How the tasks ended.
    package var answered = 0
    package var failed = 0
    package var cancelled = 0
    /// Time in the simulated world, in nanoseconds.
    package var time: Int64 = 0
    /// What two runs have in common that went alike, event by event.
    package var digest: UInt64 = 0

    package init() {}
}

/// The scheduler did something wrong.
package struct SimulationFailure: Error, CustomStringConvertible {
    package let run: SimulationRun
    /// What was wrong, in which pool, and what happened last.
    package let text: String

    package var description: String {
        """
        simulation \(run) failed: \(text)
        to run it again: scripts/simulate.sh --replay \(run)
        or in the tests: FUTURES_SIMULATION_SEED=\(run) swift test --filter PoolSimulationTests
        """
    }
}

/// Runs the scheduler in simulated worlds.
package enum Simulator {
    /// Runs pools, one after the other, until they were given so many tasks. Every pool is unlike the others.
    package static func run(_ run: SimulationRun) throws(SimulationFailure) -> SimulationReport {
        var dice = Dice(seed: run.seed)
        var report = SimulationReport()
        while report.tasks < run.tasks {
            let left = run.tasks - report.tasks
            // In half of the runs the first pool is meant to do it all.
            let share = report.pools == 0 && dice.coin() ? left : Int(dice.magnitude(1, Int64(left)))
            let scenario = Scenario(tasks: share, &dice)
            var pool = SimulatedPool(scenario, seed: dice.next(), report)
            pool.run()
            if let text = pool.failure {
                throw SimulationFailure(run: run, text: "pool \(report.pools + 1): \(text)\n\(pool.story)")
            }
            report = pool.report
            report.pools += 1
        }
        return report
    }
}
