import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Workers that speak the wire and mean harm: nothing that they say may trap, or leave a future without an end.
    @Suite struct HostileWorkerTests {
        private func makePool(
            _ manner: String, folder: TemporaryFolder? = nil, maxWorkers: Int = 1,
            options: ProcessPoolOptions = ProcessPoolOptions()
        ) throws -> ProcessPoolExecutor {
            var worker = BuildProducts.testWorker
            worker.arguments = ["hostile", manner]
            if let folder { worker.arguments.append(folder.path) }
            return try ProcessPoolExecutor(testRegistry, maxWorkers: maxWorkers, worker: worker, options: options)
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

        @Test("what a worker says of the size of something that is not compressed means nothing")
        func claimsSizes() throws {
            try Leftovers.check {
                let pool = try makePool("claims sizes")
                for bufferSize in [1 << 10, 1 << 20] {
                    let results = try pool.map(
                        increment, [42, 42, 42, 42], chunkSize: 4, bufferSize: .bytes(bufferSize))
                    let all = try outcomes(results)
                    for outcome in all.prefix(3) { #expect(try outcome.get() == 43) }
                    #expect(throws: RemoteError.self) { try all[3].get() }
                }
                pool.shutdown()
            }
        }

        @Test("elements that are left in more places than a worker takes a message for fail, and the others do not")
        func manyPlaces() throws {
            try Leftovers.check {
                let policy = WorkerLossPolicy.retry(RetryPolicy(errors: 1, backoff: .none))
                let pool = try makePool("small messages", options: ProcessPoolOptions(onWorkerLoss: policy))
                let all = try outcomes(pool.map(increment, Array(repeating: 42, count: 400), chunkSize: 400))
                for (index, outcome) in all.enumerated() {
                    if index % 2 == 0 {
                        #expect(try outcome.get() == 43)
                    } else {
                        let error = #expect(throws: TransportError.self) { try outcome.get() }
                        #expect(error.map { "\($0)".contains("is in 200 places") } == true)
                    }
                }
                // Few enough are run again.
                let few = try outcomes(pool.map(increment, Array(repeating: 42, count: 40), chunkSize: 40))
                for outcome in few { #expect(try outcome.get() == 43) }
                pool.shutdown()
            }
        }

        @Test(
            "a worker that says more than can be read keeps nobody else waiting, and takes no memory",
            arguments: ["says the same without end", "asks and does not listen"])
        func floods(manner: String) throws {
            try Leftovers.check {
                func memory() throws -> Int { try #require(ProcessMemory(of: getpid())).own }
                let pool = try makePool(manner, options: ProcessPoolOptions(hardTimeout: .seconds(1)))
                let before = try memory()
                let future = try pool.submit(increment, 42)
                var most = before
                try spin {
                    most = max(most, (try? memory()) ?? 0)
                    return future.isDone
                }
                #expect(throws: TaskTimeoutError.self) { try future.result(timeout: longTime) }
                #expect(most - before < 64 << 20, "\(most - before) bytes")
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

        @Test("a running call that a worker gives back without being asked stays running", .proves(.F2))
        func givesBackUnasked() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let looked = try makePool("gives back unasked", folder: folder)
                let running = try looked.submit(increment, 42)
                // The pool has read that the call was given back, and done what it does about that.
                try folder.waitFor("given back")
                #expect(running.isRunning && !running.cancel())
                // A pending one would have been sent again.
                #expect(access(folder.file("again"), F_OK) != 0)
                folder.write("", to: "go")
                #expect(try running.result(timeout: longTime) == 43)
                looked.shutdown()
                // Without anybody looking, many in a row.
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
