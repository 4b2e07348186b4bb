import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct InlineExecutorTests {
        @Test("calls within calls run at once, at any depth, in the thread that submits", .proves(.S1, .S2))
        func nested() throws {
            let executor = InlineExecutor()
            let order = Mutex<[String]>([])
            let thread = currentThread()
            @Sendable func descend(_ depth: Int) throws -> Int {
                order.withLock { $0.append("in \(depth)") }
                #expect(currentThread() == thread)
                let below = depth == 0 ? 0 : try executor.submit { try descend(depth - 1) }.result(timeout: .zero)
                order.withLock { $0.append("out \(depth)") }
                return below + 1
            }
            #expect(try executor.submit { try descend(4) }.result(timeout: .zero) == 5)
            #expect(order.withLock { $0 } == (0...4).reversed().map { "in \($0)" } + (0...4).map { "out \($0)" })
            #expect(try executor.submit { try descend(200) }.result(timeout: .zero) == 201)
            executor.shutdown()
        }

        @Test("a map within a call is done at once, too, in every form", .proves(.M1))
        func mapWithin() throws {
            let executor = InlineExecutor()
            let future = try executor.submit {
                let lazy = try executor.map({ (number: Int) in number * 2 }, 0..<5, bufferSize: 2).collect()
                let unordered = try executor.mapUnordered(increment, lazy).collect()
                return try executor.map(add, lazy, unordered, chunkSize: .automatic).collect()
            }
            #expect(try future.result(timeout: .zero) == [1, 5, 9, 13, 17])
            executor.shutdown()
        }

        @Test(
            "async closures and callables use what async code is made of, and end before submit returns", .proves(.S1))
        func asynchronous() async throws {
            let executor = InlineExecutor()
            let name: String? = "sum"
            let future = try executor.submit(name: name) { () async throws -> Int in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<10 {
                        group.addTask {
                            try await Task.sleep(nanoseconds: 1_000)
                            return number
                        }
                    }
                    return try await group.reduce(0, +)
                }
            }
            #expect(future.isDone && future.functionName == "sum")
            #expect(try await future.value == 45)
            #expect(try await executor.submit(sumConcurrently, [1, 2, 3]).value == 12)
            let failed = try executor.submit { () async throws -> Int in
                await Task.yield()
                throw Refused(code: 4)
            }
            #expect(failed.isDone)
            await #expect(throws: Refused(code: 4)) { try await failed.value }
            // Within one another, async and not.
            let nested = try executor.submit { () async throws -> Int in
                let inner = try executor.submit { try executor.submit(addLater, 1, 2).result(timeout: .zero) }
                return try await inner.value + 1
            }
            #expect(try await nested.value == 4)
            await executor.shutdown()
        }

        @Test("callbacks are called when they are added, since the call is over", .proves(.C2))
        func callbacks() throws {
            let executor = InlineExecutor()
            let seen = Mutex<[Int]>([])
            for number in 0..<3 {
                try executor.submit(refuse, number).addDoneCallback { future in
                    let error = try? future.exception() as? Refused
                    seen.withLock { $0.append(error?.code ?? 0) }
                }
                #expect(seen.withLock { $0 } == Array(0...number))
            }
            executor.shutdown()
        }

        @Test(
            "a shutdown waits for the calls that other threads are in", .proves(.H1), arguments: [true, false])
        func waitsForOtherThreads(isBlocking: Bool) async throws {
            let executor = InlineExecutor()
            let threads = TestThreads()
            let (entered, leave) = (Gate(), Gate())
            let finished = Mutex(0)
            for _ in 0..<3 {
                threads.start {
                    _ = try? executor.submit {
                        entered.open()
                        try leave.wait()
                        finished.withLock { $0 += 1 }
                    }
                }
            }
            try blocking { try entered.wait(3) }
            let seen = Future<Int>()
            if isBlocking {
                threads.start {
                    executor.shutdown()
                    seen.fulfil(finished.withLock { $0 })
                }
            } else {
                Task.detached {
                    await executor.shutdown()
                    seen.fulfil(finished.withLock { $0 })
                }
            }
            // It has begun: nothing more is taken. Now the calls may end.
            try await spin { (try? executor.submit {}) == nil }
            #expect(!seen.isDone)
            // Who does not want to wait does not have to, and who is in a call himself cannot.
            blocking { executor.shutdown(wait: false) }
            leave.open(3)
            #expect(try await seen.result(timeout: longTime) == 3)
            threads.join()
        }

        @Test(
            "two threads in calls that both shut down do not wait for each other", .proves(.H1),
            arguments: [true, false])
        func bothShutDown(isBlocking: Bool) throws {
            let executor = InlineExecutor()
            let threads = TestThreads()
            let (entered, go, ended) = (Gate(), Gate(), Gate())
            for _ in 0..<2 {
                threads.start {
                    if isBlocking {
                        _ = try? executor.submit {
                            entered.open()
                            try go.wait()
                            executor.shutdown()
                            ended.open()
                        }
                    } else {
                        _ = try? executor.submit { () async throws in
                            entered.open()
                            try blocking { try go.wait() }
                            await executor.shutdown()
                            ended.open()
                        }
                    }
                }
            }
            try entered.wait(2)
            go.open(2)
            try ended.wait(2)
            threads.join()
        }
    }
}
