import ArgumentParser
import Glibc
import PoolSimulation

/// Runs simulations of the process pool's scheduler; scripts/simulate.sh starts it.
struct SimulatePool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate-pool",
        abstract: "Run the process pool's scheduler in simulated worlds.",
        discussion: "Exit codes: 0 when nothing was wrong, 1 when something was, 64 for a wrong command line.")

    @Option(help: "How many runs; 0 for as many as the time allows.")
    var seeds = 10

    @Option(help: "How many tasks each run submits.")
    var tasks = 1_000_000

    @Option(help: "Stop after so many seconds, when the run is over that is under way then.")
    var seconds: Int?

    @Option(help: "The first seed; the others follow it. Drawn at random if left out.")
    var from: UInt64?

    @Option(help: "Only this run: what a failure names, SEED:TASKS.")
    var replay: String?

    func validate() throws {
        if seeds < 0 || tasks < 1 || (seconds ?? 1) < 1 { throw ValidationError("numbers must be positive") }
        if seeds == 0, seconds == nil { throw ValidationError("--seeds 0 needs --seconds") }
        if let replay, SimulationRun(replay) == nil { throw ValidationError("'\(replay)' is not SEED:TASKS") }
    }

    func run() throws {
        if let run = replay.flatMap({ SimulationRun($0) }) {
            try simulate(run)
            return
        }
        let first = from ?? UInt64.random(in: 0..<1 << 48)
        let clock = ContinuousClock()
        let start = clock.now
        var total = SimulationReport()
        var count = 0
        while seeds == 0 || count < seeds, seconds.map({ clock.now - start < .seconds($0) }) ?? true {
            let report = try simulate(SimulationRun(seed: first &+ UInt64(count), tasks: tasks))
            total.tasks += report.tasks
            total.events += report.events
            total.losses += report.losses
            count += 1
        }
        print(
            """
            \(count) runs from seed \(first) on, \(total.tasks) tasks, \(total.losses) lost workers, \
            \(total.events) events: nothing was wrong
            """)
    }

    @discardableResult
    private func simulate(_ run: SimulationRun) throws -> SimulationReport {
        // Before it begins: the scheduler may trap.
        print("\(run)", terminator: " ")
        fflush(nil)
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let report = try Simulator.run(run)
            let milliseconds = (clock.now - start) / .milliseconds(1)
            print(
                """
                \(Int(milliseconds)) ms: \(report.pools) pools, \(report.mostWorkers) workers at most, \
                \(report.workers) in all, \(report.losses) lost; tasks: \(report.answered) answered, \
                \(report.failed) failed, \(report.cancelled) cancelled; \(report.events) events in \
                \(report.time / 1_000_000_000) s; digest \(String(report.digest, radix: 16))
                """)
            return report
        } catch {
            print("FAILED\n\(error)")
            throw ExitCode.failure
        }
    }
}

SimulatePool.main()
