import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Consumers that are held up, let go of their results, or are cancelled.
    @Suite struct MapEndTests {
        /// Tells when it is let go of.
        private final class Marker: Sendable {
            let ended = Gate()
            deinit { ended.open() }
        }
        private final class Gate: Sendable {
            private let future = Future<Bool>()
            var isOpen: Bool { future.isDone }
            func open() { try? future.setResult(true) }
            func wait() { _ = try? future.result(timeout: longTime) }
        }

        /// A thread that waits for the next result learns that the map has ended in a task.
        private func expectEndForOthers(_ results: MapResults<Int>) async throws {
            let threads = TestThreads()
            let isOver = Mutex(false)
            let thread = Mutex(Int32(0))
            threads.start {
                thread.withLock { $0 = ProcFiles.threadID }
                let next = Result { try results.next() }
                if case .success(nil) = next {} else { Issue.record("\(next)") }
                isOver.withLock { $0 = true }
            }
            let other = Task {
                var iterator = results.makeAsyncIterator()
                return try await iterator.next()
            }
            // It waits.
            try await spin { ProcFiles.state(of: thread.withLock { $0 }) == "S" }
            other.cancel()
            await #expect(throws: CancellationError.self) { try await other.value }
            try await spin { isOver.withLock { $0 } }
            threads.join()
        }

        @Test("who waits for a result that is being computed learns that somebody else has ended the map", .proves(.M5))
        func endsForOthers() async throws {
            try await Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let runs = folder.file("runs")
                let results = try pool.map(meet, [runs], [folder.file("go")], bufferSize: .bytes(1 << 20))
                try folder.waitFor("runs")
                try await expectEndForOthers(results)
                folder.write("", to: "go")
                await pool.shutdown()
            }
        }

        @Test("who is held up by a full backlog learns that somebody else has ended the map", .proves(.M5))
        func endsForTheHeldUp() async throws {
            try await Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(backlogLimit: BacklogLimit(tasks: 1)))
                let held = try HeldWorker(pool)
                _ = try pool.submit(increment, 0)
                try await expectEndForOthers(try pool.map(increment, 0..<3, bufferSize: 2))
                held.letGo()
                await pool.shutdown()
            }
        }

        @Test("a result that is there is given to who is held up by a full backlog", .proves(.M2))
        func resultForTheHeldUp() throws {
            let first = Future<Int>()
            let room = Signal()
            let refusals = Mutex(0)
            let target = MapTarget<Int, Int>(
                submit: { (_: Bool, column: [Int]) throws -> [MapPart] in
                    if column == [0] { return [MapPart(element: first)] }
                    refusals.withLock { $0 += 1 }
                    throw BacklogFullError(
                        tasks: 1, bytes: 0, limit: BacklogLimit(tasks: 1), room: BacklogRoom(room))
                }, takesChunks: true, workers: 1)
            let results = try target.map(
                ColumnReader([0, 1]), order: .ofInput, chunkSize: 1, bufferSize: .bytes(1 << 20), timeout: longTime)
            let threads = TestThreads()
            let thread = Mutex(Int32(0))
            threads.start {
                thread.withLock { $0 = ProcFiles.threadID }
                let next = Result { try results.next() }
                if case .success(7) = next {} else { Issue.record("\(next)") }
            }
            try spin { refusals.withLock { $0 } >= 2 && ProcFiles.state(of: thread.withLock { $0 }) == "S" }
            let start = ContinuousClock.now
            try first.setResult(7)
            threads.join()
            #expect(ContinuousClock.now - start < longTime / 2)
        }

        private struct Counting: AsyncSequence {
            let marker: Marker
            struct Iterator: AsyncIteratorProtocol {
                let marker: Marker
                var number = 0
                mutating func next() async -> Int? {
                    defer { number += 1 }
                    return number
                }
            }
            func makeAsyncIterator() -> Iterator { Iterator(marker: marker) }
        }

        @Test(
            "what was submitted is computed though its results are dropped while more is being submitted", .proves(.M5))
        func droppedWhileSubmitting() async throws {
            let futures = (0..<3).map { _ in Future<Int>() }
            let (begun, go) = (Gate(), Gate())
            func begin() throws -> (MapResults<Int>, Gate) {
                let marker = Marker()
                let target = MapTarget<Int, Int>(
                    submit: { (_: Bool, column: [Int]) throws -> [MapPart] in
                        if column == [2] {
                            begun.open()
                            go.wait()
                        }
                        return [MapPart(element: futures[column[0]])]
                    }, takesChunks: false, workers: 1)
                let results = try target.map(
                    asynchronous: Counting(marker: marker), order: .ofInput, chunkSize: 1, bufferSize: 10,
                    timeout: nil)
                return (results, marker.ended)
            }
            func dropWhileSubmitting() async throws -> Gate {
                let (results, ended) = try begin()
                try await spin { begun.isOpen }
                withExtendedLifetime(results) {}
                return ended
            }
            let ended = try await dropWhileSubmitting()
            go.open()
            try await spin { ended.isOpen }
            for future in futures { #expect(!future.isCancelled) }
        }

        @Test("a cancelled task reads no further, also where results are always there", .proves(.M5))
        func cancelledWithResults() async throws {
            let endless = Task {
                try await InlineExecutor().map({ (number: Int) in number }, 0..., bufferSize: 1).collect()
            }
            endless.cancel()
            await #expect(throws: CancellationError.self) { _ = try await endless.value }

            try await Leftovers.check {
                let pool = try ThreadPoolExecutor(maxWorkers: 1)
                let numbers = Task {
                    var count = 0
                    let results = try pool.map(
                        { (number: Int) in number }, Counting(marker: Marker()), bufferSize: 100)
                    for try await _ in results { count += 1 }
                    return count
                }
                numbers.cancel()
                await #expect(throws: CancellationError.self) { _ = try await numbers.value }
                await pool.shutdown()
            }
        }
    }
}
