import Glibc
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

private struct Refusal: Error, Equatable {}

private let increment = Callable("increment") { (number: Int) in number + 1 }
private let addLater = Callable("addLater") { (left: Int, right: Int) async -> Int in
    await Task.yield()
    return left + right
}

extension ProcessSuites {
    @Suite struct ThreadPoolTests {
        /// Runs a test with a pool, shuts it down, and looks for leftovers.
        private func withPool(
            maxWorkers: Int = 2, initializer: (@Sendable () throws -> Void)? = nil,
            _ body: (ThreadPoolExecutor) throws -> Void
        ) throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: maxWorkers, initializer: initializer)
                try body(pool)
                pool.shutdown()
            }
        }

        @Test("closures and callables, sync and async", .proves(.S1, .T4, .F6))
        func submit() throws {
            try withPool { pool in
                #expect(try pool.submit { 6 * 7 }.result() == 42)
                #expect(try pool.submit(increment, 1).result() == 2)
                #expect(try pool.submit(addLater, 1, 2).result() == 3)
                let later = try pool.submit { () async -> String in
                    await Task.yield()
                    return ProcFiles.threadName
                }
                #expect(try later.result().hasPrefix("futures-pool-"))
                let named = try pool.submit(increment, 1)
                #expect(named.functionName == "increment")
            }
        }

        @Test("what a task throws arrives on its future, and the thread lives on", .proves(.F10))
        func errors() throws {
            try withPool(maxWorkers: 1) { pool in
                let failed = try pool.submit { throw Refusal() }
                #expect(throws: Refusal()) { try failed.result() }
                #expect(try pool.submit { 1 }.result() == 1)
                #expect(pool.driver.threadCounts.all == 1)
            }
        }

        @Test("the default size, and sizes below 1 are errors", .proves(.T1))
        func sizes() throws {
            let sizes = [1, 2, 27, 28, 29, 512].map { ThreadPoolExecutor.defaultMaxWorkers(processors: $0) }
            #expect(sizes == [5, 6, 31, 32, 32, 32])
            let size = ThreadPoolExecutor.defaultMaxWorkers(processors: usableProcessorCount())
            #expect(try ThreadPoolExecutor().maxWorkers == size)
            let error = try #require(throws: InvalidArgumentError.self) { try ThreadPoolExecutor(maxWorkers: 0) }
            #expect("\(error)" == "maxWorkers must be at least 1, not 0")
        }

        @Test("no thread without work; sequential work uses one", .proves(.T1))
        func threadsOnDemand() throws {
            try withPool(maxWorkers: 8) { pool in
                #expect(pool.driver.threadCounts.all == 0)
                for number in 0..<50 {
                    #expect(try pool.submit { number }.result() == number)
                    try spin { pool.driver.threadCounts.idle == 1 }
                }
                #expect(pool.driver.threadCounts.all == 1)
            }
        }

        @Test("as many tasks run at the same time as there are threads, also when they block", .proves(.T1, .T4))
        func parallel() throws {
            try withPool(maxWorkers: 3) { pool in
                let (arrived, leave) = (Gate(), Gate())
                let futures = try (0..<4).map { _ in
                    try pool.submit {
                        arrived.open()
                        try leave.wait()
                    }
                }
                try arrived.wait(3)
                #expect(futures[..<3].allSatisfy { $0.isRunning })
                #expect(futures[3].state == .pending)
                leave.open(4)
                for future in futures { try future.result() }
            }
        }

        @Test("the threads' names have the prefix and a number, in 15 bytes", .proves(.T2))
        func names() throws {
            let pool = try ThreadPoolExecutor(maxWorkers: 1, threadNamePrefix: "fetch")
            #expect(try pool.submit { ProcFiles.threadName }.result() == "fetch-0")
            pool.shutdown()
            let long = try ThreadPoolExecutor(maxWorkers: 1, threadNamePrefix: "a long name, with ü")
            #expect(try long.submit { ProcFiles.threadName }.result() == "a long name, -0")
            long.shutdown()
            #expect(Futures.threadName("überüberüber", 10) == "überüberü-10")
            #expect(Futures.threadName("", 0) == "-0")
        }

        @Test("the threads of a pool are numbered from 0", .proves(.T2))
        func numbers() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 3, threadNamePrefix: "p")
                let (arrived, leave) = (Gate(), Gate())
                let futures = try (0..<3).map { _ in
                    try pool.submit {
                        arrived.open()
                        try leave.wait()
                        return ProcFiles.threadName
                    }
                }
                // All three at the same time.
                try arrived.wait(3)
                leave.open(3)
                let names = try futures.map { try $0.result(timeout: longTime) }
                #expect(names.sorted() == ["p-0", "p-1", "p-2"])
                pool.shutdown()
            }
        }

        @Test("the initializer runs once in each thread, before its tasks", .proves(.T3))
        func initializer() throws {
            let initialized = Mutex<[UInt: Int]>([:])
            try withPool(maxWorkers: 3) {
                initialized.withLock { $0[UInt(pthread_self()), default: 0] += 1 }
            } _: { pool in
                let (arrived, leave) = (Gate(), Gate())
                let futures = try (0..<30).map { number in
                    try pool.submit {
                        if number < 3 {
                            arrived.open()
                            try leave.wait()
                        }
                        return initialized.withLock { $0[UInt(pthread_self())] } == 1
                    }
                }
                try arrived.wait(3)
                leave.open(3)
                for future in futures { #expect(try future.result()) }
                #expect(initialized.withLock { $0.count } == 3)
            }
        }

        @Test(
            "a failing initializer breaks the pool; what runs elsewhere completes, callbacks may do anything",
            .proves(.T3, .C3))
        func brokenInitializer() throws {
            let (fails, runs, leave) = (Gate(), Gate(), Gate())
            let isFirst = Atomic<Bool>(true)
            try withPool(maxWorkers: 2) {
                if isFirst.exchange(false, ordering: .relaxed) { return }
                try fails.wait()
                throw Refusal()
            } _: { pool in
                let running = try pool.submit {
                    runs.open()
                    try leave.wait()
                    return 5
                }
                try runs.wait()
                let pending = try (0..<3).map { number in try pool.submit { number } }
                let refused = Future<Bool>()
                pending[0].addDoneCallback { [unowned pool] _ in
                    // It has failed with the others.
                    #expect(!pending[1].cancel())
                    refused.fulfil((try? pool.submit { 1 }) == nil)
                    blocking { pool.shutdown() }
                }
                fails.open()
                for future in pending {
                    let error = try future.exception()
                    #expect((error as? any BrokenExecutor)?.cause as? Refusal == Refusal())
                }
                #expect(try refused.result())
                leave.open()
                #expect(try running.result() == 5)
            }
        }

        @Test(
            "later submissions to a broken pool throw its error, after a shutdown that of the shutdown",
            .proves(.T3, .S3))
        func submitToBroken() throws {
            try withPool(initializer: { throw Refusal() }) { pool in
                let first = try pool.submit { 1 }
                let error = try first.exception()
                #expect(error is BrokenThreadPool)
                #expect(throws: BrokenThreadPool.self) { try pool.submit { 2 } }
                #expect(throws: BrokenThreadPool.self) { try pool.submit(increment, 2) }
                pool.shutdown()
                #expect(throws: ExecutorShutdownError.self) { try pool.submit { 3 } }
            }
        }

        @Test("one thread runs the tasks in the order of submission", .proves(.S2))
        func order() throws {
            try withPool(maxWorkers: 1) { pool in
                let order = Mutex<[Int]>([])
                let futures = try (0..<100).map { number in
                    try pool.submit { order.withLock { $0.append(number) } }
                }
                #expect(wait(futures).notDone.isEmpty)
                #expect(order.withLock { $0 } == Array(0..<100))
            }
        }

        @Test("a task that waits can be cancelled and is not run; one that runs cannot", .proves(.F3, .F5))
        func cancelling() throws {
            try withPool(maxWorkers: 1) { pool in
                let (arrived, leave) = (Gate(), Gate())
                let running = try pool.submit {
                    arrived.open()
                    try leave.wait()
                }
                try arrived.wait()
                let hasRun = Atomic<Bool>(false)
                let waiting = try pool.submit { hasRun.store(true, ordering: .relaxed) }
                #expect(!running.cancel())
                #expect(waiting.cancel())
                leave.open()
                try running.result()
                #expect(try pool.submit { 1 }.result() == 1)
                let ran = hasRun.load(ordering: .relaxed)
                #expect(!ran)
            }
        }

        @Test("a cancelled task's closure is released at once", .proves(.F3))
        func cancelledClosure() throws {
            try withPool(maxWorkers: 1) { pool in
                let (arrived, leave) = (Gate(), Gate())
                let running = try pool.submit {
                    arrived.open()
                    try leave.wait()
                }
                try arrived.wait()
                weak var captured: Gate?
                do {
                    let gate = Gate()
                    captured = gate
                    try pool.submit { gate.open() }.cancel()
                }
                #expect(captured == nil)
                leave.open()
                try running.result()
            }
        }

        @Test(
            "callbacks run in the pool's thread that ran the call, and may submit, wait for it and shut down",
            .proves(.C2, .C3))
        func callbacks() throws {
            try withPool(maxWorkers: 2) { pool in
                let (go, end) = (Gate(), Gate())
                let names = Mutex<[String]>([])
                let threads = Mutex<[Int32]>([])
                let future = try pool.submit {
                    try go.wait()
                    threads.withLock { $0.append(ProcFiles.threadID) }
                }
                future.addDoneCallback { [unowned pool] _ in
                    threads.withLock { $0.append(ProcFiles.threadID) }
                    let inner = try? pool.submit { ProcFiles.threadName }
                    let name = blocking { try? inner?.result() }
                    names.withLock { $0 = [ProcFiles.threadName, name ?? ""] }
                    blocking { pool.shutdown() }
                    end.open()
                }
                go.open()
                try end.wait()
                let seen = threads.withLock { $0 }
                #expect(seen.count == 2 && Set(seen).count == 1, "\(seen)")
                #expect(names.withLock { $0 }.allSatisfy { $0.hasPrefix("futures-pool-") })
                #expect(throws: ExecutorShutdownError.self) { try pool.submit { 1 } }
            }
        }

        enum Ending: CaseIterable { case returned, threw, cancelled, shutDown, initializer }

        @Test(
            "a callback runs in the thread that ends the call: the pool's, or that of who cancels it or shuts down",
            .proves(.C2), arguments: Ending.allCases)
        func callbackThread(ending: Ending) throws {
            let go = Gate()
            // Where the call ran, or the initializer that failed.
            let ran = Mutex<UInt?>(nil)
            @Sendable func failToSetUp() throws {
                try go.wait()
                ran.withLock { $0 = currentThread() }
                throw Refusal()
            }
            try withPool(maxWorkers: 2, initializer: ending == .initializer ? failToSetUp : nil) { pool in
                // Both threads are held, so that the next call waits.
                let held = try (0..<2).map { _ in try pool.submit { try go.wait() } }
                let future = try pool.submit {
                    ran.withLock { $0 = currentThread() }
                    if ending == .threw { throw Refusal() }
                }
                let place = Mutex<UInt?>(nil)
                let called = Gate()
                future.addDoneCallback { _ in
                    place.withLock { $0 = currentThread() }
                    called.open()
                }
                switch ending {
                case .returned, .threw, .initializer: go.open()
                case .cancelled: future.cancel()
                case .shutDown: pool.shutdown(wait: false, cancelFutures: true)
                }
                try called.wait()
                let isOurs = ending == .cancelled || ending == .shutDown
                let expected: UInt? = isOurs ? currentThread() : ran.withLock { $0 }
                #expect(place.withLock { $0 } == expected)
                go.open(2)
                #expect(wait(held, timeout: longTime).notDone.isEmpty)
            }
        }

        @Test("futures of two pools and several types, waited for together", .proves(.W1, .W5))
        func together() throws {
            try withPool { first in
                let second = try ThreadPoolExecutor()
                let number = try first.submit { 1 }
                let text = try second.submit { "one" }
                let failing = try second.submit { throw Refusal() }
                #expect(wait([number, text, failing]).done.count == 3)
                #expect(asCompleted([number, text, failing]).map { $0 }.count == 3)
                second.shutdown()
            }
        }
    }
}
