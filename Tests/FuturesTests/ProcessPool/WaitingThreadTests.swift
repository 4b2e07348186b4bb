import Glibc
import TestFunctions
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

extension ProcessSuites {
    /// The thread that waits for a call reads the answer itself: docs/decisions/waiting-thread-reads.md.
    @Suite struct WaitingThreadTests {
        /// How often the pools' own threads have been given a processor.
        private func turnsOfPoolThreads() -> Int {
            Leftovers.poolThreads().map { ProcFiles.switches(ofThread: $0, of: getpid()) }
                .reduce(0) { $0 + $1.own + $1.forced }
        }

        @Test("the pool's thread sleeps on while another waits for an answer")
        func readsItself() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                defer { pool.shutdown() }
                // Long enough for the waiting thread to come before the answer.
                func call() throws { _ = try pool.submit(incrementSlowly, 1, 2_000).result(timeout: longTime) }
                for _ in 0..<3 { try call() }
                let before = turnsOfPoolThreads()
                #expect(before > 0)
                for _ in 0..<60 { try call() }
                #expect(turnsOfPoolThreads() - before < 30)
            }
        }

        @Test("so it is for each element of a map")
        func readsElementsItself() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                defer { pool.shutdown() }
                _ = try pool.submit(increment, 1).result(timeout: longTime)
                let times = repeatElement(2_000, count: 60)
                // One runs, one is with the worker, and one waits to be sent by whoever reads the answer. No more than
                // these are answered while this thread is held up, and the pool's reads.
                let map = try pool.map(incrementSlowly, 0..<60, times, chunkSize: 1, bufferSize: 3, timeout: longTime)
                let before = turnsOfPoolThreads()
                #expect(try map.collect() == Array(1...60))
                #expect(turnsOfPoolThreads() - before < 30)
            }
        }

        @Test(
            "callbacks of what it reads run in the pool's thread for callbacks, not in the one that waits", .proves(.C3)
        )
        func runsNoCallback() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                defer { pool.shutdown() }
                let folder = TemporaryFolder()
                let names = Mutex<[String]>([])
                _ = try pool.submit(increment, 1).result(timeout: longTime)
                for round in 0..<20 {
                    // A callback of a future that is done would run here.
                    let first = try pool.submit(awaitFile, folder.file("\(round)"))
                    let second = try pool.submit(incrementSlowly, 2, 1_000)
                    let told = Gate()
                    for future in [first, second] {
                        future.addDoneCallback { (_: Future<Int>) in
                            names.withLock { $0.append(ProcFiles.threadName) }
                            told.open()
                        }
                    }
                    folder.write("", to: "\(round)")
                    #expect(try second.result(timeout: longTime) == 3)
                    try told.wait(2)
                }
                #expect(names.withLock { $0 } == [String](repeating: "futures-pool-cb", count: 40))
            }
        }

        @Test("a wait that is over before the answer leaves the reading to the pool", .proves(.F6))
        func leavesTheRestToThePool() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                defer { pool.shutdown() }
                let future = try pool.submit(awaitFile, folder.file("go"))
                let later = try pool.submit(increment, 1)
                #expect(throws: TimeoutError.self) { try future.result(timeout: .milliseconds(30)) }
                let told = Gate()
                later.addDoneCallback { (_: Future<Int>) in told.open() }
                _ = folder.write("", to: "go")
                try told.wait()
                #expect(future.isDone)
            }
        }

        @Test("whoever else ends the call wakes the thread that reads for it", .proves(.F3))
        func isWokenByOthers() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2)
                let futures = try (0..<2).map { _ in try pool.submit(awaitFile, folder.file("never")) }
                let behind = try pool.submit(increment, 1)
                let ended = Mutex<[Bool]>([])
                let threads = TestThreads()
                for future in futures + [behind] {
                    threads.start {
                        let error = try? future.exception(timeout: longTime)
                        ended.withLock { $0.append(error is BrokenProcessPool || future.isCancelled) }
                    }
                }
                try spin { futures.allSatisfy { $0.isRunning } }
                #expect(behind.cancel())
                pool.killWorkers()
                threads.join()
                #expect(ended.withLock { $0 } == [true, true, true])
                pool.shutdown()
            }
        }

        /// Has the pool send tasks ahead: it takes the next ones for short, too.
        private func sendAhead(_ pool: ProcessPoolExecutor) throws {
            for number in 0..<50 { _ = try pool.submit(increment, number).result(timeout: longTime) }
            // One that took long for reasons of its own counts more than those before it.
            try spin {
                _ = try? pool.submit(increment, 1).result(timeout: longTime)
                return pool.driver.core.withLock { $0.state.ahead } > 0
            }
        }

        /// Until a thread has the reading role of a worker.
        private func waitForReader(_ pool: ProcessPoolExecutor) throws {
            try spin { pool.driver.waiters.withLock { $0.all.contains { $0.isInUse } } }
        }

        @Test("what it reads for others is told at once, however long its own call takes", .proves(.F6, .C1))
        func tellsOthersAtOnce() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                try sendAhead(pool)
                let first = try pool.submit(awaitFile, folder.file("first"))
                let second = try pool.submit(awaitFile, folder.file("second"))
                try spin { first.isRunning }
                let threads = TestThreads()
                threads.start { _ = try? second.result(timeout: longTime) }
                try waitForReader(pool)
                let told = Gate()
                first.addDoneCallback { (_: Future<Int>) in told.open() }
                threads.start { if (try? first.result(timeout: longTime)) != nil { told.open() } }
                threads.start { if wait([first], timeout: longTime).done.count == 1 { told.open() } }
                _ = folder.write("", to: "first")
                try told.wait(3)
                #expect(!second.isDone)
                _ = folder.write("", to: "second")
                threads.join()
                pool.shutdown()
            }
        }

        @Test("callbacks of what it has read run before the pool is at its end", .proves(.H1, .C1))
        func tellsBeforeTheEnd() throws {
            try Leftovers.check {
                for _ in 0..<60 {
                    let pool = try makePool(maxWorkers: 1)
                    let told = Atomic<Int>(0)
                    let futures = try (0..<3).map { try pool.submit(increment, $0) }
                    for future in futures {
                        future.addDoneCallback { (_: Future<Int>) in told.add(1, ordering: .relaxed) }
                    }
                    let threads = TestThreads()
                    threads.start { _ = try? futures[2].result(timeout: longTime) }
                    pool.shutdown()
                    #expect(told.load(ordering: .relaxed) == 3)
                    threads.join()
                }
            }
        }

        @Test("large results, which the pool's thread takes, come to threads that wait, one after the other")
        func leavesLargeResults() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2)
                defer { pool.shutdown() }
                let threads = TestThreads()
                let right = Atomic<Int>(0)
                for thread in 0..<4 {
                    threads.start {
                        for round in 0..<60 {
                            // Just beyond what is copied in one step, beside small ones.
                            let count = [400_000, 5_000_000, 10][(round + thread) % 3]
                            let bytes = try? pool.submit(makeBytes, count).result(timeout: longTime)
                            if bytes?.count == count { right.add(1, ordering: .relaxed) }
                        }
                    }
                }
                threads.join()
                #expect(right.load(ordering: .relaxed) == 240)
            }
        }

        @Test("a decoder that runs in it may shut the pool down, and cancel", .proves(.C3))
        func mayEndThePool() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let folder = TemporaryFolder()
                try sendAhead(pool)
                let first = try pool.submit(awaitFile, folder.file("go"))
                let hooked = try pool.submit(makeHooked)
                let behind = try pool.submit(increment, 1)
                let hasRun = Atomic<Bool>(false)
                Hooked.decoded.withLock {
                    $0 = {
                        _ = behind.cancel()
                        pool.shutdown(wait: true)
                        hasRun.store(true, ordering: .relaxed)
                    }
                }
                defer { Hooked.decoded.withLock { $0 = nil } }
                let threads = TestThreads()
                threads.start { _ = try? hooked.result(timeout: longTime) }
                try waitForReader(pool)
                _ = folder.write("", to: "go")
                threads.join()
                let ran = hasRun.load(ordering: .relaxed)
                #expect(ran)
                #expect(first.isDone && hooked.isDone)
                pool.shutdown()
                #expect(behind.isDone)
            }
        }

        @Test("a pool that retries errors asks about them in its own thread", .proves(.C3))
        func leavesRetriesToThePool() throws {
            try Leftovers.check {
                let name = Mutex("")
                let policy = RetryPolicy(errors: 1) { _ in
                    name.withLock { $0 = ProcFiles.threadName }
                    return false
                }
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(onWorkerLoss: .retry(policy)))
                defer { pool.shutdown() }
                try sendAhead(pool)
                for _ in 0..<20 {
                    #expect(try pool.submit(refuse, 7).exception(timeout: longTime) is Refused)
                    #expect(name.withLock { $0 } == "futures-pool")
                }
            }
        }

        @Test("threads that wait for one worker's answers, each for its own, all get them")
        func takesTurns() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                defer { pool.shutdown() }
                let threads = TestThreads()
                let sum = Atomic<Int>(0)
                for _ in 0..<4 {
                    threads.start {
                        for number in 0..<300 {
                            let result = try? pool.submit(increment, number).result(timeout: longTime)
                            sum.add(result ?? 0, ordering: .relaxed)
                        }
                    }
                }
                threads.join()
                #expect(sum.load(ordering: .relaxed) == 4 * (1...300).reduce(0, +))
            }
        }
    }
}
