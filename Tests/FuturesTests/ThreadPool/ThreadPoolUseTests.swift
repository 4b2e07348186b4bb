import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Tasks of a thread pool that use what is around them.
    @Suite struct ThreadPoolUseTests {
        @Test("with many times more blocked calls than threads there are as many threads as there may be", .proves(.T1))
        func saturated() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 4)
                let (arrived, leave) = (Gate(), Gate())
                let futures = try (0..<60).map { _ in
                    try pool.submit {
                        arrived.open()
                        try leave.wait()
                    }
                }
                try arrived.wait(4)
                #expect(pool.driver.threadCounts.all == 4)
                #expect(futures.count { $0.isRunning } == 4)
                leave.open(60)
                for future in futures { try future.result(timeout: longTime) }
                #expect(pool.driver.threadCounts.all == 4)
                pool.shutdown()
            }
        }

        @Test("a task submits to its own pool and waits, as long as a thread is free for it", .proves(.T4, .S1))
        func submitsToItself() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 3)
                let future = try pool.submit {
                    try pool.submit {
                        let last = try pool.submit { 1 }
                        return try last.result(timeout: longTime) + 1
                    }.result(timeout: longTime) + 1
                }
                #expect(try future.result(timeout: longTime) == 3)
                pool.shutdown()
            }
        }

        @Test(
            "a task finds its own future running, cannot cancel it, and may give it callbacks", .proves(.F3, .F5, .C3))
        func ownFuture() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let (own, called) = (Future<Future<[Bool]>>(), Gate())
                let future = try pool.submit {
                    let future = try own.result(timeout: longTime)
                    future.addDoneCallback { _ in called.open() }
                    let waits = (try? future.result(timeout: .zero)) == nil
                    return [future.isRunning, future.cancel(), future.isDone, waits]
                }
                own.fulfil(future)
                #expect(try future.result(timeout: longTime) == [true, false, false, true])
                try called.wait()
                pool.shutdown()
            }
        }

        @Test("an initializer that fails in a later thread breaks the pool for what waits, and says why", .proves(.T3))
        func failsLater() throws {
            try Leftovers.check {
                let starts = Mutex(0)
                let pool = try ThreadPoolExecutor(maxWorkers: 3) {
                    let number = starts.withLock { starts in
                        starts += 1
                        return starts
                    }
                    if number == 3 { throw Refused(code: 3) }
                }
                let (arrived, leave) = (Gate(), Gate())
                let running = try (0..<2).map { number in
                    try pool.submit {
                        arrived.open()
                        try leave.wait()
                        return number
                    }
                }
                try arrived.wait(2)
                let failed = try pool.submit { 3 }
                #expect(
                    (try failed.exception(timeout: longTime) as? BrokenThreadPool)?.cause as? Refused
                        == Refused(code: 3))
                #expect(throws: BrokenThreadPool.self) { try pool.submit { 4 } }
                leave.open(2)
                #expect(try running.map { try $0.result(timeout: longTime) } == [0, 1])
                pool.shutdown()
                #expect(starts.withLock { $0 } == 3)
            }
        }

        @Test("a map whose time is over at once runs none of what had not begun", .proves(.M3, .M5))
        func mapWithoutTime() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let log = Mutex<[String]>([])
                let (arrived, leave) = (Gate(), Gate())
                let body = { @Sendable (name: String) in
                    log.withLock { $0.append(name) }
                    arrived.open()
                    try leave.wait()
                }
                let first = try pool.submit { try body("first") }
                try arrived.wait()
                let results = try pool.map(body, ["second", "third"], timeout: .zero)
                #expect(throws: TimeoutError.self) { try results.next() }
                leave.open(3)
                try first.result(timeout: longTime)
                pool.shutdown()
                #expect(log.withLock { $0 } == ["first"])
            }
        }
    }
}
