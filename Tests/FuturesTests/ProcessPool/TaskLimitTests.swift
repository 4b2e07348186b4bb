import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Calls that run for too long, and running calls that nobody wants any more.
    @Suite struct TaskLimitTests {
        private func pool(
            maxWorkers: Int = 1, soft: Duration? = nil, hard: Duration? = nil,
            onWorkerLoss: WorkerLossPolicy = .breakPool, grace: Duration = .seconds(5)
        ) throws -> ProcessPoolExecutor {
            try ProcessPoolExecutor(
                testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker,
                options: ProcessPoolOptions(
                    onWorkerLoss: onWorkerLoss, softTimeout: soft, hardTimeout: hard, terminationGrace: grace))
        }

        @Test("at its soft timeout a synchronous call is told, and what it makes of it counts")
        func softTimeout() throws {
            try Leftovers.check {
                let pool = try pool(soft: .milliseconds(100))
                let throwing = try pool.submit(computeUntilCancelled, 60_000, true)
                let returning = try pool.submit(computeUntilCancelled, 60_000, false)
                let hour = CallOptions(softTimeout: .seconds(3_600))
                let quick = try pool.submit(computeUntilCancelled, 0, true, options: hour)
                let patient = try pool.submit(computeUntilCancelled, 300, false, options: hour)
                let error = try #require(try throwing.exception(timeout: longTime) as? TaskTimeoutError)
                #expect(error.kind == .soft && error.limit == .milliseconds(100))
                #expect(
                    "\(error)".hasPrefix(
                        "the call of \"compute_until_cancelled\" ran longer than its soft timeout of 0.1 seconds"))
                #expect(try returning.result(timeout: longTime) == -1)
                #expect(try quick.result(timeout: longTime) >= 0)
                #expect(try patient.result(timeout: longTime) > 0)
                pool.shutdown()
            }
        }

        @Test("an async call's Swift task is cancelled, and the next call knows nothing of it")
        func asyncSoftTimeout() throws {
            try Leftovers.check {
                let pool = try pool(soft: .milliseconds(50))
                let sleeping = try (0..<3).map { _ in try pool.submit(sleepUntilCancelled, 3_600) }
                let after = try pool.submit(seesCancellation, options: CallOptions(softTimeout: .seconds(3_600)))
                for future in sleeping {
                    #expect((try future.exception(timeout: longTime) as? TaskTimeoutError)?.kind == .soft)
                }
                #expect(try after.result(timeout: longTime) == [false, false])
                pool.shutdown()
            }
        }

        @Test(
            "at its hard timeout a call fails and its worker is ended, whatever it does; nobody else is harmed",
            arguments: ["sleeps", "computes", "ignores SIGTERM", "is stopped"])
        func hardTimeout(what: String) throws {
            try Leftovers.check {
                let pool = try pool(grace: .milliseconds(300))
                let first = try pool.submit(processID).result(timeout: longTime)
                let limit = CallOptions(hardTimeout: .milliseconds(100))
                let start = ContinuousClock.now
                let guilty =
                    switch what {
                    case "sleeps": try pool.submit(incrementSlowly, 1, 3_000_000_000, options: limit)
                    case "computes": try pool.submit(computeUntilCancelled, 3_600_000, false, options: limit)
                    case "ignores SIGTERM": try pool.submit(sleepStubbornly, 3_600_000, options: limit)
                    default: try pool.submit(stopProcess, options: limit)
                    }
                let behind = try (0..<5).map { try pool.submit(increment, $0) }
                let error = try #require(try guilty.exception(timeout: longTime) as? TaskTimeoutError)
                #expect(ContinuousClock.now - start >= .milliseconds(100))
                #expect(error.kind == .hard && error.processID == first && error.attempt == 1)
                #expect("\(error)".contains("hard timeout of 0.1 seconds; worker process \(first) was ended"))
                for (n, future) in behind.enumerated() { #expect(try future.result(timeout: longTime) == n + 1) }
                #expect(try pool.submit(processID).result(timeout: longTime) != first)
                pool.shutdown()
            }
        }

        @Test(
            "of a map each element has the time; the one that takes too long fails alone, the others are there",
            .proves(.M4))
        func elements() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 2)
                // In the middle, at the beginning and at the end of a chunk.
                let times = (0..<30).map { [4, 10, 29].contains($0) ? 3_000_000_000 : 1_000 }
                // Longer than a worker may be paused in an element that is quick.
                let outcomes = try pool.map(
                    incrementSlowly, 0..<30, times, chunkSize: 10, options: CallOptions(hardTimeout: .seconds(2))
                ).outcomes
                for index in 0..<30 {
                    let outcome = try #require(try outcomes.next())
                    guard times[index] > 1_000 else {
                        #expect(try outcome.get() == index + 1)
                        continue
                    }
                    guard case .failure(let error as TaskTimeoutError) = outcome else {
                        Issue.record("element \(index): \(outcome)")
                        continue
                    }
                    #expect(error.element == index % 10 && error.kind == .hard)
                }
                pool.shutdown()
            }
        }

        @Test("of a map each element that reaches its soft timeout is told, and no other")
        func softElements() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 1)
                let times = [0, 60_000, 0, 0, 60_000, 60_000, 0]
                let outcomes = try pool.map(
                    computeUntilCancelled, times, repeatElement(true, count: 7), chunkSize: 7,
                    options: CallOptions(softTimeout: .milliseconds(300))
                ).outcomes
                for (index, time) in times.enumerated() {
                    let outcome = try #require(try outcomes.next())
                    if time == 0 {
                        #expect(try outcome.get() >= 0)
                    } else {
                        let error = #expect(throws: TaskTimeoutError.self) { try outcome.get() }
                        #expect(error?.kind == .soft && error?.element == index)
                    }
                }
                pool.shutdown()
            }
        }

        @Test("what was ended by its soft timeout is not run again as what throws is, as a call or in a chunk")
        func softTimeoutIsNoError() throws {
            try Leftovers.check {
                let asked = Mutex<[String]>([])
                let policy = RetryPolicy(errors: 3, backoff: .none) { error in
                    asked.withLock { $0.append("\(error)") }
                    return true
                }
                let pool = try pool(soft: .milliseconds(50), onWorkerLoss: .retry(policy))
                let call = try pool.submit(computeUntilCancelled, 60_000, true)
                #expect((try call.exception(timeout: longTime) as? TaskTimeoutError)?.kind == .soft)
                let outcomes = try pool.map(computeUntilCancelled, [0, 60_000, 0], [true, true, true], chunkSize: 3)
                    .outcomes
                #expect(try outcomes.next()?.error == nil)
                #expect((try outcomes.next()?.error as? TaskTimeoutError)?.kind == .soft)
                #expect(try outcomes.next()?.error == nil)
                #expect(asked.withLock { $0 } == [])
                pool.shutdown()
            }
        }

        @Test("what is run again has its soft timeout again, as a call or as an element of a chunk")
        func softTimeoutAgain() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let policy = RetryPolicy(errors: 2, backoff: .none)
                let pool = try pool(soft: .milliseconds(30), onWorkerLoss: .retry(policy))
                let call = try pool.submit(refuseWhenCancelled, folder.file("call"))
                #expect(throws: Refused(code: 3)) { try call.result(timeout: longTime) }
                let results = try pool.map(refuseWhenCancelled, [folder.file("map")], chunkSize: 3)
                #expect(throws: Refused(code: 3)) { try results.collect() }
                pool.shutdown()
            }
        }

        @Test("elements of a chunk that arrives late have their soft timeout all the same")
        func softElementsOfALateChunk() throws {
            try Leftovers.check {
                let (pool, other) = (try pool(), try pool())
                let worker = Int32(try pool.submit(processID).result(timeout: longTime))
                kill(worker, SIGSTOP)
                let outcomes = try pool.map(
                    computeUntilCancelled, [60_000, 60_000], [true, true], chunkSize: 2,
                    options: CallOptions(softTimeout: .milliseconds(30))
                ).outcomes
                // Long after the chunk was looked at for the first time.
                let clock = try other.submit(
                    computeUntilCancelled, 60_000, true, options: CallOptions(softTimeout: .milliseconds(300)))
                #expect(try clock.exception(timeout: longTime) is TaskTimeoutError)
                kill(worker, SIGCONT)
                for index in 0..<2 {
                    let error = try outcomes.next()?.error as? TaskTimeoutError
                    #expect(error?.kind == .soft && error?.element == index)
                }
                other.shutdown()
                pool.shutdown()
            }
        }

        @Test("cancel(running: .kill) ends a running call at once; what waits behind it goes on", .proves(.F3))
        func kills() throws {
            try Leftovers.check {
                let pool = try pool()
                let held = try HeldWorker(pool)
                let behind = try (0..<5).map { try pool.submit(increment, $0) }
                #expect(!held.future.cancel())
                #expect(held.future.cancel(running: .kill) && held.future.isCancelled)
                #expect(throws: CancelledError.self) { try held.future.result(timeout: longTime) }
                #expect(held.future.cancel(running: .kill), "once more")
                for (n, future) in behind.enumerated() { #expect(try future.result(timeout: longTime) == n + 1) }
                let done = try pool.submit(increment, 1)
                #expect(try done.result(timeout: longTime) == 2 && !done.cancel(running: .kill))
                pool.shutdown()
            }
        }

        @Test("a call can be killed at any moment, also in that in which it begins", .proves(.F3))
        func killsAtTheBeginning() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 1)
                for number in 0..<40 {
                    let first = try pool.submit(increment, number)
                    let second = try pool.submit(sleepUntilCancelled, 3_600)
                    #expect(try first.result(timeout: longTime) == number + 1)
                    #expect(second.cancel(running: .kill) && second.isCancelled)
                }
                pool.shutdown()
            }
        }

        @Test("cancel(running: .interrupt) asks; a call that throws CancellationError then is cancelled")
        func interrupts() throws {
            try Leftovers.check {
                let pool = try pool(maxWorkers: 3)
                let throwing = try pool.submit(computeUntilCancelled, 60_000, true)
                let returning = try pool.submit(computeUntilCancelled, 60_000, false)
                let sleeping = try pool.submit(sleepUntilCancelled, 3_600)
                try spin { throwing.isRunning && returning.isRunning && sleeping.isRunning }
                for future in [throwing, returning, sleeping] as [AnyFuture] {
                    // It may have heeded it already.
                    #expect(!future.cancel(running: .interrupt) || future.isCancelled)
                }
                #expect(throws: CancelledError.self) { try throwing.result(timeout: longTime) }
                #expect(throws: CancelledError.self) { try sleeping.result(timeout: longTime) }
                #expect(throwing.isCancelled && sleeping.isCancelled)
                #expect(try returning.result(timeout: longTime) == -1)
                pool.shutdown()
            }
        }

        @Test("a call that was interrupted is not run again when its worker is lost")
        func interruptedAndLost() throws {
            try Leftovers.check {
                let pool = try pool(onWorkerLoss: .retry(limit: 5))
                let held = try HeldWorker(pool)
                #expect(!held.future.cancel(running: .interrupt))
                kill(held.worker, SIGKILL)
                let error = try held.future.exception(timeout: longTime)
                #expect((error as? WorkerLostError)?.losses.count == 1, "\(String(describing: error))")
                pool.shutdown()
            }
        }

        @Test("a call that is interrupted as soon as it is sent is told when it begins", arguments: 0..<20)
        func interruptsAtOnce(round: Int) throws {
            try Leftovers.check {
                let pool = try pool()
                _ = try pool.submit(increment, 1).result(timeout: longTime)
                let future = try pool.submit(sleepUntilCancelled, 3_600)
                try spin { future.isRunning }
                #expect(!future.cancel(running: .interrupt) || future.isCancelled)
                #expect(throws: CancelledError.self) { try future.result(timeout: longTime) }
                pool.shutdown()
            }
        }

        @Test("a call that waits, or was sent ahead, is cancelled without harm to anybody", .proves(.F3, .F5))
        func cancelsWhatWaits() throws {
            try Leftovers.check {
                let pool = try pool()
                for n in 0..<20 { _ = try pool.submit(increment, n).result(timeout: longTime) }
                let held = try HeldWorker(pool)
                let behind = try (0..<5).map { try pool.submit(increment, $0) }
                for future in behind { #expect(future.cancel(running: .kill)) }
                #expect(held.future.isRunning)
                held.letGo()
                #expect(try held.future.result(timeout: longTime) == 1)
                pool.shutdown()
            }
        }

        @Test("limits that make no sense, or that threads cannot keep, are refused")
        func invalidLimits() throws {
            try Leftovers.check {
                for limit in [Duration.zero, .seconds(-1)] {
                    #expect(throws: InvalidArgumentError.self) { try self.pool(soft: limit) }
                    #expect(throws: InvalidArgumentError.self) { try self.pool(hard: limit) }
                }
                let pool = try pool()
                let error = #expect(throws: InvalidArgumentError.self) {
                    try pool.submit(increment, 1, options: CallOptions(hardTimeout: .zero))
                }
                #expect(error.map { "\($0)" } == "options.hardTimeout must be more than zero, not 0.0 seconds")
                #expect(throws: InvalidArgumentError.self) {
                    try pool.map(increment, [1], options: CallOptions(softTimeout: .zero))
                }
                // As good as none.
                let endless = CallOptions(softTimeout: .seconds(Int64.max), hardTimeout: .seconds(Int64.max))
                #expect(try pool.submit(increment, 1, options: endless).result(timeout: longTime) == 2)
                pool.shutdown()
                let threads = try ThreadPoolExecutor(maxWorkers: 1)
                let inline = InlineExecutor()
                for executor in [threads, inline] as [any Executor] {
                    let error = #expect(throws: InvalidArgumentError.self) {
                        try executor.submit(increment, 1, options: CallOptions(hardTimeout: .seconds(1)))
                    }
                    #expect(error?.argument == "options.hardTimeout")
                    executor.shutdown()
                }
            }
        }
    }
}
