import Futures
import TestFunctions
import TestSupport
import Testing

/// Somebody's own executor: counts the calls, and leaves them to another.
private final class CountingExecutor: Executor {
    let other: any Executor
    private let calls = Mutex<(count: Int, limit: Int?, priorities: Set<Int>)>((0, nil, []))

    init(_ other: any Executor) { self.other = other }

    var count: Int { calls.withLock { $0.count } }
    var priorities: Set<Int> { calls.withLock { $0.priorities } }

    /// Refuses all but so many more calls.
    func take(_ more: Int) { calls.withLock { $0.limit = $0.count + more } }

    func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output> {
        let isTaken = calls.withLock { calls in
            if calls.count == calls.limit { return false }
            calls.count += 1
            calls.priorities.insert(options.priority)
            return true
        }
        guard isTaken else { throw Refused(code: 99) }
        return try other.submit(callable, repeat each argument, options: options)
    }

    func shutdown(wait: Bool, cancelFutures: Bool) { other.shutdown(wait: wait, cancelFutures: cancelFutures) }

    func shutdown(cancelFutures: Bool) async { await other.shutdown(cancelFutures: cancelFutures) }
}

private final class LastRead: Sendable {
    let number = Mutex(0)
}

/// The same for closures.
private final class CountingLocalExecutor: LocalExecutor {
    let other: any LocalExecutor
    private let calls = Mutex(0)

    init(_ other: any LocalExecutor) { self.other = other }

    var count: Int { calls.withLock { $0 } }

    func submit<Output: Sendable>(
        name: String?, options: CallOptions, _ body: @escaping @Sendable () throws -> Output
    ) throws -> Future<Output> {
        calls.withLock { $0 += 1 }
        return try other.submit(name: name, options: options, body)
    }

    func shutdown(wait: Bool, cancelFutures: Bool) { other.shutdown(wait: wait, cancelFutures: cancelFutures) }

    func shutdown(cancelFutures: Bool) async { await other.shutdown(cancelFutures: cancelFutures) }
}

extension ProcessSuites {
    /// What an executor of somebody else's gets from its `submit`.
    @Suite struct OwnExecutorContract {
        private func withCounter<R>(
            _ kind: ExecutorKind, maxWorkers: Int = 2, backlogLimit: BacklogLimit = .none,
            _ body: (CountingExecutor) async throws -> R
        ) async throws -> R {
            try await kind.withExecutor(maxWorkers: maxWorkers, backlogLimit: backlogLimit) { executor in
                try await body(CountingExecutor(executor))
            }
        }

        @Test(
            "maps of every form work through submit, one call for each element", .proves(.M1, .M2, .M7, .M8),
            arguments: ExecutorKind.allCases)
        func maps(kind: ExecutorKind) async throws {
            try await withCounter(kind) { executor in
                let expected = Array(1...100)
                let maps: [() throws -> MapResults<Int>] = [
                    { try executor.map(increment, 0..<100) },
                    { try executor.map(increment, 0..<100, chunkSize: 7, options: .priority(2)) },
                    { try executor.map(increment, 0..<100, chunkSize: .automatic) },
                    { try executor.map(increment, 0..<100, chunkSize: 7, bufferSize: 10) },
                    { try executor.map(increment, AsyncNumbers(upTo: 100), chunkSize: 7, bufferSize: 10) },
                    { try executor.map(add, 0..<100, repeatElement(1, count: 120), timeout: longTime) },
                    { try executor.mapUnordered(increment, 0..<100, chunkSize: 7) },
                    { try executor.mapUnordered(increment, 0..<100, chunkSize: .automatic, bufferSize: 10) },
                    { try executor.mapUnordered(increment, AsyncNumbers(upTo: 100), bufferSize: 10) },
                ]
                for (index, map) in maps.enumerated() {
                    #expect(try await map().collect().sorted() == expected)
                    #expect(executor.count == 100 * (index + 1))
                }
                #expect(executor.priorities == [0, 2])
                let outcomes = try executor.map(refuse, [0, 5, 0], chunkSize: 3).outcomes
                var codes: [Int] = []
                for try await outcome in outcomes {
                    do { codes.append(try outcome.get()) } catch let error as Refused { codes.append(error.code) }
                }
                #expect(codes == [0, 5, 0])
                #expect(throws: InvalidArgumentError.self) { try executor.map(increment, 0..<3, chunkSize: 0) }
                #expect(executor.count == 903)
            }
        }

