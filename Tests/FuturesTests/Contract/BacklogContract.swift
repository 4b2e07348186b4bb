import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

/// Counts the calls that another executor refuses.
private final class RefusalCounter: Executor {
    private let other: any Executor
    private let refusals = Mutex(0)

    init(_ other: any Executor) { self.other = other }

    var count: Int { refusals.withLock { $0 } }

    func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output> {
        do {
            return try other.submit(callable, repeat each argument, options: options)
        } catch {
            refusals.withLock { $0 += 1 }
            throw error
        }
    }

    func shutdown(wait: Bool, cancelFutures: Bool) { other.shutdown(wait: wait, cancelFutures: cancelFutures) }

    func shutdown(cancelFutures: Bool) async { await other.shutdown(cancelFutures: cancelFutures) }
}

extension ProcessSuites {
    @Suite struct BacklogContract {
        @Test(
            "with the backlog full submit throws at once, and says how full it is", .proves(.S1),
            arguments: ExecutorKind.pools)
        func throwsWhenFull(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 3)) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<3).map { try executor.submit(increment, $0) }
                let error = try #require(throws: BacklogFullError.self) { try executor.submit(increment, 3) }
                #expect(error.tasks == 3)
                #expect(error.limit == BacklogLimit(tasks: 3))
                #expect("\(error)".hasPrefix("the backlog is full: 3 calls with "), "\(error)")
                #expect(throws: BacklogFullError.self) {
                    try executor.submitWhenRoom(increment, 3, timeout: .milliseconds(10))
                }
                // What is cancelled makes room, too.
                #expect(futures[1].cancel())
                #expect(throws: Never.self) { try executor.submit(increment, 3) }
                #expect(throws: BacklogFullError.self) { try executor.map(increment, 0..<3) }
                held.letGo()
            }
        }

        @Test(
            "submitWhenRoom waits for room, in threads and in tasks", .proves(.S1), arguments: ExecutorKind.pools)
        func waits(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 2)) { executor in
                let held = try HeldWorker(executor)
                let threads = TestThreads()
                let sum = Mutex(0)
                for thread in 0..<4 {
                    threads.start {
                        for number in 0..<50 {
                            let future = try! executor.submitWhenRoom(add, thread * 50, number)
                            future.addDoneCallback { future in sum.withLock { $0 += try! future.result() } }
                        }
                    }
                }
                held.letGo()
                async let others = withThrowingTaskGroup(of: Int.self) { group in
                    for number in 200..<400 {
                        group.addTask { try await executor.submitWhenRoom(increment, number - 1).value }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(try await others == (200..<400).reduce(0, +))
                threads.join()
                await executor.shutdown()
                #expect(sum.withLock { $0 } == (0..<200).reduce(0, +))
            }
        }

        @Test(
            "who waits for room hears of the shutdown, and of its own cancellation", .proves(.S1, .S3),
            arguments: ExecutorKind.pools)
        func endsWaiting(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 1)) { inner in
                let executor = RefusalCounter(inner)
                let held = try HeldWorker(inner)
                _ = try executor.submit(increment, 1)
                let cancelled = Task { try await executor.submitWhenRoom(increment, 2) }
                try await spin { executor.count > 0 }
                cancelled.cancel()
                await #expect(throws: CancellationError.self) { try await cancelled.value }
                let before = executor.count
                let told = Mutex<[any Error]>([])
                let threads = TestThreads()
                let thread = Mutex(Int32(0))
                threads.start {
                    thread.withLock { $0 = ProcFiles.threadID }
                    do { _ = try executor.submitWhenRoom(increment, 3) } catch { told.withLock { $0.append(error) } }
                }
                // More than can run at the same time: when all were refused, some have come to sleep after that.
                let tasks = 4 * Int(sysconf(Int32(_SC_NPROCESSORS_CONF))) + 1
                for _ in 0..<tasks {
                    Task { @Sendable in
                        do { _ = try await executor.submitWhenRoom(increment, 2) } catch {
                            told.withLock { $0.append(error) }
                        }
                    }
                }
                try await spin {
                    executor.count > before + tasks && ProcFiles.state(of: thread.withLock { $0 }) == "S"
                }
                shutDownWithoutWaiting(executor)
                try await spin { told.withLock { $0.count } == 1 + tasks }
                threads.join()
                #expect(told.withLock { $0.allSatisfy { $0 is ExecutorShutdownError } })
                held.letGo()
            }
        }

        @Test("the bytes of the arguments count, in worker processes", .proves(.S1))
        func bytes() throws {
            try ExecutorKind.processes.withExecutor(maxWorkers: 1, backlogLimit: BacklogLimit(bytes: 100_000)) {
                executor in
                let held = try HeldWorker(executor)
                let bytes = [UInt8](repeating: 7, count: 40_000)
                let futures = try (0..<2).map { _ in try executor.submit(echoBytes, bytes) }
                let error = try #require(throws: BacklogFullError.self) { try executor.submit(echoBytes, bytes) }
                #expect(error.bytes == 80_000)
                for future in futures { #expect(future.cancel()) }
                // Nothing else waits: there is no better moment for one that is too large.
                let large = try executor.submit(echoBytes, [UInt8](repeating: 7, count: 400_000))
                #expect(throws: BacklogFullError.self) { try executor.submit(increment, 1) }
                held.letGo()
                #expect(try large.result(timeout: longTime).count == 400_000)
            }
        }

        @Test(
            "a lazy map, ordered or not, waits for room and loses nothing", .proves(.S1, .M2),
            arguments: ExecutorKind.pools, [1, 3])
        func maps(kind: ExecutorKind, limit: Int) async throws {
            try await kind.withExecutor(maxWorkers: 2, backlogLimit: BacklogLimit(tasks: limit)) { executor in
                let numbers = 0..<500
                let expected = Array(1...500)
                let ordered = try await executor.map(increment, numbers, chunkSize: 3, bufferSize: 60).collect()
                #expect(ordered == expected)
                let unordered = try await executor.mapUnordered(increment, numbers, bufferSize: 20).collect()
                #expect(unordered.sorted() == expected)
                let asynchronous = try await executor.map(
                    increment, AsyncNumbers(upTo: 500), chunkSize: 2, bufferSize: 50
                ).collect()
                #expect(asynchronous == expected)
                let automatic = try await executor.mapUnordered(
                    increment, numbers, chunkSize: .automatic, bufferSize: 30
                ).collect()
                #expect(automatic.sorted() == expected)
            }
        }

        @Test("limits below 1 are errors", .proves(.S1), arguments: ExecutorKind.pools)
        func badLimits(kind: ExecutorKind) throws {
            let error = try #require(throws: InvalidArgumentError.self) {
                try kind.make(backlogLimit: BacklogLimit(tasks: 0))
            }
            #expect("\(error)" == "backlogLimit.tasks must be at least 1, not 0")
            #expect(throws: InvalidArgumentError.self) { try kind.make(backlogLimit: BacklogLimit(bytes: -1)) }
        }
    }
}

/// The blocking form, which does not block here.
func shutDownWithoutWaiting(_ executor: any Executor, cancelFutures: Bool = false) {
    executor.shutdown(wait: false, cancelFutures: cancelFutures)
}

/// Counts up, and throws at the end if it is to.
struct AsyncNumbers: AsyncSequence, Sendable {
    var end: Int
    var failure: Refused?

    init(upTo end: Int = .max, failure: Refused? = nil) {
        self.end = end
        self.failure = failure
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let end: Int
        let failure: Refused?
        var next = 0

        mutating func next() async throws -> Int? {
            await Task.yield()
            guard next < end else {
                if let failure { throw failure }
                return nil
            }
            defer { next += 1 }
            return next
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(end: end, failure: failure) }
}
