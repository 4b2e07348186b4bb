import Futures
import TestFunctions
import TestSupport
import Testing

import struct Synchronization.Atomic

extension ProcessSuites {
    /// How far a map is, with every executor.
    @Suite struct ProgressContract {
        private let codes = [0, 0, 7, 0, 8, 9, 0, 0]

        @Test(
            "what is computed counts, also before it is taken; so do failures; the last value has everything",
            arguments: ExecutorKind.allCases, [1, 3, 8])
        func counts(kind: ExecutorKind, chunkSize: Int) throws {
            try kind.withExecutor { executor in
                let results = try executor.map(refuse, codes, chunkSize: chunkSize)
                let progress = results.progress(every: .milliseconds(1))
                var last: MapProgress?
                for now in try valuesUntilTheEnd(of: progress) {
                    #expect(now.done >= last?.done ?? 0 && now.done <= now.submitted && now.failed <= now.done)
                    #expect(now.total == 8 && now.elapsed >= last?.elapsed ?? .zero && now.retried == 0)
                    last = now
                }
                let end = try #require(last)
                #expect(end.done == 8 && end.failed == 3 && end.submitted == 8 && end.resumed == 0)
                #expect(end.timeLeft == .zero && end.fraction == 1 && end.rate > 0)
                #expect(end.workers.isEmpty == (kind != .processes))
                // Nothing of it was taken.
                let outcomes = results.outcomes
                for code in codes {
                    let outcome = try #require(try outcomes.next())
                    if case .success(let value) = outcome { #expect(value == code) } else { #expect(code != 0) }
                }
                #expect(try outcomes.next() == nil)
            }
        }

        @Test("who asks late learns the same", arguments: ExecutorKind.allCases, [1, 3])
        func late(kind: ExecutorKind, chunkSize: Int) async throws {
            try await kind.withExecutor { executor in
                let results = try executor.mapUnordered(refuse, codes, chunkSize: chunkSize)
                var iterator = results.outcomes.makeAsyncIterator()
                for _ in 0..<4 { _ = try await iterator.next() }
                var last: MapProgress?
                for await now in results.progress(every: .milliseconds(1)).prefix(60_000) { last = now }
                #expect(last?.done == 8 && last?.failed == 3 && last?.submitted == 8 && last?.total == 8)
                while try await iterator.next() != nil {}
                // A second one, after the end.
                var again: [MapProgress] = []
                for await now in results.progress() { again.append(now) }
                #expect(again.map(\.done) == [8] && again.map(\.failed) == [3])
            }
        }

        @Test("of a map that has ended early what was cancelled does not count, whoever asks when")
        func afterAnEarlyEnd() throws {
            let gate = Future<Int>()
            let pool = try ThreadPoolExecutor(maxWorkers: 1)
            let results = try pool.map(
                { (number: Int) throws -> Int in
                    if number < 2 { throw Refused(code: number) }
                    return try gate.result(timeout: .seconds(60))
                }, 0..<100)
            let outcomes = results.outcomes
            #expect(try outcomes.next()?.error is Refused)
            #expect(throws: Refused(code: 1)) { try results.next() }
            let values = try valuesUntilTheEnd(of: results.progress(every: .milliseconds(1)))
            #expect(values.last?.done == 2 && values.last?.failed == 2 && values.last?.submitted == 100)
            #expect(values.last?.fraction != 1)
            try gate.setResult(1)
            pool.shutdown()
        }

        @Test("a map that did not come to the end of its input says so", arguments: [true, false])
        func cutShort(isKnown: Bool) throws {
            let pool = try ThreadPoolExecutor(maxWorkers: 1)
            func map(_ numbers: sending some Sequence<Int>) throws -> MapResults<Int> {
                try pool.map({ (number: Int) in number }, numbers, bufferSize: 4)
            }
            let results = isKnown ? try map(Array(0..<20)) : try map(sequence(first: 0) { $0 + 1 })
            let progress = results.progress(every: .milliseconds(1))
            pool.shutdown()
            let outcomes = results.outcomes
            for _ in 0..<4 { #expect(try outcomes.next()?.error == nil) }
            #expect(try outcomes.next()?.error is ExecutorShutdownError)
            let last = try valuesUntilTheEnd(of: progress).last
            #expect(last?.done == 4 && last?.submitted == 4 && last?.total == (isKnown ? 20 : nil))
            #expect(last?.fraction == (isKnown ? 0.2 : nil))
        }

        // Shown by the thread sanitizer: the empty arrays of all threads are one.
        @Test("several ask late at once, when nothing is on its way")
        func lateAtOnce() async {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<100 {
                            #expect(throws: Never.self) {
                                let results = try InlineExecutor().mapUnordered(increment, [1], bufferSize: 1)
                                #expect(try results.next() == 2)
                                #expect(results.progress().current.done == 1)
                            }
                        }
                    }
                }
            }
        }

        @Test("a slow reader gets the state of now, and no backlog", arguments: ExecutorKind.allCases)
        func latest(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let results = try executor.map(increment, 0..<500)
                let progress = results.progress(every: .milliseconds(1))
                #expect(try results.collect().count == 500)
                // Who waits for results may learn of them a moment before who counts.
                try spin { progress.current.done == 500 }
                let values = try valuesUntilTheEnd(of: progress)
                #expect(values.count <= 2 && values.last?.done == 500)
            }
        }

        @Test(
            "the total is that of a collection, or what was said, or what has been read in the end",
            arguments: ExecutorKind.allCases)
        func totals(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let known = try executor.map(increment, 0..<20, bufferSize: 4)
                #expect(known.progress().current.total == 20)
                let pairs = try executor.map(add, 0..<20, [1, 2, 3], bufferSize: 2)
                #expect(pairs.progress().current.total == 3)
                let unknown = try executor.map(increment, AnySequence(0..<20), bufferSize: 4)
                let progress = unknown.progress()
                #expect(progress.current.total == nil && progress.current.fraction == nil)
                #expect(progress.current.submitted == 4 && progress.current.timeLeft == nil)
                #expect(unknown.progress(total: 30).current.total == 30)
                #expect(try unknown.collect().count == 20)
                #expect(progress.next()?.total == 20)
                for results in [known, pairs] { _ = try results.collect() }
            }
        }

        @Test("it ends when nobody wants the rest, and keeps no map alive", arguments: ExecutorKind.allCases)
        func endsWithTheMap(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let progress: MapProgressUpdates
                do {
                    let results = try executor.map(increment, AnySequence(sequence(first: 0) { $0 + 1 }), bufferSize: 3)
                    progress = results.progress(every: .seconds(30))
                    #expect(try results.next() == 1)
                    #expect(progress.next() != nil)
                }
                // The last value does not wait for its time.
                #expect(progress.next() != nil)
                #expect(progress.next() == nil)

                let failing = try executor.map(refuse, repeatElement(3, count: .max), bufferSize: 3)
                let other = failing.progress(every: .seconds(30))
                #expect(other.next() != nil)
                #expect(throws: Refused.self) { try failing.next() }
                #expect(other.next() != nil && other.next() == nil)
            }
        }

        @Test("while nothing goes on it says so; who watches in a task can be cancelled", arguments: ExecutorKind.pools)
        func held(kind: ExecutorKind) async throws {
            let folder = TemporaryFolder()
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let results = try executor.map(awaitFile, ["/", folder.file("go"), "/"])
                let progress = results.progress(every: .milliseconds(1))
                try await spin { progress.current.done == 1 }
                let seen = Seen()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await now in progress {
                            #expect(now.done == 1 && now.submitted == 3 && now.total == 3)
                            seen.count.add(1, ordering: .relaxed)
                        }
                    }
                    try? await spin { seen.count.load(ordering: .relaxed) >= 3 }
                    group.cancelAll()
                }
                #expect(seen.count.load(ordering: .relaxed) >= 3)
                folder.write("", to: "go")
                #expect(try await results.collect() == [1, 1, 1])
                // Who waits for results may learn of them a moment before who counts.
                try await spin { progress.current.done == 3 }
                #expect(progress.current.timeLeft == .zero)
            }
        }

        @Test("it ends with the iteration, whatever still runs", arguments: ExecutorKind.pools)
        func endsBeforeTheCalls(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                defer { folder.write("", to: "go") }
                let results = try executor.map(
                    meet, [folder.file("runs")], [folder.file("go")], timeout: .milliseconds(20))
                let progress = results.progress(every: .milliseconds(1))
                _ = try folder.waitForProcess("runs")
                #expect(throws: TimeoutError.self) { try results.next() }
                #expect(try valuesUntilTheEnd(of: progress).last?.done == 0)
            }
        }

        @Test("cancelled elements are not done", arguments: ExecutorKind.pools)
        func cancelled(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                let own = Array(repeating: folder.file("runs"), count: 10)
                let results = try executor.map(meet, own, Array(repeating: folder.file("go"), count: 10))
                let progress = results.progress(every: .milliseconds(1))
                _ = try folder.waitForProcess("runs")
                executor.shutdown(wait: false, cancelFutures: true)
                folder.write("", to: "go")
                let last = try valuesUntilTheEnd(of: progress).last
                #expect(last?.done == 1 && last?.failed == 0 && last?.submitted == 10)
                withExtendedLifetime(results) {}
            }
        }
    }
}

/// All values; for a minute at most, since a progress that does not end must not stop the tests.
func valuesUntilTheEnd(of progress: MapProgressUpdates) throws -> [MapProgress] {
    var values: [MapProgress] = []
    try spin {
        guard let next = progress.next() else { return true }
        values.append(next)
        return false
    }
    return values
}

/// How many values were seen.
private final class Seen: Sendable { let count = Atomic<Int>(0) }
