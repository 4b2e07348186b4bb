import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// What the pool does about workers that take too much of the machine, or have become large or old.
    @Suite struct PoolLimitTests {
        private func pool(_ options: ProcessPoolOptions, maxWorkers: Int = 1) throws -> ProcessPoolExecutor {
            try ProcessPoolExecutor(
                testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker, options: options)
        }

        @Test(
            "a worker that has more memory than it may is killed, and its call is told so, and retried by that budget")
        func residentMemory() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let policy = RetryPolicy(crashes: 0, memoryKills: 1, backoff: .none)
                let pool = try pool(
                    ProcessPoolOptions(
                        onWorkerLoss: .retry(policy), workerLimits: WorkerLimits(residentMemory: 100 << 20)))
                let future = try pool.submit(growAndWait, folder.file("runs"), 200 << 20)
                let behind = try pool.submit(increment, 1)
                let error = try #require(try future.exception(timeout: longTime) as? WorkerLostError)
                #expect(error.losses.count == 2)
                #expect(error.losses.allSatisfy { $0.cause == .outOfMemory(.residentMemory) })
                #expect("\(error)".contains("it had more than workerLimits.residentMemory, and the pool killed it"))
                #expect(try folder.lines(of: "runs").count == 2)
                #expect(try behind.result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("a worker that is refused memory is lost for want of it", .enabled(if: WorkerLossTests.crashesArePlain))
        func addressSpace() throws {
            try Leftovers.check {
                let pool = try pool(
                    ProcessPoolOptions(
                        onWorkerLoss: .failTask, workerLimits: WorkerLimits(addressSpace: 2 << 30),
                        crashBacktrace: .off))
                let folder = TemporaryFolder()
                let future = try pool.submit(growAndWait, folder.file("runs"), 3 << 30)
                let error = try #require(try future.exception(timeout: longTime) as? WorkerLostError)
                #expect(error.loss.cause == .outOfMemory(.allocationFailed), "\(error)")
                pool.shutdown()
            }
        }

        @Test("a worker that has grown is replaced after its call")
        func recyclesByMemory() throws {
            try Leftovers.check {
                let pool = try pool(ProcessPoolOptions(recycling: WorkerRecycling(memory: 100 << 20)))
                let first = try pool.submit(processID).result(timeout: longTime)
                #expect(try pool.submit(growFor, 200 << 20, 500).result(timeout: longTime) == first)
                var next = try pool.submit(processID).result(timeout: longTime)
                // The thread that looks at the memory may have been paused for all of the call: then once more.
                for _ in 0..<4 where next == first {
                    _ = try pool.submit(growFor, 200 << 20, 500).result(timeout: longTime)
                    next = try pool.submit(processID).result(timeout: longTime)
                }
                #expect(next != first)
                pool.shutdown()
            }
        }

        @Test("a worker that is old is replaced, also while it idles")
        func recyclesByAge() throws {
            try Leftovers.check {
                let pool = try pool(ProcessPoolOptions(recycling: WorkerRecycling(age: .milliseconds(200))))
                let first = pid_t(try pool.submit(processID).result(timeout: longTime))
                try spin { !Leftovers.childProcesses().contains(first) }
                #expect(try pool.submit(processID).result(timeout: longTime) != Int(first))
                pool.shutdown()
            }
        }

        @Test("a start that takes too long is one that failed, and a worker that does not end in its time is killed")
        func timeouts() throws {
            try Leftovers.check {
                var slow = WorkerCommand(executable: "/bin/sleep", arguments: ["3600"])
                slow.environment = [:]
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: slow,
                    options: ProcessPoolOptions(startTimeout: .milliseconds(100)))
                let error = try #require(
                    try pool.submit(increment, 1).exception(timeout: longTime) as? BrokenProcessPool)
                #expect("\(error)".contains("did not finish its handshake within 0.1 seconds"), "\(error)")
                pool.shutdown()
                let stubborn = try self.pool(ProcessPoolOptions(terminationGrace: .milliseconds(100)))
                let start = ContinuousClock.now
                let sleeping = try stubborn.submit(sleepStubbornly, 3_600_000)
                try spin { sleeping.isRunning }
                stubborn.terminateWorkers()
                stubborn.shutdown()
                #expect(ContinuousClock.now - start < longTime && sleeping.isDone)
            }
        }

        @Test("settings that make no sense are refused, with their names")
        func invalidSettings() {
            let invalid: [(ProcessPoolOptions, String)] = [
                (
                    ProcessPoolOptions(recycling: WorkerRecycling(memory: 0)),
                    "recycling.memory must be at least 1, not 0"
                ),
                (
                    ProcessPoolOptions(recycling: WorkerRecycling(age: .zero)),
                    "recycling.age must be more than zero, not 0.0 seconds"
                ),
                (
                    ProcessPoolOptions(recycling: WorkerRecycling(jitter: 1.5)),
                    "recycling.jitter must be between 0 and 1, not 1.5"
                ),
                (ProcessPoolOptions(startTimeout: .zero), "startTimeout must be more than zero, not 0.0 seconds"),
                (
                    ProcessPoolOptions(terminationGrace: .seconds(-1)),
                    "terminationGrace must not be negative: -1.0 seconds"
                ),
                (
                    ProcessPoolOptions(spinTime: .nanoseconds(-1)), "spinTime must be 0 to 10 ms, not -1e-09 seconds"
                ),
                (ProcessPoolOptions(spinTime: .milliseconds(11)), "spinTime must be 0 to 10 ms, not 0.011 seconds"),
            ]
            for (options, text) in invalid {
                let error = #expect(throws: InvalidArgumentError.self) { try pool(options) }
                #expect(error.map { "\($0)" } == text)
            }
        }
    }
}
