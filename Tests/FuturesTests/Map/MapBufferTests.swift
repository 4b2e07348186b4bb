import Glibc
import TestFunctions
import TestSupport
import Testing

import struct Synchronization.Atomic

@testable import Futures

/// Counts up, and how far it was read.
private final class Numbers: Sequence, Sendable {
    private let end: Int
    private let readCount = Atomic<Int>(0)
    private let takenCount = Atomic<Int>(0)
    private let mostAhead = Atomic<Int>(0)

    init(upTo end: Int = .max) { self.end = end }

    var read: Int { readCount.load(ordering: .relaxed) }
    /// How far the reading was ahead of ``took()`` at most.
    var ahead: Int { mostAhead.load(ordering: .relaxed) }

    /// A result was taken.
    func took() { takenCount.add(1, ordering: .relaxed) }

    func makeIterator() -> AnyIterator<Int> {
        var next = 0
        return AnyIterator {
            guard next < self.end else { return nil }
            let read = self.readCount.add(1, ordering: .relaxed).newValue
            self.mostAhead.max(read - self.takenCount.load(ordering: .relaxed), ordering: .relaxed)
            defer { next += 1 }
            return next
        }
    }
}

private let half = { @Sendable (number: Int) in
    if number % 2 == 1 { throw Refused(code: number) }
    return number / 2
}

