import Foundation
import Futures
import Statistics
import Testing

/// The example plug-in, loaded by worker-host.
@Suite struct PluginTests {
    private func makePool(
        maxTasksPerChild: Int? = nil, _ startMethod: WorkerStartMethod = .spawn
    ) throws -> ProcessPoolExecutor {
        var worker = WorkerCommand.workerHost(
            at: Program.path(of: "worker-host"), load: Program.path(of: "libStatisticsPlugin.so"))
        // One of the tests traps; a hundred lines of crash report would stand in the middle of the tests' output.
        worker.environment["SWIFT_BACKTRACE"] = "enable=no"
        return try ProcessPoolExecutor(
            .external, maxWorkers: 2, worker: worker, maxTasksPerChild: maxTasksPerChild,
            options: ProcessPoolOptions(startMethod: startMethod))
    }

    @Test("calls run in the plug-in, by submit and by map")
    func calls() throws {
        let pool = try makePool()
        #expect(try pool.submit(median, [5, 1, 4]).result(timeout: longTime) == 4)
        #expect(try pool.submit(histogram, [0.1, 0.2, 0.9], 2).result(timeout: longTime) == [2, 1])
        #expect(
            try pool.map(mean, [[1, 2], [3, 5], [10]], chunkSize: 2, timeout: longTime).collect() == [1.5, 4, 10])
        pool.shutdown()
        #expect(try Program.childProcesses() == [])
    }

    @Test("workers are forked by a worker-host that has loaded the plug-in")
    func forked() throws {
        let pool = try makePool(maxTasksPerChild: 1, .forkServer)
        var areForked = false
        for _ in 0..<500 where !areForked {
            #expect(try pool.submit(median, [5, 1, 4]).result(timeout: longTime) == 4)
            // Programs that are started lie at addresses of their own (proc_pid_maps(5)), forked ones where their parent does.
            let places = try Program.childProcesses().compactMap { process in
                (try? String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8))?.prefix { $0 != "-" }
            }.filter { !$0.isEmpty }
            areForked = Set(places).count < places.count
        }
        #expect(areForked)
        #expect(throws: NoNumbers(function: "median")) { try pool.submit(median, []).result(timeout: longTime) }
        pool.shutdown()
        #expect(try Program.childProcesses() == [])
    }

    @Test("an error of the plug-in arrives as the type that both sides know")
    func errors() throws {
        let pool = try makePool()
        #expect(throws: NoNumbers(function: "median")) { try pool.submit(median, []).result(timeout: longTime) }
        let outcomes = try pool.map(mean, [[1], [], [3]], chunkSize: 3).outcomes
        #expect(try outcomes.next()?.get() == 1)
        #expect(throws: NoNumbers(function: "mean")) { try outcomes.next()?.get() }
        #expect(try outcomes.next()?.get() == 3)
        pool.shutdown()
    }

    @Test("a function declared with other types is refused with both signatures, and other calls go on")
    func wrongSignature() throws {
        let pool = try makePool()
        let wrong = Callable<Double, [Int]>(external: "mean")
        let error = try #require(try pool.submit(wrong, [1]).exception(timeout: longTime))
        #expect(
            "\(error)".hasPrefix(
                """
                the function "mean" is (Swift.Array<Swift.Int>) -> Swift.Double here but \
                (Swift.Array<Swift.Double>) -> Swift.Double in worker process
                """), "\(error)")
        let missing = Callable<Double, [Double]>(external: "variance")
        let absence = try #require(try pool.submit(missing, [1]).exception(timeout: longTime))
        #expect("\(absence)".contains("it has \"histogram\", \"mean\", \"median\""), "\(absence)")
        #expect(try pool.submit(median, [1, 2]).result(timeout: longTime) == 1.5)
        pool.shutdown()
    }

    @Test("worker-host map has the plug-in's function run over lines, and lists it")
    func mapped() throws {
        let folder = TemporaryFolder()
        let lines = (1...1000).map { "\($0) \($0 + 2)\n" }.joined() + "no number\n"
        let input = try folder.write(lines.utf8, to: "input")
        let (host, library) = (Program.path(of: "worker-host"), Program.path(of: "libStatisticsPlugin.so"))
        let means = try Program.run(
            at: host, ["map", "row_mean", "--load", library, "--on-error", "skip", "--workers", "2", input])
        #expect(means.output == (1...1000).map { "\(Double($0 + 1))\n" }.joined(), "\(means)")
        #expect(
            means.errorOutput.contains("\(input):1001: \"row_mean\" threw Statistics.NoNumbers: NoNumbers("), "\(means)"
        )
        #expect(means.exitCode == 2)
        let sum = try Program.run(at: host, ["map", "--load", library, "row_mean", "--sum"], input: "/dev/null")
        #expect(sum.output == "0\n" && sum.exitCode == 0, "\(sum)")
        let other = try Program.run(at: host, ["map", "--load", library, "median", input])
        #expect(other.errorOutput.contains("median([Double]) -> Double cannot be mapped: a function takes one of"))
        #expect(other.exitCode == 64)
        let list = try Program.run(at: host, ["functions", "--load", library])
        #expect(list.output.hasPrefix("\(library):\n    mean([Double]) -> Double\n"), "\(list)")
        #expect(list.output.contains("  * row_mean(String) -> Double\n"), "\(list)")
    }

    @Test("a trap in the plug-in breaks the pool with the message")
    func trap() throws {
        let pool = try makePool()
        // 1 is beyond the last part.
        let error = try #require(try pool.submit(histogram, [1], 4).exception(timeout: longTime))
        #expect(error is BrokenProcessPool)
        #expect("\(error)".contains("while it ran the call of \"histogram\""), "\(error)")
        #expect("\(error)".contains("Fatal error: Index out of range"), "\(error)")
        pool.shutdown()
        #expect(try Program.childProcesses() == [])
    }
}
