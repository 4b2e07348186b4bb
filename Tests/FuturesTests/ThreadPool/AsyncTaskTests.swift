import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

private actor Counter {
    var value = 0
    func add(_ number: Int) { value += number }
}

extension ProcessSuites {
    /// Async bodies that use what async code is made of.
    @Suite struct AsyncTaskTests {
        @Test("async closures with tasks, groups, actors and sleep, on several threads at once", .proves(.T4))
        func onThreads() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 4)
                let futures = try (0..<400).map { number in
                    try pool.submit { () async throws -> Int in
                        let counter = Counter()
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for part in 0..<4 {
                                group.addTask {
                                    if part == 0 { try await Task.sleep(nanoseconds: 1_000) }
                                    await counter.add(number)
                                }
                            }
                            try await group.waitForAll()
                        }
                        async let sum = counter.value
                        return await Task.detached { await counter.value }.value + sum
                    }
                }
                for (number, future) in futures.enumerated() {
                    #expect(try future.result(timeout: longTime) == 8 * number)
                }
                pool.shutdown()
            }
        }

        @Test("the same in worker processes", .proves(.S1))
        func inWorkers() throws {
            try Leftovers.check {
                let pool = try makePool()
                let futures = try (0..<100).map { try pool.submit(sumConcurrently, [$0, 1]) }
                for (number, future) in futures.enumerated() {
                    #expect(try future.result(timeout: longTime) == 2 * (number + 1))
                }
                pool.shutdown()
            }
        }

        @Test("a task may have a pool of its own in its worker, and none of its processes is left")
        func poolsWithinWorkers() throws {
            try Leftovers.check {
                let pool = try makePool()
                let futures = try (0..<4).map { try pool.submit(incrementBelow, $0) }
                #expect(try futures.map { try $0.result(timeout: longTime) } == [1, 2, 3, 4])
                pool.shutdown()
            }
        }

        @Test(
            "async waits of any length, also too long to count, end when the future does", .proves(.W1, .W5),
            arguments: [Duration.seconds(Int64.max), .seconds(9_000_000_000), .seconds(1_000_000_000), .seconds(60)])
        func longWaits(timeout: Duration) async throws {
            let future = Future<Int>()
            let threads = TestThreads()
            async let waited = wait([future], timeout: timeout)
            async let completed = asCompleted([future], timeout: timeout).first { _ in true }
            threads.start {
                // Somebody waits.
                try? spin { future.links.withLock { !$0.observers.isEmpty } }
                future.fulfil(1)
            }
            #expect(await waited.done == [future])
            #expect(try await completed === future)
            threads.join()
        }

        @Test(
            "async waits of no length do not wait", .proves(.W1),
            arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
        func shortWaits(timeout: Duration) async throws {
            let (pending, cancelled) = (Future<Int>(), Future<Int>())
            cancelled.cancel()
            let result = await wait([pending, cancelled, pending], timeout: timeout)
            #expect(result.done == [cancelled] && result.notDone == [pending])
            let iterator = asCompleted([pending, cancelled, cancelled], timeout: timeout).makeAsyncIterator()
            var copy = iterator
            #expect(try await copy.next() === cancelled)
            await #expect(throws: TimeoutError.self) {
                var copy = iterator
                _ = try await copy.next()
            }
        }
    }
}
