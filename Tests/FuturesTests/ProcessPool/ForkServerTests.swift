import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    // The thread sanitizer has a thread of its own in each process.
    @Suite(.enabled(if: getenv("FUTURES_THREAD_SANITIZER") == nil, "a process with threads is not forked"))
    struct ForkServerTests {
        private func pool(
            _ program: String = "", maxWorkers: Int = 1, maxTasksPerChild: Int? = 1,
            onWorkerLoss: WorkerLossPolicy = .failTask, limits: WorkerLimits = .none
        ) throws -> ProcessPoolExecutor {
            var worker = BuildProducts.testWorker
            worker.arguments = [program]
            return try ProcessPoolExecutor(
                testRegistry, maxWorkers: maxWorkers, worker: worker, maxTasksPerChild: maxTasksPerChild,
                options: ProcessPoolOptions(onWorkerLoss: onWorkerLoss, workerLimits: limits, startMethod: .forkServer))
        }

        /// Makes calls until a worker was forked. Those before the server is ready are spawned.
        ///
        /// - Returns: the server.
        @discardableResult
        private func untilForked(_ pool: ProcessPoolExecutor) throws -> Int32 {
            for _ in 0..<2_000 {
                let processes = try pool.submit(beginnings).result(timeout: longTime)
                #expect(processes[2] == Int(getpid()), "a worker is not this process's child")
                if processes[0] != processes[1] { return Int32(processes[0]) }
            }
            throw NeverForked()
        }

        private struct NeverForked: Error {}

        @Test("workers are forked by one process, each a child of the pool's, and nothing is left")
        func forks() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 2)
                let server = try untilForked(pool)
                var workers: Set<Int> = []
                for _ in 0..<50 {
                    let processes = try pool.submit(beginnings).result(timeout: longTime)
                    #expect(processes[0] == Int(server))
                    workers.insert(processes[1])
                }
                #expect(workers.count == 50)
                #expect(try pool.map(increment, 0..<200, chunkSize: 3).collect() == Array(1...200))
                pool.shutdown()
            }
        }

        @Test(
            "a forked worker's end is told in full, and costs what the pool says",
            arguments: [SIGKILL, SIGTERM, SIGALRM])
        func losses(signal: Int32) throws {
            try Leftovers.check {
                let pool = try pool(maxTasksPerChild: 3)
                try untilForked(pool)
                for _ in 0..<5 {
                    let error = try #require(
                        try pool.submit(raiseSignal, Int(signal)).exception(timeout: longTime) as? WorkerLostError)
                    let loss = try #require(error.losses.first)
                    #expect(loss.status == .signaled(signal: signal, dumpedCore: false), "\(loss)")
                    #expect(loss.functionName == "raise_signal")
                    #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                }
                pool.shutdown()
            }
        }

        @Test("a server that is lost now and then is started again each time")
        func startsAgain() throws {
            try Leftovers.check {
                let pool = try pool(maxTasksPerChild: 1)
                for _ in 0..<5 {
                    let server = try untilForked(pool)
                    kill(server, SIGKILL)
                    try spin { ProcFiles.state(of: server).map { $0 == "Z" } ?? true }
                }
                try untilForked(pool)
                pool.shutdown()
            }
        }

        @Test("a trap in a forked worker has its words")
        func trap() throws {
            try Leftovers.check {
                let pool = try pool()
                try untilForked(pool)
                let error = try #require(
                    try pool.submit(TestFunctions.trap, "on purpose").exception(timeout: longTime) as? WorkerLostError)
                #expect("\(error)".contains("Fatal error: on purpose"), "\(error)")
                pool.shutdown()
            }
        }

        @Test("limits hold for forked workers, and async bodies run in them")
        func behavesAlike() throws {
            try Leftovers.check {
                let pool = try pool(maxTasksPerChild: 20, limits: WorkerLimits(niceness: 7))
                try untilForked(pool)
                for _ in 0..<60 {
                    #expect(try pool.submit(niceness).result(timeout: longTime) == 7)
                    #expect(try pool.submit(addLater, 20, 30).result(timeout: longTime) == 50)
                }
                pool.shutdown()
            }
        }

        @Test("a program that has threads, or knows nothing of it, is spawned as ever", arguments: ["threads", "old"])
        func spawnsInstead(program: String) throws {
            try Leftovers.check {
                let pool = try pool(program)
                for _ in 0..<30 {
                    let processes = try pool.submit(beginnings).result(timeout: longTime)
                    #expect(processes[0] == processes[1])
                }
                pool.shutdown()
            }
        }

        @Test("files that the program has opened before stay what they are")
        func files() throws {
            try Leftovers.check {
                let pool = try pool("files")
                try untilForked(pool)
                pool.shutdown()
            }
        }

        @Test(
            "a server that is killed or stopped costs no call; another one takes its place",
            arguments: [SIGKILL, SIGSTOP])
        func lostServer(signal: Int32) throws {
            try Leftovers.check {
                let pool = try pool()
                let server = try untilForked(pool)
                kill(server, signal)
                for _ in 0..<5 { #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2) }
                #expect(try untilForked(pool) != server)
                pool.shutdown()
            }
        }
    }
}
