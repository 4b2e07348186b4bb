import Futures
import TestFunctions
import TestSupport
import Testing

import struct Synchronization.Atomic

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
                for unordered in [false, true] {
                    let results =
                        unordered
                        ? try executor.mapUnordered(awaitFile, paths, timeout: .milliseconds(20))
                        : try executor.map(awaitFile, paths, timeout: .milliseconds(20))
                    var taken = 0
                    let error = try #require(throws: TimeoutError.self) {
                        while try results.next() == 1 { taken += 1 }
                    }
                    // On a machine that is busy nothing may have come in time.
                    #expect(taken <= 2 && error.total == 5 && (3...5 - taken).contains(error.unfinished))
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
            "elements that each take less than the map's time use it up together", .proves(.M3),
            arguments: ExecutorKind.pools, ["blocking", "async"])
        func oneBudget(kind: ExecutorKind, form: String) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                // The worker is there: its start is not what takes the time.
                _ = try await executor.submit(increment, 1).value
                // Far more than the time is enough for, so that a consumer that comes late finds some unfinished, too.
                let (count, budget) = (100, Duration.milliseconds(300))
                let pauses = Array(repeating: 60_000, count: count)
                for unordered in [false, true] {
                    let start = ContinuousClock.now
                    let results =
                        unordered
                        ? try executor.mapUnordered(incrementSlowly, 0..<count, pauses, timeout: budget)
                        : try executor.map(incrementSlowly, 0..<count, pauses, timeout: budget)
                    let error = await #expect(throws: TimeoutError.self) {
                        if form == "blocking" {
                            _ = try blocking { try results.collect() }
                        } else {
                            _ = try await results.collect()
                        }
                    }
                    let time = ContinuousClock.now - start
                    #expect(error?.source == .wait && error?.total == count)
                    #expect(time >= budget, "it took \(time)")
                }
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
                // After a long call nothing is sent ahead: what has to be asked back may run, if the answer takes too long.
                _ = try await executor.submit(incrementSlowly, 1, 100_000).value
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
            "leaving after the first result cancels what no worker has begun", .proves(.M5),
            arguments: ExecutorKind.pools, ["blocking", "async"])
        func leavesEarly(kind: ExecutorKind, form: String) async throws {
            for unordered in [false, true] {
                let folder = TemporaryFolder()
                let own =
                    ["first", "second"].map { folder.file($0) } + Array(repeating: folder.file("rest"), count: 20)
                let other = ["/", folder.file("go")] + Array(repeating: "/", count: 20)
                try await kind.withExecutor(maxWorkers: 1) { executor in
                    // After a long call nothing is sent ahead: taking that back has a time limit, which a busy machine
                    // may exceed.
                    _ = try await executor.submit(incrementSlowly, 1, 100_000).value
                    // What it has is dropped when it returns.
                    func takeFirst() async throws {
                        let results =
                            unordered
                            ? try executor.mapUnordered(meet, own, other)
                            : try executor.map(meet, own, other)
                        try folder.waitFor("second")
                        if form == "blocking" {
                            let first = try blocking { try results.next() }
                            #expect(first == 1)
                        } else {
                            for try await first in results {
                                #expect(first == 1)
                                break
                            }
                        }
                    }
                    try await takeFirst()
                    folder.write("", to: "go")
                }
                #expect(try folder.lines(of: "second").count == 1)
                // Whichever of them runs makes the file.
                #expect(throws: (any Error).self) { try folder.lines(of: "rest") }
            }
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
            "of asynchronous input never more is read, and not taken as results, than the buffer size says",
            .proves(.M2), arguments: ExecutorKind.allCases, [1, 3])
        func readsAhead(kind: ExecutorKind, chunkSize: Int) async throws {
            try await kind.withExecutor { executor in
                for unordered in [false, true] {
                    let numbers = CountedNumbers(upTo: 200)
                    let results =
                        unordered
                        ? try executor.mapUnordered(increment, numbers, chunkSize: chunkSize, bufferSize: 10)
                        : try executor.map(increment, numbers, chunkSize: chunkSize, bufferSize: 10)
                    // Without a consumer, too: as many chunks as the buffer holds.
                    try await spin { numbers.read > 10 - chunkSize }
                    var iterator = results.makeAsyncIterator()
                    var seen: [Int] = []
                    while true {
                        // Counted first: whoever reads may learn that it was taken before the result is here.
                        numbers.takes()
                        guard let number = try await iterator.next() else { break }
                        seen.append(number)
                        // Time for going too far.
                        await Task.yield()
                    }
                    if unordered { seen.sort() }
                    #expect(seen == Array(1...200))
                    #expect((11 - chunkSize...10).contains(numbers.mostAhead), "\(numbers.mostAhead)")
                }
            }
        }

        /// Counts up, and how far the reading is ahead of who takes results.
        private final class CountedNumbers: AsyncSequence, Sendable {
            private struct Counts {
                var read = 0
                var taken = 0
                var mostAhead = 0
            }

            private let end: Int
            private let counts = Mutex(Counts())

            init(upTo end: Int) { self.end = end }

            var read: Int { counts.withLock { $0.read } }
            var mostAhead: Int { counts.withLock { $0.mostAhead } }

            /// Somebody takes a result.
            func takes() { counts.withLock { $0.taken += 1 } }

            struct AsyncIterator: AsyncIteratorProtocol {
                let numbers: CountedNumbers

                mutating func next() async -> Int? { numbers.next() }
            }

            func makeAsyncIterator() -> AsyncIterator { AsyncIterator(numbers: self) }

            private func next() -> Int? {
                counts.withLock { counts in
                    guard counts.read < end else { return nil }
                    counts.read += 1
                    counts.mostAhead = Swift.max(counts.mostAhead, counts.read - counts.taken)
                    return counts.read - 1
                }
            }
        }

        @Test(
            "sequences that compute their elements when asked are read only as far as the buffer says", .proves(.M2),
            arguments: ExecutorKind.allCases, [true, false])
        func lazyInput(kind: ExecutorKind, unordered: Bool) async throws {
            try await kind.withExecutor { executor in
                let reads = Reads()
                let numbers = (0...).lazy.filter { $0 % 2 == 1 }.map { number in
                    reads.count.add(1, ordering: .relaxed)
                    return 10 * number
                }
                let results =
                    unordered
                    ? try executor.mapUnordered(add, numbers, zip(0..., 5...).lazy.map { $1 - $0 }, bufferSize: 4)
                    : try executor.map(add, numbers, zip(0..., 5...).lazy.map { $1 - $0 }, bufferSize: 4)
                var seen: [Int] = []
                for try await sum in results {
                    seen.append(sum)
                    if seen.count == 50 { break }
                }
                if unordered { seen.sort() }
                #expect(seen.first == 15 && seen.count == 50)
                if !unordered { #expect(seen == (0..<50).map { 10 * (2 * $0 + 1) + 5 }) }
                #expect(reads.count.load(ordering: .relaxed) <= 54)
                let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
                for number in 0..<20 { continuation.yield(number) }
                continuation.finish()
                let doubled = try executor.map(increment, stream.map { 2 * $0 }.filter { $0 != 4 }, bufferSize: 3)
                #expect(try await doubled.collect() == (0..<20).filter { $0 != 2 }.map { 2 * $0 + 1 })
            }
        }

        /// How often a closure ran.
        private final class Reads: Sendable {
            let count = Atomic<Int>(0)
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
