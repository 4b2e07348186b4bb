import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Workers that speak the wire and mean harm: nothing that they say may trap, or leave a future without an end.
    @Suite struct HostileWorkerTests {
        private func makePool(_ manner: String, maxWorkers: Int = 1) throws -> ProcessPoolExecutor {
            var worker = BuildProducts.testWorker
            worker.arguments = ["hostile", manner]
            return try ProcessPoolExecutor(testRegistry, maxWorkers: maxWorkers, worker: worker)
        }

        @Test(
            "answers to tasks that it does not have are dropped, and run times and limits at their extremes are taken",
            arguments: ["extreme numbers", "huge limits", "no such probe", "room for nothing", "plain"])
        func harmless(manner: String) throws {
            try Leftovers.check {
                let pool = try makePool(manner)
                for _ in 0..<20 { #expect(try pool.submit(increment, 42).result(timeout: longTime) == 43) }
                let futures = try (0..<200).map { _ in try pool.submit(increment, 42) }
                for future in futures { #expect(try future.result(timeout: longTime) == 43) }
                #expect(try pool.map(increment, [42, 42, 42], chunkSize: 2).collect() == [43, 43, 43])
                pool.shutdown()
            }
        }

        @Test("a worker that accepts nothing fails each call, and says how large it was", .proves(.S4))
        func acceptsNothing() throws {
            try Leftovers.check {
                let pool = try makePool("no limits")
                for _ in 0..<3 {
                    let error = try #require(try pool.submit(increment, 42).exception(timeout: longTime))
                    #expect("\(error)".contains("accepts at most 1"), "\(error)")
                }
                pool.shutdown()
            }
        }

        @Test("a running call that a worker gives back without being asked does not become pending again", .proves(.F2))
        func givesBackUnasked() throws {
            try Leftovers.check {
                let pool = try makePool("gives back unasked")
                let futures = try (0..<50).map { _ in try pool.submit(increment, 42) }
                for future in futures { #expect(try future.result(timeout: longTime) == 43) }
                pool.shutdown()
            }
        }

        @Test("an answer of the wrong kind or size fails its call", arguments: ["the wrong kind", "wrong counts"])
        func wrongKind(manner: String) throws {
            try Leftovers.check {
                let pool = try makePool(manner)
                if manner == "the wrong kind" {
                    let single = try #require(try pool.submit(increment, 42).exception(timeout: longTime))
                    #expect(single is TransportError, "\(single)")
                }
                for outcome in try Array(outcomes(pool.map(increment, [1, 2, 3], chunkSize: 3))) {
                    #expect(throws: TransportError.self) { try outcome.get() }
                }
                pool.shutdown()
            }
        }

        private func outcomes(_ results: MapResults<Int>) throws -> [Result<Int, any Error>] {
            var all: [Result<Int, any Error>] = []
            let outcomes = results.outcomes
            while let outcome = try outcomes.next() { all.append(outcome) }
            return all
        }

        @Test(
            "a payload that is not where the worker says, or that it lends without being asked, breaks the rules",
            arguments: [
                ("lends nothing", "its memory cannot be reached where it said: Bad address"),
                ("lends what it takes back", "its memory cannot be reached where it said: Bad address"),
                ("lends unasked", "it detached a payload before the last one was taken"),
            ])
        func lendsBadly(manner: String, words: String) throws {
            try Leftovers.check {
                let pool = try makePool(manner)
                let error = try #require(
                    try pool.submit(increment, 42).exception(timeout: longTime) as? BrokenProcessPool)
                #expect("\(error)".contains(words), "\(error)")
                pool.shutdown()
            }
        }

        @Test("an initializer's answer from a worker that was sent none breaks the pool")
        func initializesUnasked() throws {
            try Leftovers.check {
                let pool = try makePool("initializes unasked")
                let error = try #require(try pool.submit(increment, 42).exception(timeout: longTime))
                #expect("\(error)".contains("it answered an initializer that it was not sent"), "\(error)")
                pool.shutdown()
            }
        }

        @Test("whatever a worker says in whatever order, every call ends", arguments: 0..<12)
        func anything(round: Int) throws {
            try Leftovers.check {
                let pool = try makePool("anything", maxWorkers: 2)
                var futures: [AnyFuture] = []
                for index in 0..<200 {
                    // A pool that broke meanwhile takes no more.
                    guard let future = try? pool.submit(increment, index) else { break }
                    futures.append(future)
                    if index % 7 == 0 { future.cancel() }
                }
                // A call that was given back and run again may still be with a worker: it is answered, or the worker ends.
                for future in futures { _ = try? future.exception(timeout: longTime) }
                #expect(futures.allSatisfy { $0.isDone })
                pool.shutdown()
            }
        }
    }
}
