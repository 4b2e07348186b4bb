import Glibc
import PoolSimulation
import TestSupport
import Testing

/// The scheduler in simulated worlds, where everything goes wrong now and then. CONTRIBUTING.md says how to run a failure again,
/// and how to run this for longer.
struct PoolSimulationTests {
    /// Each of them has found something once.
    static let knownRuns = [
        "1:1000", "3:1000", "6:1000", "7:1000", "36:1000", "49:1000", "99:1000", "61:20000", "54020796012876:1000",
        "152735689627652:1000", "57664148308998:1000", "1700012315:1000",
    ]

    @Test("runs that have found something once", arguments: knownRuns)
    func known(_ name: String) throws {
        _ = try Simulator.run(#require(SimulationRun(name)))
    }

    @Test("each task ends once, is charged as its policy says, and nothing is left, whatever happens in whatever order")
    func anything() throws {
        if let name = getenv("FUTURES_SIMULATION_SEED").map({ String(cString: $0) }) {
            let run = try #require(SimulationRun(name), "FUTURES_SIMULATION_SEED is SEED:TASKS")
            _ = try Simulator.run(run)
            return
        }
        let first = UInt64.random(in: 0..<1 << 48)
        // The scheduler may trap.
        print("simulating from seed \(first) on, 1000 tasks each")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(4)
        var seed = first
        repeat {
            _ = try Simulator.run(SimulationRun(seed: seed, tasks: 1000))
            seed += 1
        } while clock.now < end
    }

    @Test("a run goes alike each time, in each process")
    func replays() throws {
        let run = SimulationRun(seed: 3, tasks: 1000)
        let report = try Simulator.run(run)
        #expect(try Simulator.run(run) == report)
        let program = try ChildProgram(
            BuildProducts.path(of: "simulate-pool"), ["--replay", "\(run)"], capturesOutput: true)
        let digest = "digest \(String(report.digest, radix: 16))\n"
        #expect(program.readToEnd().contains(digest))
    }

    @Test("runs differ by their seeds, and have names")
    func names() throws {
        #expect(SimulationRun("17:200") == SimulationRun(seed: 17, tasks: 200))
        #expect("\(SimulationRun(seed: 17, tasks: 200))" == "17:200")
        for text in ["", "17", "17:", ":200", "17:0", "-1:200", "17:200:3", "a:b"] {
            #expect(SimulationRun(text) == nil, "\(text)")
        }
        let digests = try (1...5).map { try Simulator.run(SimulationRun(seed: $0, tasks: 100)).digest }
        #expect(Set(digests).count == 5)
    }
}
