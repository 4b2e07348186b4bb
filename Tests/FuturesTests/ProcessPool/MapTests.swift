import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct ProcessPoolMapTests {
        @Test(
            "results in the order of the elements, whatever the chunk size", .proves(.M1),
            arguments: [1, 2, 7, 100, 1000])
        func order(chunkSize: Int) throws {
            try Leftovers.check {
                let pool = try makePool()
                let results = try pool.map(increment, 0..<500, chunkSize: chunkSize).collect()
                #expect(results == Array(1...500))
                pool.shutdown()
            }
        }

        @Test("several sequences side by side, to the shortest", .proves(.M1))
        func severalSequences() async throws {
            try await Leftovers.check {
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    var sums: [Int] = []
                    for try await sum in try pool.map(add, 1...10, [10, 20, 30, 40], chunkSize: 3) { sums.append(sum) }
                    #expect(sums == [11, 22, 33, 44])
                    let none = try await pool.map(add, [Int](), 1...10, chunkSize: 3).collect()
                    #expect(none == [])
                }
            }
        }

        @Test(
            "a failing element throws at its position; outcomes goes on, and keeps the rest of the chunk", .proves(.M4))
        func failures() throws {
            try Leftovers.check {
                let pool = try makePool()
                let results = try pool.map(refuse, [0, 0, 5, 0, 0], chunkSize: 4)
                #expect(try results.next() == 0)
                #expect(try results.next() == 0)
                #expect(throws: Refused(code: 5)) { try results.next() }
                #expect(try results.next() == nil)
                let outcomes = try pool.map(refuse, [0, 6, 0, 7], chunkSize: 3).outcomes
                var seen: [String] = []
                while let outcome = try outcomes.next() { seen.append("\(outcome)") }
                #expect(
                    seen == [
                        "success(0)", "failure(TestFunctions.Refused(code: 6))", "success(0)",
                        "failure(TestFunctions.Refused(code: 7))",
                    ])
                pool.shutdown()
            }
        }

        @Test("an element that does not encode fails alone, in its chunk too", .proves(.S4, .M4))
        func fragileElements() throws {
            try Leftovers.check {
                let pool = try makePool()
                let values = [Fragile(.none), Fragile(.encoding), Fragile(.none)]
                let outcomes = try pool.map(echoFragile, values, chunkSize: 3).outcomes
                #expect(try outcomes.next()?.get() == Fragile(.none))
                #expect(throws: TransportError.self) { try outcomes.next()?.get() }
                #expect(try outcomes.next()?.get() == Fragile(.none))
                #expect(try outcomes.next() == nil)
                let made = try pool.map(makeFragile, ["none", "encoding", "none"], chunkSize: 3).outcomes
                #expect(try made.next()?.get() == Fragile(.none))
                #expect(throws: TransportError.self) { try made.next()?.get() }
                #expect(try made.next()?.get() == Fragile(.none))
                pool.shutdown()
            }
        }

        @Test("an element that does not decode fails alone, in its chunk too, at both ends", .proves(.S4, .M4))
        func elementsThatDoNotDecode() throws {
            try Leftovers.check {
                let pool = try makePool()
                /// What became of the elements: a dot, or where the transport failed.
                func outcomes(_ outcomes: MapOutcomes<Fragile>) throws -> String {
                    var seen = ""
                    while let outcome = try outcomes.next() {
                        switch outcome {
                        case .success(let value):
                            #expect(value == Fragile(.none))
                            seen += "."
                        case .failure(let error as TransportError):
                            #expect("\(error)".contains("this Fragile does not decode"), "\(error)")
                            seen += error.place == .decodingArguments ? "A" : "R"
                        case .failure(let error): seen += "\(error)"
                        }
                    }
                    return seen
                }
                func fragile(_ faults: String) -> [Fragile] { faults.map { Fragile($0 == "." ? .none : .decoding) } }
                func names(_ faults: String) -> [String] { faults.map { $0 == "." ? "none" : "decoding" } }
                for faults in [".A.", "A..", "..AA", "AAA", ".A.A..A"] {
                    let results = try pool.map(echoFragile, fragile(faults), chunkSize: 100).outcomes
                    #expect(try outcomes(results) == faults)
                    let times = repeatElement(0, count: faults.count)
                    let others = try pool.map(echoFragileLater, fragile(faults), times, chunkSize: 100).outcomes
                    #expect(try outcomes(others) == faults)
                }
                for faults in [".R.", "R..", "..RR", "RRR", ".R.R..R"] {
                    let results = try pool.map(makeFragile, names(faults), chunkSize: 100).outcomes
                    #expect(try outcomes(results) == faults)
                }
                // Beside others, and told by and by, between two of each other.
                let all = (0..<300).map { ["none", "decoding", "none", "encoding"][$0 % 4] }
                let results = try pool.map(makeFragileLater, all, chunkSize: 300).outcomes
                var count = 0
                while let outcome = try results.next() {
                    let place = (outcome.error as? TransportError)?.place
                    #expect(place == [nil, .decodingResult, nil, .encodingResult][count % 4], "element \(count)")
                    count += 1
                }
                #expect(count == 300)
                pool.shutdown()
            }
        }

        /// Notes how many elements the messages had.
        private final class ChunkSizes: PoolObserver {
            let sizes = Mutex<[Int]>([])

            func callEnded(_ call: ObservedCall) { sizes.withLock { $0.append(call.elements) } }
            func workerEnded(_ worker: ObservedWorker, at time: Int64) {}
        }

        @Test("automatic chunks have many short elements, and few long ones", .proves(.M7), arguments: [0, 4_000])
        func automaticChunks(microseconds: Int) throws {
            try Leftovers.check {
                let seen = ChunkSizes()
                var options = ProcessPoolOptions()
                options.observer = seen
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker, options: options)
                let count = microseconds == 0 ? 20_000 : 60
                let times = repeatElement(microseconds, count: count)
                #expect(try pool.map(keepBusy, times, chunkSize: .automatic).collect() == Array(times))
                pool.shutdown()
                let sizes = seen.sizes.withLock { $0 }
                #expect(sizes.reduce(0, +) == count)
                // Each call apart would be 20,000 messages; 5 ms of such elements are one or two.
                if microseconds == 0 { #expect(sizes.count < 2_000) } else { #expect(sizes.max()! <= 3) }
            }
        }

        @Test("what does not decode at all is said in full, however many elements a chunk has", .proves(.S4, .M4))
        func nothingDecodes() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                // A message of so many errors has no room for their texts.
                let count = 300_000
                let arguments = try pool.map(
                    echoFragile, repeatElement(Fragile(.decoding), count: count), chunkSize: count
                ).outcomes
                let results = try pool.map(
                    makeFragile, repeatElement("decoding", count: 1_000), chunkSize: 1_000
                ).outcomes
                for (outcomes, place) in [
                    (arguments, TransportError.Place.decodingArguments), (results, .decodingResult),
                ] {
                    for _ in 0..<1_000 {
                        let error = try outcomes.next()?.error as? TransportError
                        guard error?.place == place, "\(error!)".hasSuffix("this Fragile does not decode") else {
                            Issue.record("\(String(describing: error))")
                            break
                        }
                    }
                }
                pool.shutdown()
            }
        }

        @Test("elements that fail beside one that does not decode take no longer than without it", .proves(.M4))
        func failingBesideUndecoded() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let values = Array(repeating: Fragile(.none), count: 30_000) + [Fragile(.decoding)]
                let begin = ContinuousClock.now
                let outcomes = try pool.map(refuseFragile, values, chunkSize: values.count).outcomes
                for _ in 0..<30_000 { #expect(try outcomes.next()?.error is RemoteError) }
                #expect((try outcomes.next()?.error as? TransportError)?.place == .decodingArguments)
                // Looking for the last one from each of the others takes minutes.
                #expect(ContinuousClock.now - begin < .seconds(30))
                pool.shutdown()
            }
        }

        @Test("an element that does not travel is not run again: only what the function throws is", .proves(.P4))
        func retriesNoTransport() throws {
            try Leftovers.check {
                let asked = Mutex<[String]>([])
                let policy = RetryPolicy(errors: 3, backoff: .none) { error in
                    asked.withLock { $0.append("\(type(of: error))") }
                    return true
                }
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(onWorkerLoss: .retry(policy)))
                for fault in ["encoding", "decoding"] {
                    let outcomes = try pool.map(makeFragile, ["none", fault, "none"], chunkSize: 3).outcomes
                    #expect(try outcomes.next()?.error == nil)
                    #expect(try outcomes.next()?.error is TransportError)
                    #expect(try outcomes.next()?.error == nil)
                }
                let outcomes = try pool.map(echoFragile, [Fragile(.decoding), Fragile(.none)], chunkSize: 2).outcomes
                #expect(try outcomes.next()?.error is TransportError)
                #expect(try outcomes.next()?.error == nil)
                #expect(asked.withLock { $0 } == [])
                pool.shutdown()
            }
        }

        @Test("elements of a chunk that does not encode are submitted once, however little may wait", .proves(.S4, .M4))
        func fragileElementsInAFullBacklog() throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(backlogLimit: BacklogLimit(tasks: 5)))
                let held = try HeldWorker(pool)
                let values = Array(repeating: Fragile(.none), count: 40) + [Fragile(.encoding)]
                let outcomes = try pool.map(
                    echoFragileLater, values, repeatElement(10, count: 41), chunkSize: 41, bufferSize: 100,
                    timeout: longTime
                ).outcomes
                held.letGo()
                for _ in 0..<40 { #expect(try outcomes.next()?.get() == Fragile(.none)) }
                #expect(throws: TransportError.self) { try outcomes.next()?.get() }
                #expect(try outcomes.next() == nil)
                pool.shutdown()
            }
        }

        @Test("the timeout is one budget from the call; the rest is cancelled", .proves(.M3))
        func timeout() async throws {
            try await Leftovers.check {
                let folder = TemporaryFolder()
                try await withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) { pool in
                    let paths = [folder.file("a"), folder.file("b"), folder.file("c")]
                    folder.write("", to: "a")
                    // The worker is there: its start is not what takes the time.
                    _ = try await pool.submit(increment, 1).value
                    let results = try pool.map(awaitFile, paths, timeout: .seconds(1))
                    var iterator = results.makeAsyncIterator()
                    #expect(try await iterator.next() == 1)
                    do {
                        _ = try await iterator.next()
                        Issue.record("it did not time out")
                    } catch let error as TimeoutError {
                        #expect("\(error)".contains("2 of 3 futures were unfinished"), "\(error)")
                    }
                    #expect(try await iterator.next() == nil)
                    folder.write("", to: "b")
                    // It was sent ahead, and runs if the worker's word that it was taken back comes too late.
                    folder.write("", to: "c")
                }
            }
        }

        @Test("cancelling the consuming task cancels what has not begun", .proves(.M5))
        func cancelledConsumer() async throws {
            try await Leftovers.check {
                let folder = TemporaryFolder()
                try await withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) { pool in
                    let own = folder.file("runs")
                    let go = folder.file("go")
                    let consumer = Task {
                        try await pool.map(meet, [own, folder.file("second")], [go, go]).collect()
                    }
                    try folder.waitFor("runs")
                    consumer.cancel()
                    await #expect(throws: CancellationError.self) { try await consumer.value }
                    folder.write("", to: "go")
                }
                #expect(access(folder.file("second"), F_OK) != 0, "the second element ran all the same")
            }
        }

        @Test("a chunk counts once for maxTasksPerChild", .proves(.M7, .P3))
        func chunksCountOnce() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: 1)
                let first = try pool.submit(processID).result(timeout: longTime)
                let second = try pool.submit(processID).result(timeout: longTime)
                #expect(first != second)
                #expect(try pool.map(increment, 0..<10, chunkSize: 5).collect() == Array(1...10))
                pool.shutdown()
            }
        }

        @Test(
            "a worker runs as many chunks as maxTasksPerChild says, however many elements they have",
            .proves(.M7, .P3), arguments: [1, 3])
        func recyclesByChunks(maxTasksPerChild: Int) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: maxTasksPerChild)
                let each = 5 * maxTasksPerChild
                let workers = try pool.map(processOfElement, 0..<2 * each, chunkSize: 5).collect()
                try #require(workers.count == 2 * each)
                #expect(workers.first != workers.last)
                #expect(workers == (0..<2 * each).map { workers[$0 < each ? 0 : each] }, "\(workers)")
                pool.shutdown()
            }
        }

        @Test("a map on a pool whose worker dies fails with the loss, and never hangs")
        func lostWorker() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2)
                // It is not broken before all is submitted.
                let held = (try HeldWorker(pool), try HeldWorker(pool))
                let results = try pool.map(leave, [1, 2, 3], chunkSize: 1)
                held.0.letGo()
                held.1.letGo()
                #expect(throws: BrokenProcessPool.self) { try results.next() }
                #expect(throws: BrokenProcessPool.self) { try pool.map(increment, [1]) }
                pool.shutdown()
            }
        }
    }
}
