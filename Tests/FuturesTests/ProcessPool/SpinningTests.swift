import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Both sides look again and again before they sleep: docs/decisions/spinning.md.
    @Suite struct SpinningTests {
        private func withPool(_ spinTime: Duration, _ body: (ProcessPoolExecutor, _ worker: Int32) throws -> Void)
            throws
        {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(spinTime: spinTime))
                defer { pool.shutdown() }
                try body(pool, Int32(pool.submit(processID).result(timeout: longTime)))
            }
        }

        /// How often the worker's main thread has slept.
        private func sleeps(_ worker: Int32) -> Int { ProcFiles.switches(ofThread: "\(worker)", of: worker).own }

        private func processorTime() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }

        @Test("a worker sleeps for each call without it, and seldom with it, when calls follow each other")
        func sleepsLess() throws {
            func sleepsOf300Calls(_ spinTime: Duration) throws -> Int {
                var count = 0
                try withPool(spinTime) { pool, worker in
                    let before = sleeps(worker)
                    for number in 0..<300 { _ = try pool.submit(increment, number).result(timeout: longTime) }
                    count = sleeps(worker) - before
                }
                return count
            }
            // Where others keep the processors, a call is sometimes there before the worker sleeps; and looking is in vain at
            // times, and left out for a while.
            var (without, with) = (0, 0)
            for _ in 0..<5 where !(without > 30 && with < without / 2) {
                (without, with) = (try sleepsOf300Calls(.zero), try sleepsOf300Calls(.milliseconds(10)))
            }
            #expect(without > 30 && with < without / 2, "\(with) with it, \(without) without")
        }

        @Test("where it is in vain, both sides soon do it seldom, and take no processor time")
        func learns() throws {
            // A call takes 15 ms: neither is there in time. Looking each time would take 10 ms of each for both.
            try withPool(.milliseconds(10)) { pool, worker in
                let count = 40
                let before = (own: processorTime(), worker: try #require(ProcFiles.processorTime(of: worker)))
                for number in 0..<count {
                    let future = try pool.submit(incrementSlowly, number, 15_000)
                    #expect(try future.result(timeout: longTime) == number + 1)
                    // So that the worker waits, too.
                    usleep(15_000)
                }
                let ours = processorTime() - before.own
                let workers = try #require(ProcFiles.processorTime(of: worker)) - before.worker
                #expect(ours < .milliseconds(10) * count / 2)
                #expect(workers < .milliseconds(10) * count / 2)
            }
        }

        @Test("a pool that nobody uses takes no processor time with it either")
        func sleepsWhenIdle() throws {
            try withPool(.milliseconds(10)) { pool, worker in
                // It looks once more; perhaps it has done so already.
                try spin { ProcFiles.state(of: worker) == "S" }
                let idle = try #require(ProcFiles.processorTime(of: worker))
                for _ in 0..<50 {
                    usleep(2_000)
                    #expect(ProcFiles.state(of: worker) == "S")
                }
                #expect(ProcFiles.processorTime(of: worker) == idle)
            }
        }
    }
}