        @Test(
            "what its submit throws fails a map at the call, or after its results, as does what the input throws",
            .proves(.M2, .M6), arguments: ExecutorKind.pools)
        func refusals(kind: ExecutorKind) async throws {
            try await withCounter(kind, maxWorkers: 1) { executor in
                let held = try HeldWorker(executor.other)
                executor.take(3)
                let folder = TemporaryFolder()
                let paths = Array(repeating: folder.file("ran"), count: 5)
                #expect(throws: Refused(code: 99)) { try executor.map(appendLine, paths, 0..<5) }
                executor.take(3)
                #expect(throws: Refused(code: 99)) { try executor.map(appendLine, paths, 0..<5, chunkSize: 5) }
                held.letGo()
                #expect(try await executor.other.submit(increment, 1).value == 2)
                // What it took of them was cancelled.
                #expect(throws: (any Error).self) { try folder.lines(of: "ran") }
                for chunkSize in [1, 2] {
                    executor.take(4)
                    let results = try executor.map(increment, 0..<100, chunkSize: chunkSize, bufferSize: 2)
                    var seen: [Int] = []
                    await #expect(throws: Refused(code: 99)) {
                        for try await number in results { seen.append(number) }
                    }
                    #expect(seen == [1, 2, 3, 4])
                }
                executor.take(1000)
                for chunkSize in [1, 2] {
                    let input = AsyncNumbers(upTo: 3, failure: Refused(code: 5))
                    let results = try executor.map(increment, input, chunkSize: chunkSize, bufferSize: 2)
                    var seen: [Int] = []
                    await #expect(throws: Refused(code: 5)) {
                        for try await number in results { seen.append(number) }
                    }
                    #expect(seen == [1, 2, 3])
                }
                #expect(try await executor.map(increment, 0..<3).collect() == [1, 2, 3])
            }
        }

        @Test("a reduction through it, of whose bytes nobody knows, reads no further ahead than a map", .proves(.M2))
        func boundedReduction() async throws {
            try await withCounter(.processes) { executor in
                let folder = TemporaryFolder()
                let read = LastRead()
                let long = "/" + String(repeating: "./", count: 1_900)
                let paths = (0..<10_000).lazy.map { number -> String in
                    read.number.withLock { $0 = number }
                    return number == 10 ? folder.file("go") : long
                }
                // Lets it go when the reading stands still.
                let watching = Task.detached { @Sendable () async throws -> Int in
                    var (last, looks) = (-1, 0)
                    while looks < 20 {
                        try await Task.sleep(for: .milliseconds(10))
                        let now = read.number.withLock { $0 }
                        (last, looks) = (now, now == last ? looks + 1 : 0)
                    }
                    folder.write("", to: "go")
                    return last
                }
                let sum = try await executor.reduce(awaitAll, paths, chunkSize: 1, bufferSize: .bytes(4 << 20))
                #expect(sum == 10_000)
                #expect(try await watching.value < 1_000)
            }
        }

        @Test(
            "a map through it is ended, and its time limited, like any other", .proves(.M3, .M5),
            arguments: ExecutorKind.pools)
        func endings(kind: ExecutorKind) async throws {
            let folder = TemporaryFolder()
            try await withCounter(kind, maxWorkers: 1) { executor in
                let held = try HeldWorker(executor.other)
                let paths = Array(repeating: folder.file("ran"), count: 50)
                let late = try executor.map(appendLine, paths, 0..<50, timeout: .milliseconds(5))
                let error = await #expect(throws: TimeoutError.self) { try await late.collect() }
                #expect(error?.unfinished == 50 && error?.total == 50)
                let ended = Task { try await executor.mapUnordered(appendLine, paths, 0..<50).collect() }
                ended.cancel()
                await #expect(throws: CancellationError.self) { try await ended.value }
                held.letGo()
            }
            #expect(throws: (any Error).self) { try folder.lines(of: "ran") }
        }

        @Test(
            "submitWhenRoom, and maps that read as their results are taken, wait for room in the executor behind it",
            .proves(.S1, .M2), arguments: ExecutorKind.pools)
        func backlog(kind: ExecutorKind) async throws {
            try await withCounter(kind, maxWorkers: 1, backlogLimit: BacklogLimit(tasks: 2)) { executor in
                let held = try HeldWorker(executor.other)
                _ = try (0..<2).map { try executor.submit(increment, $0) }
                #expect(throws: BacklogFullError.self) { try executor.submit(increment, 1) }
                #expect(throws: BacklogFullError.self) { try executor.map(increment, 0..<3) }
                await #expect(throws: BacklogFullError.self) {
                    try await executor.submitWhenRoom(increment, 1, timeout: .milliseconds(1))
                }
                let threads = TestThreads()
                let values = Mutex<[Int]>([])
                for number in 0..<4 {
                    threads.start {
                        guard let future = try? executor.submitWhenRoom(increment, number) else { return }
                        guard let value = try? future.result(timeout: longTime) else { return }
                        values.withLock { $0.append(value) }
                    }
                }
                let task = Task { try await executor.submitWhenRoom(increment, 10).value }
                held.letGo()
                threads.join()
                #expect(try await task.value == 11)
                #expect(values.withLock { $0.sorted() } == [1, 2, 3, 4])
                for chunkSize in [1, 3] {
                    let ordered = try executor.map(increment, 0..<100, chunkSize: chunkSize, bufferSize: 20)
                    #expect(try await ordered.collect() == Array(1...100))
                    let unordered = try executor.mapUnordered(increment, 0..<100, chunkSize: chunkSize, bufferSize: 20)
                    #expect(try await unordered.collect().sorted() == Array(1...100))
                    let asynchronous = try executor.map(
                        increment, AsyncNumbers(upTo: 100), chunkSize: chunkSize, bufferSize: 20)
                    #expect(try await asynchronous.collect() == Array(1...100))
                }
            }
        }

        @Test(
            "an executor for closures gets async closures, callables and maps of both", .proves(.S1, .M1),
            arguments: ExecutorKind.local)
        func closures(kind: ExecutorKind) async throws {
            try await kind.withExecutor { inner in
                let executor = CountingLocalExecutor(try #require(inner as? any LocalExecutor))
                #expect(try await executor.submit { 1 }.value == 1)
                #expect(try await executor.submit { () async -> Int in 2 }.value == 2)
                #expect(try await executor.submit(add, 1, 2).value == 3)
                #expect(try executor.submit(add, 2, 2, options: .priority(1)).functionName == "add")
                #expect(try await executor.submitWhenRoom { 5 }.value == 5)
                #expect(try await executor.submitWhenRoom(addLater, 3, 3).value == 6)
                #expect(executor.count == 6)
                let double = { @Sendable (number: Int) in 2 * number }
                #expect(try await executor.map(double, 0..<5).collect() == [0, 2, 4, 6, 8])
                #expect(try await executor.map(double, 0..<5, bufferSize: 2).collect() == [0, 2, 4, 6, 8])
                #expect(
                    try await executor.map(double, AsyncNumbers(upTo: 5), bufferSize: 2).collect() == [0, 2, 4, 6, 8])
                #expect(try await executor.mapUnordered(double, 0..<5).collect().sorted() == [0, 2, 4, 6, 8])
                #expect(try await executor.map(increment, 0..<5).collect() == [1, 2, 3, 4, 5])
                #expect(executor.count == 31)
            }
        }

        @Test(
            "its shutdown that cancels futures cancels what has not begun in the other", .proves(.H3),
            arguments: ExecutorKind.pools, [true, false])
        func cancels(kind: ExecutorKind, isBlocking: Bool) async throws {
            try await withCounter(kind, maxWorkers: 1) { executor in
                let held = try HeldWorker(executor.other)
                let waiting = try (0..<3).map { try executor.submit(increment, $0) }
                // This one waits for what runs.
                let ended = isBlocking ? nil : Task { await executor.shutdown(cancelFutures: true) }
                if isBlocking { shutDownWithoutWaiting(executor, cancelFutures: true) }
                try await spin { waiting.allSatisfy { $0.isDone } }
                #expect(waiting.allSatisfy { $0.isCancelled } && held.future.isRunning)
                held.letGo()
                if let ended { await ended.value }
                #expect(try await held.future.result(timeout: longTime) == 1)
            }
        }

        @Test(
            "its shutdowns are the other's", .proves(.H1, .S3),
            arguments: ExecutorKind.allCases)
        func shutdowns(kind: ExecutorKind) async throws {
            try await withCounter(kind) { executor in
                let future = try executor.submit(increment, 1)
                blocking { executor.shutdown() }
                #expect(future.isDone)
                #expect(throws: ExecutorShutdownError.self) { try executor.submit(increment, 1) }
                #expect(throws: ExecutorShutdownError.self) { try executor.map(increment, [1]) }
                await #expect(throws: ExecutorShutdownError.self) { try await executor.submitWhenRoom(increment, 1) }
                await executor.shutdown()
            }
        }
    }
}
