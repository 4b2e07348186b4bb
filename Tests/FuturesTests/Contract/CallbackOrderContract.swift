import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// What callbacks may count on, and others in spite of them, when several futures end at once.
    @Suite struct CallbackOrderContract {
        enum Ending: CaseIterable { case shutdown, initializer }

        /// Runs `body` with a pool of one worker, which is busy with something else until `end` is called; that ends all that
        /// waits, in a thread of its own.
        private func withHeldPool(
            _ kind: ExecutorKind, _ ending: Ending = .shutdown,
            _ body: (_ pool: any Executor, _ end: () -> Void) throws -> Void
        ) throws {
            try Leftovers.check(eventually: true) {
                let (threads, go) = (TestThreads(), Gate())
                guard ending == .shutdown else {
                    // The only thread is held in its initializer.
                    let pool = try ThreadPoolExecutor(
                        maxWorkers: 1,
                        initializer: {
                            try go.wait()
                            throw Refused(code: 1)
                        })
                    try body(pool) { go.open() }
                    pool.shutdown()
                    return
                }
                let pool = try kind.make(maxWorkers: 1)
                let held = try HeldWorker(pool)
                try body(pool) { threads.start { pool.shutdown(wait: false, cancelFutures: true) } }
                held.letGo()
                threads.join()
                pool.shutdown()
            }
        }

        @Test(
            "a callback may wait for a call that ends in the same moment", .proves(.C3),
            arguments: [(ExecutorKind.threads, Ending.shutdown), (.threads, .initializer), (.processes, .shutdown)])
        func waitsForAnother(kind: ExecutorKind, ending: Ending) throws {
            try withHeldPool(kind, ending) { pool, end in
                let first = try pool.submit(increment, 1)
                let second = try pool.submit(increment, 2)
                let outcome = Mutex<String>("")
                let told = Gate()
                first.addDoneCallback { _ in
                    // Bounded, so that this test ends.
                    do { _ = try second.result(timeout: .seconds(20)) } catch {
                        outcome.withLock { $0 = "\(type(of: error))" }
                    }
                    told.open()
                }
                end()
                try told.wait()
                #expect(outcome.withLock { $0 } == (ending == .shutdown ? "CancelledError" : "BrokenThreadPool"))
            }
        }

        @Test(
            "who waits for a call is woken before the callbacks of another that ends in the same moment",
            .proves(.F9, .C3),
            arguments: ExecutorKind.pools)
        func wakesFirst(kind: ExecutorKind) throws {
            try withHeldPool(kind) { pool, end in
                let first = try pool.submit(increment, 1)
                let others = try (0..<4).map { try pool.submit(increment, $0) }
                let (woken, told, threads) = (Gate(), Gate(), TestThreads())
                let inTime = Mutex(false)
                first.addDoneCallback { _ in
                    let isWoken = (try? woken.wait(4)) != nil
                    inTime.withLock { $0 = isWoken }
                    told.open()
                }
                Task {
                    _ = try? await others[0].value
                    woken.open()
                }
                Task {
                    _ = await wait([others[1]])
                    woken.open()
                }
                threads.start {
                    _ = wait([others[2]])
                    woken.open()
                }
                threads.start {
                    for _ in asCompleted([others[3]]) {}
                    woken.open()
                }
                try spin { others.allSatisfy { $0.hasObservers } }
                end()
                try told.wait()
                threads.join()
                #expect(inTime.withLock { $0 })
            }
        }

        @Test(
            "a callback of a cancelled call shuts the pool down and waits, also with maps on their way",
            .proves(.C3, .H1),
            arguments: ExecutorKind.pools)
        func shutsDown(kind: ExecutorKind) throws {
            try Leftovers.check(eventually: true) {
                let (threads, told) = (TestThreads(), Gate())
                let pool = try kind.make(maxWorkers: 1)
                let held = try HeldWorker(pool)
                try pool.submit(increment, 1).addDoneCallback { _ in
                    held.letGo()
                    pool.shutdown(wait: true)
                    told.open()
                }
                let results = try pool.map(increment, 0..<10_000, chunkSize: .automatic)
                threads.start { pool.shutdown(wait: false, cancelFutures: true) }
                try told.wait()
                threads.join()
                withExtendedLifetime(results) {}
                pool.shutdown()
            }
        }

        @Test("a map's consumer keeps its time while the callback of another call is slow", .proves(.M3))
        func consumerBesideSlowCallback() throws {
            try withHeldPool(.processes) { pool, end in
                let (leave, called, ended, threads) = (Gate(), Gate(), Gate(), TestThreads())
                try pool.submit(increment, 1).addDoneCallback { _ in
                    called.open()
                    try? leave.wait()
                }
                let results = try pool.map(
                    increment, 0..<10_000, chunkSize: .automatic, timeout: .milliseconds(300)
                ).outcomes
                end()
                try called.wait()
                threads.start {
                    // To the end, or to the end of its time.
                    while let outcome = try? results.next(), !(outcome.error is ExecutorShutdownError) {}
                    ended.open()
                }
                #expect(throws: Never.self) { try ended.wait() }
                leave.open()
                threads.join()
            }
        }
    }
}
