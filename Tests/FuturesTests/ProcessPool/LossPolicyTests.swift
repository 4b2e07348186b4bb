import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// What a lost worker costs, where the pool's user chose something else than a broken pool.
    @Suite struct LossPolicyTests {
        private func quickly(crashes: Int) -> WorkerLossPolicy {
            .retry(RetryPolicy(crashes: crashes, backoff: .init(first: .milliseconds(1))))
        }

        @Test("with failTask the call that ran fails, told in full, and nothing else", .proves(.P4, .P5))
        func failsTheTask() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .failTask)
                let first = try pool.submit(processID).result(timeout: longTime)
                let guilty = try pool.submit(raiseSignal, Int(SIGKILL))
                let behind = try (0..<50).map { try pool.submit(increment, $0) }
                let error = try #require(try guilty.exception(timeout: longTime) as? WorkerLostError)
                #expect(error.losses.count == 1 && error.loss.processID == Int32(first))
                #expect(error.loss.functionName == "raise_signal" && error.loss.attempt == 1)
                #expect(error.loss.status == .signaled(signal: SIGKILL, dumpedCore: false))
                #expect("\(error)".hasPrefix("the call of \"raise_signal\" was lost with its worker: worker process"))
                for (n, future) in behind.enumerated() { #expect(try future.result(timeout: longTime) == n + 1) }
                #expect(try pool.submit(processID).result(timeout: longTime) != first)
                pool.shutdown()
            }
        }

        @Test("with retry a call whose workers died is run again, and what waits behind it is run", .proves(.P4))
        func retries() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: quickly(crashes: 2))
                let future = try pool.submit(crashFirst, folder.file("runs"), 2, Int(SIGKILL))
                let others = try (0..<20).map { try pool.submit(increment, $0) }
                #expect(try future.result(timeout: longTime) == 3)
                for (n, future) in others.enumerated() { #expect(try future.result(timeout: longTime) == n + 1) }
                pool.shutdown()
            }
        }

        @Test("a call that keeps killing workers is set aside, with every loss in its error", .proves(.P4, .P5))
        func setsAside() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2, onWorkerLoss: quickly(crashes: 2))
                let future = try pool.submit(crashFirst, folder.file("runs"), 1_000, Int(SIGTERM))
                let error = try #require(try future.exception(timeout: longTime) as? WorkerLostError)
                #expect(error.losses.map(\.attempt) == [1, 2, 3])
                #expect(Set(error.losses.map(\.processID)).count == 3)
                let text = "\(error)"
                #expect(text.hasPrefix("the call of \"crash_first\" was set aside after 3 lost workers:\n"), "\(text)")
                #expect(text.contains("SIGTERM") && text.contains("attempt 3"))
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("errors are retried where the policy accepts them, and the last one counts")
        func retriesErrors() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let asked = Mutex<[Int]>([])
                let policy = RetryPolicy(errors: 2, backoff: .none) { error in
                    guard let refused = error as? Refused else { return false }
                    asked.withLock { $0.append(refused.code) }
                    return refused.code == 7
                }
                let pool = try makePool(maxWorkers: 2, onWorkerLoss: .retry(policy))
                #expect(try pool.submit(throwFirst, folder.file("a"), 2, 7).result(timeout: longTime) == 3)
                #expect(throws: Refused(code: 7)) {
                    try pool.submit(throwFirst, folder.file("b"), 1_000, 7).result(timeout: longTime)
                }
                #expect(throws: Refused(code: 8)) {
                    try pool.submit(throwFirst, folder.file("c"), 1_000, 8).result(timeout: longTime)
                }
                let runs = try ["a", "b", "c"].map { try folder.lines(of: $0).count }
                #expect(runs == [3, 3, 1])
                #expect(asked.withLock { $0 } == [7, 7, 7, 7, 7, 8])
                pool.shutdown()
            }
        }

        @Test("what a worker had finished when it died is not run again, also if it had not been written", .proves(.P4))
        func keepsWhatIsFinished() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .failTask)
                // Short tasks are answered in batches: the last ones before the crash are still with the worker.
                let numbers = (1...2_000).map { $0 % 100 == 0 ? -$0 : $0 }
                let futures = try numbers.map { try pool.submit(noteOrCrashQuickly, folder.file("runs"), $0) }
                for (number, future) in zip(numbers, futures) {
                    if number > 0 {
                        #expect(try future.result(timeout: longTime) == number)
                    } else {
                        #expect(try future.exception(timeout: longTime) is WorkerLostError)
                    }
                }
                let runs = try folder.lines(of: "runs").compactMap(Int.init)
                #expect(runs.sorted() == numbers.sorted(), "each exactly once")
                pool.shutdown()
            }
        }

        @Test(
            "within a chunk the guilty element fails, named; finished ones are kept, the others run", .proves(.P4, .M4),
            arguments: [1, 7, 40])
        func elementsOfChunks(chunkSize: Int) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2, onWorkerLoss: .failTask)
                let numbers = (0..<40).map { [3, 4, 20, 39].contains($0) ? -$0 : $0 }
                let outcomes = try pool.map(
                    noteOrCrash, repeatElement(folder.file("runs"), count: 40), numbers, chunkSize: chunkSize
                ).outcomes
                for (index, number) in numbers.enumerated() {
                    let outcome = try #require(try outcomes.next())
                    guard number < 0 else {
                        #expect(try outcome.get() == number)
                        continue
                    }
                    guard case .failure(let error as WorkerLostError) = outcome else {
                        Issue.record("element \(index): \(outcome)")
                        continue
                    }
                    #expect(error.loss.element == index % chunkSize)
                    #expect(
                        "\(error)".contains("ran element \(index % chunkSize) of a chunk of the call of"), "\(error)")
                }
                #expect(try outcomes.next() == nil)
                // What took so little time that it was not told yet is run again; nothing else is.
                let runs = try folder.lines(of: "runs").compactMap(Int.init)
                for number in numbers { #expect(runs.contains(number)) }
                for number in numbers where number < 0 { #expect(runs.count { $0 == number } == 1) }
                pool.shutdown()
            }
        }

        @Test("finished elements that took their time are not run again, whatever the others do")
        func slowElementsRunOnce() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: quickly(crashes: 1))
                let numbers = (1...10).map { $0 == 6 ? -6 : $0 }
                let paths = repeatElement(folder.file("runs"), count: 10)
                let outcomes = try pool.map(
                    noteOrCrashSlowly, paths, numbers, repeatElement(2_000, count: 10), chunkSize: 10
                ).outcomes
                for number in numbers {
                    let outcome = try #require(try outcomes.next())
                    #expect((try? outcome.get()) == (number > 0 ? number : nil))
                }
                let runs = try folder.lines(of: "runs").compactMap(Int.init)
                #expect(runs == [1, 2, 3, 4, 5, -6, -6, 7, 8, 9, 10])
                pool.shutdown()
            }
        }

        @Test("an element that crashed is run again as the policy says, and its chunk is complete in the end")
        func retriesElements() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2, onWorkerLoss: quickly(crashes: 2))
                let paths = (0..<30).map { folder.file("\($0)") }
                // Each third one crashes once or twice.
                let times = (0..<30).map { $0 % 3 == 0 ? 1 + $0 % 2 : 0 }
                let results = try pool.map(
                    crashFirst, paths, times, repeatElement(Int(SIGKILL), count: 30), chunkSize: 10)
                #expect(try results.collect().enumerated().allSatisfy { $1 > times[$0] })
                pool.shutdown()
            }
        }

        @Test("elements that throw what the policy accepts are run again, and only they")
        func retriesElementErrors() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let policy = RetryPolicy(errors: 2, backoff: .none) { ($0 as? Refused)?.code == 7 }
                let pool = try makePool(maxWorkers: 2, onWorkerLoss: .retry(policy))
                let paths = (0..<12).map { folder.file("\($0)") }
                let times = (0..<12).map { $0 % 4 }
                let codes = (0..<12).map { $0 < 8 ? 7 : 8 }
                let outcomes = try pool.map(throwFirst, paths, times, codes, chunkSize: 6).outcomes
                for index in 0..<12 {
                    let outcome = try #require(try outcomes.next())
                    let limit = codes[index] == 7 ? 2 : 0
                    let runs = try folder.lines(of: "\(index)").count
                    #expect(runs == min(times[index], limit) + 1, "element \(index)")
                    if times[index] <= limit {
                        #expect(try outcome.get() == times[index] + 1)
                    } else {
                        #expect(throws: Refused(code: codes[index])) { try outcome.get() }
                    }
                }
                pool.shutdown()
            }
        }

        @Test(
            "which execution it was counts those that threw, of a call and of an element", .proves(.P5),
            arguments: [true, false])
        func countsExecutions(hangs: Bool) throws {
            try Leftovers.check {
                let options = hangs ? CallOptions(hardTimeout: .seconds(1)) : CallOptions()
                func attempt(_ error: (any Error)?) -> Int {
                    (error as? TaskTimeoutError)?.attempt ?? (error as? WorkerLostError)?.loss.attempt ?? 0
                }
                var (executions, attempts): ([Int], [Int]) = ([], [])
                // The limit holds for the first executions, too. One that paused for so long has failed in place of the
                // second, and the files have not two lines each: then nothing can be said, and all is done again.
                for _ in 0..<3 where executions != [2, 2, 2] {
                    let folder = TemporaryFolder()
                    let policy = RetryPolicy(crashes: 0, errors: 1, backoff: .none)
                    let pool = try makePool(maxWorkers: 1, onWorkerLoss: .retry(policy))
                    let call = try pool.submit(throwThenFail, folder.file("call"), hangs, options: options)
                    attempts = [attempt(try call.exception(timeout: longTime))]
                    let paths = ["first", "second"].map(folder.file)
                    let outcomes = try pool.map(throwThenFail, paths, [hangs, hangs], chunkSize: 2, options: options)
                        .outcomes
                    for _ in paths { attempts.append(attempt(try outcomes.next()?.error)) }
                    pool.shutdown()
                    executions = ["call", "first", "second"].map { (try? folder.lines(of: $0).count) ?? 0 }
                }
                #expect(executions == [2, 2, 2])
                #expect(attempts == [2, 2, 2])
            }
        }

        @Test(
            "what is finished of a chunk that waits to be run again is kept when the rest is cancelled",
            .proves(.H3, .M4), arguments: ["cancelFutures", "killWorkers"])
        func keepsWhatIsFinishedOfTheCancelled(end: String) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let policy = RetryPolicy(errors: 1, backoff: .init(first: .seconds(3_600)))
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .retry(policy))
                let paths = (0..<3).map { folder.file("\($0)") }
                let results = try pool.map(throwFirst, paths, [0, 1_000, 0], [7, 7, 7], chunkSize: 3)
                let progress = results.progress()
                try spin { progress.current.retried == 1 }
                if end == "killWorkers" { pool.killWorkers() } else { pool.shutdown(cancelFutures: true) }
                let outcomes = results.outcomes
                #expect(try outcomes.next()?.get() == 1)
                #expect(throws: CancelledError(functionName: "throw_first")) { try outcomes.next()?.get() }
                #expect(try outcomes.next()?.get() == 1)
                try spin { progress.current.done == 2 }
                #expect(progress.current.failed == 0)
                let last = try valuesUntilTheEnd(of: results.progress(every: .milliseconds(1))).last
                #expect(last?.done == 2)
                pool.shutdown()
            }
        }

        private final class Calls: PoolObserver {
            let calls = Mutex<[ObservedCall]>([])
            func callEnded(_ call: ObservedCall) { calls.withLock { $0.append(call) } }
            func workerEnded(_ worker: ObservedWorker, at time: Int64) {}
        }

        @Test("an observer learns of each failure of an answer once", arguments: [0, 1])
        func observesFailures(errors: Int) throws {
            try Leftovers.check {
                let seen = Calls()
                var options = ProcessPoolOptions(
                    onWorkerLoss: .retry(RetryPolicy(errors: errors, backoff: .none)))
                options.observer = seen
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker, options: options)
                let outcomes = try pool.map(refuse, [0, 3, 0, 5], chunkSize: 4).outcomes
                while try outcomes.next() != nil {}
                pool.shutdown()
                let calls = seen.calls.withLock { $0 }
                #expect(calls.map(\.failures) == Array(repeating: 2, count: errors + 1))
                #expect(calls.map(\.outcome) == Array(repeating: .failedForNow, count: errors) + [.answered])
            }
        }

        private func submit<Output, each Input>(
            _ target: MapTarget<Output, repeat each Input>, _ column: repeat [each Input]
        ) throws -> MapPart? {
            try target.submit(false, repeat each column).first
        }

        @Test("the time of a chunk is that of all its attempts")
        func measuresAllAttempts() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(
                    maxWorkers: 1, onWorkerLoss: .retry(RetryPolicy(errors: 1, backoff: .none)))
                let paths = (0..<5).map { folder.file("\($0)") }
                let target = try pool.mapTarget(throwFirstSlowly, CallOptions())
                let part = try #require(
                    try submit(target, paths, [0, 0, 1, 0, 0], Array(repeating: 20_000, count: 5)))
                _ = wait([part.future], timeout: longTime)
                let time = try #require(MapResultTypeOf<Int>().measurement(of: part)?.runTime)
                #expect(time >= 6 * 20_000_000)
                pool.shutdown()
            }
        }

        @Test("with a broken pool the report names the element, too", .proves(.P5))
        func namesTheElement() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let results = try pool.map(
                    noteOrCrash, repeatElement(folder.file("runs"), count: 3), [1, 2, -3], chunkSize: 3)
                let error = #expect(throws: BrokenProcessPool.self) { try results.collect() }
                #expect(error?.loss?.element == 2)
                pool.shutdown()
            }
        }

        @Test("a call that waits for its next attempt is pending, and can be cancelled", .proves(.P4, .F2))
        func cancelsBetweenAttempts() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let slowly = RetryPolicy(crashes: 1, backoff: .init(first: .seconds(3_600)))
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .retry(slowly))
                let future = try pool.submit(crashFirst, folder.file("runs"), 1, Int(SIGKILL))
                try spin { (try? folder.lines(of: "runs").count) == 1 && future.state == .pending }
                #expect(future.cancel() && future.isCancelled)
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                pool.shutdown()
                #expect(try folder.lines(of: "runs").count == 1)
            }
        }

        @Test("a worker that breaks the rules of the wire costs its call", .proves(.P4))
        func breaksTheRules() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .failTask)
                let closing = try pool.submit(closeWire)
                let behind = try pool.submit(increment, 1)
                let writing = try pool.submit(writeGarbage)
                let last = try pool.submit(increment, 2)
                for future in [closing, writing] as [AnyFuture] {
                    #expect(try future.exception(timeout: longTime) is WorkerLostError)
                }
                #expect(try behind.result(timeout: longTime) == 2 && last.result(timeout: longTime) == 3)
                pool.shutdown()
            }
        }

        @Test("whatever a policy, a pool that cannot start workers any more says why and breaks", .proves(.P3))
        func cannotStart() throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 2, worker: WorkerCommand(executable: "/bin/false"),
                    options: ProcessPoolOptions(onWorkerLoss: .retry(limit: 3)))
                // The first is taken in any case.
                let futures = (0..<3).compactMap { try? pool.submit(increment, $0) }
                try #require(!futures.isEmpty)
                for future in futures {
                    let error = try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
                    #expect("\(error)".contains("exited with code 1"), "\(error)")
                }
                pool.shutdown()
            }
        }
    }
}
