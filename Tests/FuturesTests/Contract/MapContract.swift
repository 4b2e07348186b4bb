import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct MapContract {
        @Test(
            "results come in the order of the elements, whatever the chunk size", .proves(.M1, .M7),
            arguments: ExecutorKind.allCases)
        func order(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let expected = Array(1...1000)
                for chunkSize in [1, 3, 250, 1000, 5000] {
                    let results = try executor.map(increment, 0..<1000, chunkSize: chunkSize)
                    #expect(try results.collect() == expected)
                    #expect(try results.next() == nil)
                }
                #expect(try executor.map(increment, 0..<1000, chunkSize: .automatic).collect() == expected)
            }
        }

        @Test(
            "several sequences side by side, to the shortest", .proves(.M1), arguments: ExecutorKind.allCases)
        func several(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                for chunkSize in [1, 4] {
                    let sums = try executor.map(add, [10, 20, 30, 40, 50], AnySequence(1...3), chunkSize: chunkSize)
                    #expect(try sums.collect() == [11, 22, 33])
                    let none = try executor.map(add, [10, 20], EmptyCollection<Int>(), chunkSize: chunkSize)
                    #expect(try none.collect() == [])
                }
                #expect(
                    try executor.map(add, 0..<7, 0..<9, chunkSize: .automatic).collect() == [0, 2, 4, 6, 8, 10, 12])
            }
        }

        @Test("sizes below 1 are errors at the call", .proves(.M2), arguments: ExecutorKind.allCases)
        func badSizes(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let attempts: [(String, () throws -> MapResults<Int>)] = [
                    ("chunkSize", { try executor.map(increment, [1], chunkSize: 0) }),
                    ("chunkSize", { try executor.mapUnordered(increment, [1], chunkSize: -3) }),
                    ("bufferSize", { try executor.map(increment, [1], bufferSize: 0) }),
                    ("bufferSize", { try executor.mapUnordered(increment, [1], bufferSize: -1) }),
                    ("bufferSize", { try executor.map(increment, AsyncNumbers(), bufferSize: 0) }),
                    ("chunkSize", { try executor.map(increment, AsyncNumbers(), chunkSize: 0, bufferSize: 1) }),
                ]
                for (argument, attempt) in attempts {
                    let error = try #require(throws: InvalidArgumentError.self) { try attempt() }
                    #expect(error.argument == argument)
                }
            }
        }

        @Test(
            "a failing element throws at its position and ends the results; outcomes goes on, also within a chunk",
            .proves(.M4), arguments: ExecutorKind.allCases, [1, 4, 20])
        func failures(kind: ExecutorKind, chunkSize: Int) throws {
            try kind.withExecutor { executor in
                let codes = [0, 0, 7, 0, 8, 9, 0, 0]
                let results = try executor.map(refuse, codes, chunkSize: chunkSize)
                #expect(try results.next() == 0)
                #expect(try results.next() == 0)
                #expect(throws: Refused(code: 7)) { try results.next() }
                #expect(try results.next() == nil)
                let outcomes = try executor.map(refuse, codes, chunkSize: chunkSize).outcomes
                var seen: [Int] = []
                while let outcome = try outcomes.next() {
                    do { seen.append(try outcome.get()) } catch let error as Refused { seen.append(error.code) }
                }
                #expect(seen == codes)
            }
        }

        @Test(
            "the time of a map runs from the call; what is there is yielded after it, waiting past it throws",
            .proves(.M3), arguments: ExecutorKind.pools)
        func timeout(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                let paths = ["/", "/", folder.file("later"), "/", "/"]
                // The worker is there, and has time for two short calls also on a machine with much else to do.
                _ = try executor.submit(increment, 1).result(timeout: longTime)
                for unordered in [false, true] {
                    let results =
                        unordered
                        ? try executor.mapUnordered(awaitFile, paths, timeout: .milliseconds(200))
                        : try executor.map(awaitFile, paths, timeout: .milliseconds(200))
                    #expect(try results.next() == 1)
                    #expect(try results.next() == 1)
                    let error = try #require(throws: TimeoutError.self) { try results.next() }
                    #expect(error.unfinished == 3 && error.total == 5)
                    #expect(try results.next() == nil)
                    folder.write("", to: "later")
                    // The worker is free again before the next round.
                    #expect(try executor.submit(increment, 1).result(timeout: longTime) == 2)
                    folder.remove("later")
                }
                let late = try executor.map(increment, 0..<100, timeout: .zero)
                let last = try executor.submit(increment, 1)
                _ = try last.result(timeout: longTime)
                #expect(try late.collect() == Array(1...100))
            }
        }

        @Test(
            "ending the iteration, or cancelling who iterates, cancels what has not begun", .proves(.M5),
            arguments: ExecutorKind.pools, [true, false])
        func endsEarly(kind: ExecutorKind, unordered: Bool) async throws {
            let folder = TemporaryFolder()
            try await kind.withExecutor(maxWorkers: 1) { executor in
                func map(_ lines: Range<Int>) throws -> MapResults<Int> {
                    let paths = Array(repeating: folder.file("ran"), count: lines.count)
                    return unordered
                        ? try executor.mapUnordered(appendLine, paths, lines)
                        : try executor.map(appendLine, paths, lines)
                }
                for try await number in try map(0..<1) {
                    #expect(number == 0)
                    break
                }
                let held = try HeldWorker(executor)
                do {
                    // Somebody has begun to iterate, and stops.
                    let results = try map(100..<200)
                    let task = Task { try await results.collect() }
                    task.cancel()
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
                held.letGo()
            }
            #expect(try folder.lines(of: "ran") == ["0"])
        }

        @Test(
            "asynchronous input is read as far ahead as the buffer says", .proves(.M2),
            arguments: ExecutorKind.allCases)
        func asynchronousInput(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor in
                // Endless: it ends with the interest in it.
                var seen: [Int] = []
                for try await number in try executor.map(increment, AsyncNumbers(), chunkSize: 2, bufferSize: 10) {
                    seen.append(number)
                    if seen.count == 50 { break }
                }
                #expect(seen == Array(1...50))
                let sums = try await executor.map(add, AsyncNumbers(upTo: 30), AsyncNumbers(), bufferSize: 7).collect()
                #expect(sums == (0..<30).map { 2 * $0 })
                let none = try await executor.map(increment, AsyncNumbers(upTo: 0), bufferSize: 7).collect()
                #expect(none == [])
                let blockingResults = try executor.mapUnordered(increment, AsyncNumbers(upTo: 40), bufferSize: 3)
                #expect(try blocking { try blockingResults.collect().sorted() } == Array(1...40))
            }
        }

        @Test(
            "an error of the input comes at its position, after the results before it; the executor stays usable",
            .proves(.M6), arguments: ExecutorKind.allCases, [1, 4])
        func failingInput(kind: ExecutorKind, chunkSize: Int) async throws {
            try await kind.withExecutor { executor in
                let numbers = AsyncNumbers(upTo: 10, failure: Refused(code: 5))
                for unordered in [false, true] {
                    let results =
                        unordered
                        ? try executor.mapUnordered(increment, numbers, chunkSize: chunkSize, bufferSize: 20)
                        : try executor.map(increment, numbers, chunkSize: chunkSize, bufferSize: 20)
                    var seen: [Int] = []
                    await #expect(throws: Refused(code: 5)) {
                        for try await number in results { seen.append(number) }
                    }
                    #expect((unordered ? seen.sorted() : seen) == Array(1...10))
                    let outcomes = try executor.map(increment, numbers, chunkSize: chunkSize, bufferSize: 20).outcomes
                    var count = 0
                    for try await outcome in outcomes {
                        count += 1
                        if count == 11 { #expect(throws: Refused(code: 5)) { try outcome.get() } }
                    }
                    #expect(count == 11)
                }
                #expect(try await executor.submit(increment, 1).value == 2)
            }
        }

        @Test(
            "results are not kept once they are given out", .proves(.M8), arguments: ExecutorKind.allCases, [1, 10])
        func letsGo(kind: ExecutorKind, chunkSize: Int) throws {
            try kind.withExecutor { executor in
                for unordered in [false, true] {
                    let results =
                        unordered
                        ? try executor.mapUnordered(makeToken, 0..<30, chunkSize: chunkSize)
                        : try executor.map(makeToken, 0..<30, chunkSize: chunkSize)
                    _ = try executor.submit(increment, 1).result(timeout: longTime)
                    for taken in 1...30 {
                        #expect(try results.next() != nil)
                        // Whoever completed the part may still be at it.
                        try spin { Token.count <= 30 - taken }
                    }
                    #expect(Token.count == 0)
                }
            }
        }

        @Test(
            "without order results come as they are there, and none is lost", .proves(.M8),
            arguments: ExecutorKind.pools)
        func unordered(kind: ExecutorKind) async throws {
            let folder = TemporaryFolder()
            try await kind.withExecutor(maxWorkers: 2) { executor in
                let results = try executor.mapUnordered(awaitFile, [folder.file("later"), "/", "/", "/"])
                let first = try blocking { try (results.next(), results.next(), results.next()) }
                #expect(first == (1, 1, 1))
                folder.write("", to: "later")
                #expect(try await results.collect() == [1])
                for chunkSize in [1, 7, 100] {
                    let all = try await executor.mapUnordered(increment, 0..<1000, chunkSize: chunkSize).collect()
                    #expect(all.sorted() == Array(1...1000))
                    var seen: [Int] = []
                    for try await outcome in try executor.mapUnordered(
                        refuse, Array(repeating: 0, count: 20) + [4] + Array(repeating: 0, count: 20),
                        chunkSize: chunkSize, bufferSize: 10
                    ).outcomes {
                        do { seen.append(try outcome.get()) } catch let error as Refused { seen.append(error.code) }
                    }
                    #expect(seen.count == 41 && seen.reduce(0, +) == 4)
                }
            }
        }

        @Test(
            "consumers that race get each result once", .proves(.M1, .M8), arguments: ExecutorKind.pools, [true, false])
        func racingConsumers(kind: ExecutorKind, unordered: Bool) throws {
            try kind.withExecutor { executor in
                let results =
                    unordered
                    ? try executor.mapUnordered(increment, 0..<2000, chunkSize: 3, bufferSize: 30)
                    : try executor.map(increment, 0..<2000, chunkSize: 3, bufferSize: 30)
                let seen = Mutex<[Int]>([])
                let threads = TestThreads()
                for _ in 0..<4 {
                    threads.start {
                        while let result = try! results.next() { seen.withLock { $0.append(result) } }
                    }
                }
                threads.join()
                #expect(seen.withLock { $0.sorted() } == Array(1...2000))
            }
        }

        @Test(
            "an automatic chunk size submits everything, also when nobody takes results", .proves(.M7, .M2),
            arguments: ExecutorKind.allCases)
        func automatic(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor { executor in
                _ = try executor.map(
                    appendLine, Array(repeating: folder.file("ran"), count: 500), 0..<500, chunkSize: .automatic)
                try spin { (try? folder.lines(of: "ran").count) == 500 }
            }
            #expect(try Set(folder.lines(of: "ran")).count == 500)
        }
    }
}
