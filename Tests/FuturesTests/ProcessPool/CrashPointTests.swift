import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Workers that die at each point of a task's way.
    @Suite struct CrashPointTests {
        enum Point: String, CaseIterable {
            case decodingArguments, running, encodingResult, writingLargeResult, readingLargeArgument
        }

        private func submit(_ point: Point, to pool: ProcessPoolExecutor) throws -> AnyFuture {
            switch point {
            case .decodingArguments: try pool.submit(echoFragile, Fragile(.crashDecoding))
            case .running: try pool.submit(trap, "on purpose")
            case .encodingResult: try pool.submit(makeFragile, "crashEncoding")
            case .writingLargeResult: try pool.submit(dieWriting, 8 << 20)
            case .readingLargeArgument: try pool.submit(dieLater, [UInt8](repeating: 1, count: 30 << 20))
            }
        }

        @Test(
            "wherever a worker dies, its call and what waits fail with the reason, and the pool is broken",
            .proves(.P7, .P4, .P5), .enabled(if: WorkerLossTests.crashesArePlain), arguments: Point.allCases,
            [false, true])
        func everywhere(point: Point, afterShutdown: Bool) throws {
            // A worker that dies at a moment of its own may have been slower than its result was written.
            var rounds = 0
            repeat {
                rounds += 1
                try #require(rounds <= 20)
            } while try !diesInTime(point, afterShutdown)
        }

        /// - Returns: false if the result was there before the worker died.
        private func diesInTime(_ point: Point, _ afterShutdown: Bool) throws -> Bool {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = try pool.submit(processID).result(timeout: longTime)
                let future = try submit(point, to: pool)
                // It may be dead already.
                let waiting = (0..<20).compactMap { try? pool.submit(increment, $0) }
                if afterShutdown { pool.shutdown(wait: false) }
                let exception = try future.exception(timeout: longTime)
                if exception == nil, point == .writingLargeResult {
                    pool.shutdown()
                    return false
                }
                let error = try #require(exception as? BrokenProcessPool)
                let loss = try #require(error.loss)
                #expect(loss.processID == Int32(worker))
                #expect(loss.functionName == future.functionName && loss.taskID != nil)
                let text = "\(error)"
                switch point {
                case .decodingArguments, .encodingResult:
                    #expect(text.contains("Fatal error: this Fragile crashes who"), "\(text)")
                case .running: #expect(text.contains("Fatal error: on purpose"), "\(text)")
                case .writingLargeResult, .readingLargeArgument: #expect(text.contains("SIGKILL"), "\(text)")
                }
                for future in waiting {
                    #expect(try future.exception(timeout: longTime) is BrokenProcessPool)
                }
                if afterShutdown {
                    #expect(throws: ExecutorShutdownError.self) { try pool.submit(increment, 1) }
                } else {
                    #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                }
                pool.shutdown()
                return true
            }
        }

        @Test("workers that kill each other break the pool, and leave nothing", .proves(.P4, .P7), arguments: 0..<5)
        func killEachOther(round: Int) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 4)
                let folder = TemporaryFolder()
                // Only four workers can do that.
                let meeting = try (0..<4).map { try pool.submit(meet, folder.file("\($0)"), folder.file("go")) }
                for number in 0..<4 { try folder.waitFor("\(number)") }
                folder.write("", to: "go")
                for future in meeting { _ = try future.result(timeout: longTime) }
                let workers = Leftovers.childProcesses().map(Int.init)
                #expect(workers.count == 4)
                // The first may be at it while the others are still submitted.
                let futures = (0..<8).compactMap { try? pool.submit(killProcess, workers[($0 + round) % 4]) }
                #expect(wait(futures, timeout: longTime).notDone.isEmpty)
                let errors = futures.compactMap { try? $0.exception() }
                #expect(errors.allSatisfy { $0 is BrokenProcessPool })
                // All may have been answered before the loss of the first was noticed.
                try spin { (try? pool.submit(increment, 1)) == nil }
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test(
            "of a broken pool a worker that ignores SIGTERM is killed: after its grace, or at once by killWorkers()",
            .proves(.P4, .H7), arguments: [false, true])
        func ignoresTermination(atOnce: Bool) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                // Where it is to be killed at once, the pool would take longer than this test waits.
                let grace = atOnce ? Duration.seconds(3_600) : .milliseconds(100)
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(terminationGrace: grace))
                let deaf = try pool.submit(ignoreTermination, folder.file("deaf"))
                try folder.waitFor("deaf")
                let crash = try pool.submit(leave, 3)
                #expect(try crash.exception(timeout: longTime) is BrokenProcessPool)
                #expect(try deaf.exception(timeout: longTime) is BrokenProcessPool)
                if atOnce { pool.killWorkers() }
                // A shutdown would wait for its end, however long that takes.
                try spin { Leftovers.childProcesses().isEmpty }
                pool.shutdown()
            }
        }
    }
}
