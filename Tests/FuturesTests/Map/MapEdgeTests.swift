import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Maps over nothing, and maps that end before their time.
    @Suite struct MapEdgeTests {
        @Test("without a sequence there is no element, as with one that is empty", .proves(.M1))
        func noSequences() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                #expect(try pool.map(processID).collect().isEmpty)
                #expect(try pool.map(increment, []).collect().isEmpty)
                pool.shutdown()
                // Nothing is submitted, so that nothing is refused.
                #expect(try pool.map(increment, []).collect().isEmpty)
                #expect(try pool.map(increment, [], chunkSize: .automatic).collect().isEmpty)
                #expect(try pool.mapUnordered(increment, [], chunkSize: .automatic).collect().isEmpty)
                let threads = try ThreadPoolExecutor(maxWorkers: 1)
                #expect(try threads.map(processID).collect().isEmpty)
                threads.shutdown()
            }
        }

        @Test("an endless sequence may be beside one that ends, on either side, with any chunk size", .proves(.M1))
        func endlessBesideFinite() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let three = sequence(first: 10) { $0 < 12 ? $0 + 1 : nil }
                let many = sequence(first: 0) { $0 < 20_000 ? $0 + 1 : nil }
                #expect(try pool.map(add, 0..., [1, 2, 3], chunkSize: .automatic).collect() == [1, 3, 5])
                #expect(try pool.map(add, [1, 2, 3], 0..., chunkSize: .automatic).collect() == [1, 3, 5])
                #expect(try pool.map(add, 0..., three, chunkSize: .automatic).collect() == [10, 12, 14])
                #expect(try pool.map(add, three, 0..., chunkSize: .automatic).collect() == [10, 12, 14])
                #expect(try pool.map(add, 0..., many, chunkSize: .automatic).collect() == (0...20_000).map { 2 * $0 })
                #expect(try pool.map(add, many, three, chunkSize: .automatic).collect() == [10, 12, 14])
                pool.shutdown()
            }
        }

        @Test(
            "a chunk as large as can be is what a worker takes, and not more", .proves(.M7),
            .enabled(if: WorkerLossTests.crashesArePlain, "takes minutes with a sanitizer"))
        func largestChunks() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let bytes = [UInt8](repeating: 7, count: (1 << 24) + 1)
                let results = try pool.map(echoByte, bytes, chunkSize: Int.max)
                #expect(try results.collect() == bytes)
                pool.shutdown()
            }
        }

        /// Gives one number, and then waits whatever happens.
        private struct Stubborn: AsyncSequence {
            final class Waiting: Sendable {
                let continuation = Mutex<CheckedContinuation<Void, Never>?>(nil)
            }
            struct Iterator: AsyncIteratorProtocol {
                let waiting: Waiting
                var isNext = true

                mutating func next() async -> Int? {
                    if isNext {
                        isNext = false
                        return 1
                    }
                    await withCheckedContinuation { continuation in
                        waiting.continuation.withLock { $0 = continuation }
                    }
                    return nil
                }
            }
            let waiting: Waiting

            func makeAsyncIterator() -> Iterator { Iterator(waiting: waiting) }
        }

        @Test("a sequence that waits and heeds no cancellation keeps no pool", .proves(.H4, .M5))
        func stubbornSequence() async throws {
            try await Leftovers.check {
                let waiting = Stubborn.Waiting()
                let before = Leftovers.now()
                func useOnce() async throws {
                    let pool = try makePool(maxWorkers: 1)
                    var results = try pool.map(increment, Stubborn(waiting: waiting), bufferSize: 4).makeAsyncIterator()
                    #expect(try await results.next() == 2)
                    try await spin { waiting.continuation.withLock { $0 != nil } }
                }
                try await useOnce()
                try await spin { Leftovers.now().added(to: before).isEmpty }
                waiting.continuation.withLock { $0 }?.resume()
            }
        }

        @Test("such a sequence keeps no journal, either", .proves(.M5))
        func stubbornSequenceAndJournal() async throws {
            try await Leftovers.check {
                let (folder, waiting) = (TemporaryFolder(), Stubborn.Waiting())
                let pool = try makePool(maxWorkers: 1)
                func useOnce() async throws {
                    let journal = try MapJournal(at: folder.file("journal"))
                    var results = try pool.journaled(in: journal).map(
                        increment, Stubborn(waiting: waiting), bufferSize: 4
                    ).makeAsyncIterator()
                    #expect(try await results.next() == 2)
                    try await spin { waiting.continuation.withLock { $0 != nil } }
                }
                try await useOnce()
                #expect(try MapJournal(at: folder.file("journal")).finishedElements == 1)
                waiting.continuation.withLock { $0 }?.resume()
                await pool.shutdown()
            }
        }

        @Test("results that are kept keep nothing of a pool that has ended", .proves(.H1))
        func keptResults() throws {
            try Leftovers.check {
                let before = Leftovers.now()
                var kept: [MapResults<Int>] = []
                for _ in 0..<3 {
                    let pool = try makePool(maxWorkers: 1)
                    kept.append(try pool.map(increment, 0..<10, chunkSize: 2))
                    for number in 1...10 { #expect(try kept.last?.next() == number) }
                    pool.shutdown()
                }
                try spin { Leftovers.now().added(to: before).isEmpty }
                withExtendedLifetime(kept) {}
            }
        }

        @Test("what ends with a call that is not wanted may use the pool", .proves(.M5))
        func valuesThatUseThePool() async throws {
            try await Leftovers.check {
                let policy = RetryPolicy(errors: 1, backoff: RetryPolicy.Backoff(first: .seconds(3_600)))
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .retry(policy))
                let before = Token.count
                // The last one throws, and is to be run again in an hour.
                let results = try pool.map(makeToken, [1, 2, -1], chunkSize: 3)
                try await spin { Token.count == before + 2 }
                let calls = Mutex<[Future<Int>]>([])
                Token.ended.withLock {
                    $0 = { [weak pool] in
                        if let call = try? pool?.submit(increment, 1) { calls.withLock { $0.append(call) } }
                    }
                }
                let consumer = Task {
                    var iterator = results.makeAsyncIterator()
                    return try await iterator.next()
                }
                consumer.cancel()
                _ = try? await consumer.value
                try await spin { calls.withLock { $0.count } == 2 }
                Token.ended.withLock { $0 = nil }
                for call in calls.withLock({ $0 }) { #expect(try await call.value == 2) }
                await pool.shutdown()
            }
        }

        @Test("ending a map with much sent ahead asks the worker for all of it at once", .proves(.M5))
        func endsEarly() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let worker = pid_t(try pool.submit(processID).result(timeout: longTime))
                // Short calls first, so that many are sent ahead.
                for _ in 0..<3 { _ = try pool.map(awaitFile, Array(repeating: "/", count: 300)).collect() }
                let paths = ["/"] + [folder.file("go")] + Array(repeating: "/", count: 200)
                let results = try pool.map(awaitFile, paths, timeout: longTime)
                #expect(try results.next() == 1)
                // It answers nothing, so that each question takes 100 ms: one after the other they would take seconds.
                kill(worker, SIGSTOP)
                try spin { ProcFiles.state(of: worker) == "T" }
                let start = ContinuousClock.now
                results.cursor.end()
                let time = ContinuousClock.now - start
                kill(worker, SIGCONT)
                #expect(time < .seconds(3), "it took \(time)")
                folder.write("", to: "go")
                pool.shutdown()
            }
        }
    }
}
