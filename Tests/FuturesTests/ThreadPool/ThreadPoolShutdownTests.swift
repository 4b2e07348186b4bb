import Glibc
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

private struct Refusal: Error, Equatable {}

extension ProcessSuites {
    @Suite struct ThreadPoolShutdownTests {
        @Test("shutdown waits for everything submitted; again is fine; then nothing is taken", .proves(.H1, .S3))
        func waits() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 2)
                let futures = try (0..<200).map { number in try pool.submit { number } }
                pool.shutdown()
                #expect(futures.allSatisfy { $0.isDone })
                pool.shutdown()
                pool.shutdown(wait: false, cancelFutures: true)
                let error = try #require(throws: ExecutorShutdownError.self) { try pool.submit { 1 } }
                #expect("\(error)".contains("has been shut down"))
            }
        }

        @Test("a pool that never started a thread shuts down", .proves(.H1))
        func unstarted() async throws {
            try await Leftovers.check {
                let pool = try ThreadPoolExecutor()
                await pool.shutdown()
                blocking { pool.shutdown() }
            }
        }

        @Test("without waiting it returns at once, and the work still completes", .proves(.H2))
        func doesNotWait() throws {
            try Leftovers.check(eventually: true) {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let leave = Gate()
                let futures = try (0..<3).map { number in
                    try pool.submit {
                        try leave.wait()
                        return number
                    }
                }
                pool.shutdown(wait: false, cancelFutures: false)
                #expect(futures.allSatisfy { !$0.isDone })
                leave.open(3)
                #expect(try futures.map { try $0.result() } == [0, 1, 2])
            }
        }

        @Test("cancelFutures cancels what has not begun; callbacks may use the pool", .proves(.H3, .C3))
        func cancelFutures() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let (arrived, leave, called) = (Gate(), Gate(), Gate())
                let running = try pool.submit {
                    arrived.open()
                    try leave.wait()
                    return 1
                }
                let waiting = try (0..<10).map { number in try pool.submit { number } }
                try arrived.wait()
                waiting[0].addDoneCallback { [unowned pool] future in
                    #expect(future.isCancelled)
                    waiting[1].cancel()
                    #expect(throws: ExecutorShutdownError.self) { try pool.submit { 1 } }
                    blocking { pool.shutdown(wait: false, cancelFutures: true) }
                    called.open()
                }
                pool.shutdown(wait: false, cancelFutures: true)
                try called.wait()
                #expect(waiting.allSatisfy { $0.isCancelled })
                leave.open()
                pool.shutdown()
                #expect(try running.result(timeout: .zero) == 1)
            }
        }

        enum Ending: CaseIterable { case initializer, shutdown }

        @Test(
            "a callback that runs because an initializer failed, or a shutdown cancelled its call, may do anything",
            .proves(.C3), arguments: Ending.allCases, [false, true])
        func callbacks(ending: Ending, waits: Bool) throws {
            try Leftovers.check {
                let (go, runs, called, over) = (Gate(), Gate(), Gate(), Gate())
                @Sendable func failToSetUp() throws {
                    try go.wait()
                    throw Refusal()
                }
                let pool = try ThreadPoolExecutor(
                    maxWorkers: 1, initializer: ending == .initializer ? failToSetUp : nil)
                let running = try pool.submit {
                    runs.open()
                    try go.wait()
                }
                if ending == .shutdown { try runs.wait() }
                let future = try pool.submit { 1 }
                let behind = try (0..<5).map { number in try pool.submit { number } }
                let refusal = Future<String>()
                future.addDoneCallback { _ in
                    do { _ = try pool.submit { 2 } } catch { refusal.fulfil("\(type(of: error))") }
                    behind[0].cancel()
                    behind[1].addDoneCallback { _ in behind[2].cancel() }
                    // What runs ends, so that a shutdown has an end.
                    go.open()
                    pool.shutdown(wait: waits)
                    called.open()
                }
                // In a thread of its own: what hangs then is not the test.
                let threads = TestThreads()
                threads.start {
                    switch ending {
                    case .initializer: go.open()
                    case .shutdown: pool.shutdown(wait: waits, cancelFutures: true)
                    }
                    over.open()
                }
                try called.wait()
                try over.wait()
                threads.join()
                var all: [AnyFuture] = [running, future]
                all += behind
                #expect(wait(all, timeout: longTime).notDone.isEmpty)
                let expected = ending == .initializer ? "BrokenThreadPool" : "ExecutorShutdownError"
                #expect(try refusal.result(timeout: .zero) == expected)
                if ending == .shutdown {
                    #expect(future.isCancelled && behind.allSatisfy { $0.isCancelled })
                    #expect(try running.exception(timeout: .zero) == nil)
                }
                pool.shutdown()
            }
        }

        @Test("a pool that is dropped finishes its work, and its threads end", .proves(.H4))
        func dropped() throws {
            try Leftovers.check(eventually: true) {
                let leave = Gate()
                weak var driver: ThreadPoolDriver?
                let futures: [Future<Int>]
                do {
                    let pool = try ThreadPoolExecutor(maxWorkers: 2)
                    driver = pool.driver
                    futures = try (0..<5).map { number in
                        try pool.submit {
                            try leave.wait()
                            return number
                        }
                    }
                }
                leave.open(5)
                #expect(try futures.map { try $0.result() } == [0, 1, 2, 3, 4])
                try spin { driver == nil }
            }
        }

        @Test("a pool dropped by its own last task ends, too", .proves(.H4))
        func droppedInside() throws {
            try Leftovers.check(eventually: true) {
                let go = Gate()
                let future: Future<Int>
                do {
                    let pool = try ThreadPoolExecutor(maxWorkers: 1)
                    future = try pool.submit {
                        try go.wait()
                        return try pool.submit { 3 }.result(timeout: .zero)
                    }
                }
                go.open()
                // One thread, which cannot wait for itself.
                #expect(throws: TimeoutError.self) { try future.result() }
            }
        }

        @Test("several threads may wait for the end", .proves(.H1))
        func severalWait() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 3)
                let leave = Gate()
                let futures = try (0..<6).map { _ in try pool.submit { try leave.wait() } }
                let threads = TestThreads()
                for _ in 0..<4 {
                    threads.start {
                        pool.shutdown()
                        #expect(futures.allSatisfy { $0.isDone })
                    }
                }
                leave.open(6)
                threads.join()
            }
        }

        @Test("the scope waits for the work, and gives what its body gives", .proves(.H5))
        func scope() async throws {
            try await Leftovers.check {
                let futures = try await withThreadPool(maxWorkers: 2) { pool in
                    try (0..<50).map { number in try pool.submit { number } }
                }
                #expect(futures.allSatisfy { $0.isDone })
            }
        }

        @Test(
            "a scope whose body throws, or is cancelled, cancels what has not begun", .proves(.H5),
            arguments: [true, false])
        func failingScope(throwing: Bool) async throws {
            try await Leftovers.check {
                let (arrived, leave) = (Gate(), Gate())
                let waiting = Mutex<Future<Int>?>(nil)
                let task = Task {
                    try await withThreadPool(maxWorkers: 1) { pool in
                        _ = try pool.submit {
                            arrived.open()
                            try leave.wait()
                        }
                        try blocking { try arrived.wait() }
                        let future = try pool.submit { 1 }
                        waiting.withLock { $0 = future }
                        future.addDoneCallback { _ in leave.open() }
                        if throwing { throw Refusal() }
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
                let result = await task.result
                if throwing {
                    #expect(throws: Refusal()) { try result.get() }
                } else {
                    try result.get()
                }
                #expect(waiting.withLock { $0 }?.isCancelled == true)
            }
        }

        @Test(
            "threads submit and cancel while another shuts down: each call ends, and was run unless it is cancelled",
            .proves(.H1, .F3))
        func stress() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 4)
                let ran = Atomic<Int>(0)
                let all = Mutex<[Future<Int>]>([])
                let threads = TestThreads()
                for thread in 0..<4 {
                    threads.start {
                        for number in 0..<2_500 {
                            guard
                                let future = try? pool.submit({
                                    ran.add(1, ordering: .relaxed)
                                    return number
                                })
                            else { break }
                            if number % 7 == thread {
                                let isCancelled = future.cancel()
                                #expect(isCancelled == future.isCancelled)
                            }
                            all.withLock { $0.append(future) }
                        }
                    }
                }
                try spin { all.withLock { $0.count } >= 5_000 }
                pool.shutdown()
                threads.join()
                let futures = all.withLock { $0 }
                #expect(futures.allSatisfy { $0.isDone })
                #expect(futures.count { !$0.isCancelled } == ran.load(ordering: .relaxed))
            }
        }
    }
}