extension ProcessSuites {
    @Suite struct MapBufferTests {
        @Test(
            "with a buffer size of n, n elements are taken ahead of the consumer, of an endless input too", .proves(.M2)
        )
        func endlessInput() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 2)
                let numbers = Numbers()
                let results = try pool.map({ (number: Int) in number + 1 }, numbers, bufferSize: 3)
                #expect(numbers.read == 3)
                for taken in 1...100 {
                    #expect(try results.next() == taken)
                    #expect(numbers.read == 3 + taken)
                }
                pool.shutdown()
            }
        }

        @Test(
            "chunks fill the buffer as far as they fit", .proves(.M2),
            arguments: [(2, 5, 4), (2, 6, 6), (10, 3, 3), (1, 1, 1)])
        func chunks(chunkSize: Int, bufferSize: Int, readAtFirst: Int) throws {
            try Leftovers.check {
                let pool = try makePool()
                let numbers = Numbers(upTo: 101)
                let results = try pool.map(increment, numbers, chunkSize: chunkSize, bufferSize: bufferSize)
                #expect(numbers.read == readAtFirst)
                var taken = 0
                while let result = try results.next() {
                    taken += 1
                    #expect(result == taken)
                    #expect(numbers.read - taken <= bufferSize)
                    #expect(numbers.read - taken > bufferSize - chunkSize || numbers.read == 101)
                }
                #expect(taken == 101)
                pool.shutdown()
            }
        }

        @Test(
            "a buffer size in bytes goes by what results take, also behind one that is late", .proves(.M2),
            arguments: [MapOrder.ofInput, .ofCompletion])
        func bytes(order: MapOrder) throws {
            try Leftovers.check {
                let pool = try makePool()
                let folder = TemporaryFolder()
                let (numbers, size) = (Numbers(upTo: 300), 100_000)
                let paths = numbers.lazy.map { $0 == 0 ? folder.file("go") : "" }
                let sizes = repeatElement(size, count: .max)
                let results =
                    switch order {
                    case .ofInput: try pool.map(bytesWhenThere, paths, sizes, bufferSize: .bytes(2_000_000))
                    case .ofCompletion:
                        try pool.mapUnordered(bytesWhenThere, paths, sizes, bufferSize: .bytes(2_000_000))
                    }
                let threads = TestThreads()
                let isReadOn = Atomic<Bool>(false)
                threads.start {
                    // Others make room for more while the first is late. No results fit if it never comes.
                    for _ in 0..<60_000 where numbers.read < 12 { usleep(1_000) }
                    isReadOn.store(numbers.read >= 12, ordering: .relaxed)
                    close(open(folder.file("go"), O_CREAT | O_WRONLY, 0o600))
                }
                var taken = 0
                while let result = try results.next() {
                    taken += 1
                    numbers.took()
                    #expect(result.count == size)
                }
                threads.join()
                #expect(taken == 300)
                let wasReadOn = isReadOn.load(ordering: .relaxed)
                #expect(wasReadOn)
                #expect((8...21).contains(numbers.ahead), "\(numbers.ahead)")
                pool.shutdown()
            }
        }

        @Test("a buffer size in bytes of asynchronous input, which is read without a consumer", .proves(.M2))
        func bytesOfAsynchronousInput() async throws {
            try await Leftovers.check {
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    let numbers = Numbers(upTo: 200)
                    let sizes = AsyncStream(unfolding: { [iterator = Mutex(numbers.makeIterator())] in
                        iterator.withLock { $0.next() }.map { _ in 50_000 }
                    })
                    let results = try pool.map(makeBytes, sizes, chunkSize: .automatic, bufferSize: .bytes(1 << 20))
                    for try await bytes in results {
                        numbers.took()
                        #expect(bytes.count == 50_000)
                    }
                    #expect(numbers.read == 200)
                    #expect((5...24).contains(numbers.ahead), "\(numbers.ahead)")
                }
            }
        }

        @Test("where nothing is encoded, bytes mean 64 elements or four for each thread", .proves(.M2))
        func bytesOfThreads() throws {
            try Leftovers.check {
                for (threads, ahead) in [(1, 64), (20, 80)] {
                    let pool = try ThreadPoolExecutor(maxWorkers: threads)
                    let numbers = Numbers()
                    let results = try pool.map(increment, numbers, bufferSize: .bytes(1))
                    #expect(numbers.read == ahead)
                    #expect(try results.next() == 1)
                    #expect(numbers.read == ahead + 1)
                    pool.shutdown()
                }
                let numbers = Numbers()
                let results = try InlineExecutor().map(increment, numbers, bufferSize: .elements(3, bytes: 10))
                #expect(try results.next() == 1)
                #expect(numbers.read == 4)
            }
        }

        @Test("several sequences, to the shortest; collect gets all, blocking and async", .proves(.M2))
        func collected() async throws {
            try await Leftovers.check {
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    let sums = try await pool.map(add, Numbers(), Numbers(upTo: 1000), chunkSize: 7, bufferSize: 50)
                        .collect()
                    #expect(sums == (0..<1000).map { 2 * $0 })
                    let none = try await pool.map(add, Numbers(), Numbers(upTo: 0), bufferSize: 2).collect()
                    #expect(none == [])
                }
            }
            let pool = try ThreadPoolExecutor(maxWorkers: 2)
            #expect(try await pool.map(increment, Numbers(upTo: 100), bufferSize: 9).collect() == Array(1...100))
            // Waited for: its threads would be taken for the next test's.
            await pool.shutdown()
        }

        @Test("a buffer size or chunk size below 1 is an error at the call", .proves(.M2))
        func badSizes() throws {
            try Leftovers.check {
                let pool = try makePool()
                let threads = try ThreadPoolExecutor(maxWorkers: 1)
                let attempts: [() throws -> MapResults<Int>] = [
                    { try pool.map(increment, 0..<3, bufferSize: 0) },
                    { try threads.map(increment, 0..<3, bufferSize: 0) },
                    { try threads.map({ (number: Int) in number }, 0..<3, bufferSize: 0) },
                    { try pool.map(increment, 0..<3, bufferSize: .elements(0, bytes: 1)) },
                ]
                for attempt in attempts {
                    let error = try #require(throws: InvalidArgumentError.self) { try attempt() }
                    #expect("\(error)" == "bufferSize must be at least 1, not 0")
                }
                let noBytes = try #require(throws: InvalidArgumentError.self) {
                    try threads.map(increment, 0..<3, bufferSize: .bytes(-1))
                }
                #expect("\(noBytes)" == "bufferSize.bytes must be at least 1, not -1")
                let error = try #require(throws: InvalidArgumentError.self) {
                    try threads.map(increment, 0..<3, chunkSize: -1, bufferSize: 2)
                }
                #expect("\(error)" == "chunkSize must be at least 1, not -1")
                pool.shutdown()
                threads.shutdown()
            }
        }

        @Test("failures come at their positions, and outcomes reads on after them", .proves(.M4))
        func failures() async throws {
            try await withThreadPool(maxWorkers: 2) { pool in
                var seen: [Int?] = []
                for try await outcome in try pool.map(half, Numbers(upTo: 50), bufferSize: 4).outcomes {
                    seen.append(try? outcome.get())
                }
                #expect(seen == (0..<50).map { $0 % 2 == 1 ? nil : $0 / 2 })
            }
        }

        @Test("ending the iteration early ends the reading, and cancels what has not begun", .proves(.M5))
        func endedEarly() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let numbers = Numbers()
                let leave = Gate()
                let ran = Atomic<Int>(0)
                do {
                    let body = { @Sendable (number: Int) in
                        if number == 1 { try leave.wait() }
                        ran.add(1, ordering: .relaxed)
                        return number
                    }
                    let results = try pool.map(body, numbers, bufferSize: 5)
                    #expect(try results.next() == 0)
                }
                leave.open()
                pool.shutdown()
                #expect(numbers.read == 6)
                #expect(ran.load(ordering: .relaxed) <= 2)
            }
        }

        @Test("a pool that is shut down during a map gives what it has taken, then the error, once", .proves(.S3))
        func shutDownMeanwhile() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let outcomes = try pool.map(increment, Numbers(), bufferSize: 4).outcomes
                #expect(try outcomes.next()?.get() == 1)
                pool.shutdown()
                for value in 2...5 { #expect(try outcomes.next()?.get() == value) }
                #expect(throws: ExecutorShutdownError.self) { try outcomes.next()?.get() }
                #expect(try outcomes.next() == nil)
            }
        }

        @Test("time that runs out ends the reading", .proves(.M3))
        func timeout() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let (third, leave, numbers) = (Gate(), Gate(), Numbers())
                let body = { @Sendable (number: Int) in
                    if number == 2 {
                        third.open()
                        try leave.wait()
                    }
                    return number
                }
                let start = ContinuousClock.now
                let results = try pool.map(body, numbers, bufferSize: 3, timeout: .seconds(1))
                // The first two are there then, and come also when the time has run out.
                try third.wait()
                #expect(try results.next() == 0)
                #expect(try results.next() == 1)
                let error = try #require(throws: TimeoutError.self) { try results.next() }
                #expect(ContinuousClock.now - start >= .seconds(1))
                #expect("\(error)".hasPrefix("3 of 5 futures were unfinished"), "\(error)")
                #expect(try results.next() == nil)
                #expect(numbers.read == 5)
                leave.open()
                pool.shutdown()
            }
        }

        @Test("outcomes tell which element they are of, in any order, and within chunks", .proves(.M4, .M8))
        func indexed() async throws {
            try await Leftovers.check {
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    var seen: Set<Int> = []
                    let codes = (0..<500).lazy.map { $0 % 3 == 1 ? $0 : 0 }
                    let results = try pool.mapUnordered(refuse, codes, chunkSize: 7, bufferSize: 100)
                    for try await element in results.indexedOutcomes {
                        #expect(seen.insert(element.index).inserted)
                        do {
                            _ = try element.outcome.get()
                            #expect(element.index % 3 != 1)
                        } catch let error as Refused {
                            #expect(error.code == element.index && element.index % 3 == 1)
                        }
                    }
                    #expect(seen == Set(0..<500))
                }
            }
        }

        @Test(
            "the blocking form, and an input that throws, which comes with the place behind its elements", .proves(.M6))
        func indexedBlocking() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 2)
                let failing = AsyncThrowingStream<Int, any Error> { stream in
                    for number in 10..<14 { stream.yield(number) }
                    stream.finish(throwing: Refused(code: 99))
                }
                let outcomes = try pool.map(half, failing, bufferSize: 10).indexedOutcomes
                var indices: [Int] = []
                var last: (any Error)?
                while let element = try outcomes.next() {
                    indices.append(element.index)
                    if case .failure(let error) = element.outcome { last = error }
                }
                #expect(indices == [0, 1, 2, 3, 4])
                #expect(last as? Refused == Refused(code: 99))
                pool.shutdown()
            }
        }

        @Test("consumers that race get each result once, and the whole of the input")
        func racingConsumers() throws {
            try Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 2)
                let results = try pool.map({ (number: Int) in number }, Numbers(upTo: 5000), bufferSize: 3)
                let seen = Mutex<[Int]>([])
                let threads = TestThreads()
                for _ in 0..<4 {
                    threads.start {
                        while let result = try! results.next() { seen.withLock { $0.append(result) } }
                    }
                }
                threads.join()
                let isComplete = seen.withLock { $0.sorted() == Array(0..<5000) }
                #expect(isComplete)
                pool.shutdown()
            }
        }
    }
}
