import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

/// Suites that look for leftovers, or start many processes, run one test at a time.
@Suite(.serialized) struct ProcessSuites {}

/// A pool of the tests' callables.
func makePool(
    maxWorkers: Int = 2, maxTasksPerChild: Int? = nil, initializer: WorkerInitializer? = nil,
    onWorkerLoss: WorkerLossPolicy = .breakPool
) throws -> ProcessPoolExecutor {
    try ProcessPoolExecutor(
        testRegistry, maxWorkers: maxWorkers, worker: BuildProducts.testWorker, maxTasksPerChild: maxTasksPerChild,
        initializer: initializer, options: ProcessPoolOptions(onWorkerLoss: onWorkerLoss))
}

/// Longer than anything here takes on a loaded machine; a test that gets there has failed.
let longTime = Duration.seconds(60)

extension ProcessSuites {
    @Suite struct ProcessPoolTests {
        @Test("a call's value comes back, sync and async bodies alike", .proves(.S1, .F6))
        func returnsValues() throws {
            try Leftovers.check {
                let pool = try makePool()
                #expect(try pool.submit(add, 2, 3).result(timeout: longTime) == 5)
                #expect(try pool.submit(addLater, 20, 30).result(timeout: longTime) == 50)
                #expect(try pool.submit(greet, nil).result(timeout: longTime) == "hello, nobody")
                try pool.submit(nothing).result(timeout: longTime)
                pool.shutdown()
            }
        }

        @Test("the scope waits for what was submitted, and leaves nothing", .proves(.H5))
        func scope() async throws {
            try await Leftovers.check {
                let futures = try await withProcessPool(
                    testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker
                ) { pool in
                    try (0..<100).map { try pool.submit(increment, $0) }
                }
                #expect(futures.allSatisfy { $0.isDone })
                #expect(try await futures[99].value == 100)
            }
        }

        @Test("the scope of a body that throws cancels what has not begun", .proves(.H5))
        func throwingScope() async throws {
            let folder = TemporaryFolder()
            let future = Future<Future<Int>>()
            await #expect(throws: Refused(code: 7)) {
                try await withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) { pool in
                    let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                    future.fulfil(try pool.submit(add, 1, 2))
                    try folder.waitFor("runs")
                    #expect(running.isRunning)
                    folder.write("", to: "go")
                    throw Refused(code: 7)
                }
            }
            let last = try await future.value
            #expect(last.isDone)
        }

        @Test(
            "a scope whose body throws, or is cancelled, cancels what has not begun, and what runs completes",
            .proves(.H5, .F16), arguments: [true, false])
        func failingScope(throwing: Bool) async throws {
            try await Leftovers.check {
                let threads = TestThreads()
                let futures = Mutex<[Future<Int>]>([])
                let task = Task {
                    try await withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) { pool in
                        let held = try HeldWorker(pool)
                        let waiting = try pool.submit(increment, 1)
                        futures.withLock { $0 = [held.future, waiting] }
                        // The worker comes to the waiting call only if nobody has cancelled that for a minute.
                        threads.start {
                            _ = wait([waiting], timeout: longTime)
                            held.letGo()
                        }
                        if throwing { throw Refused(code: 1) }
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
                let result = await task.result
                threads.join()
                if throwing {
                    #expect(throws: Refused(code: 1)) { try result.get() }
                } else {
                    try result.get()
                }
                let all = futures.withLock { $0 }
                try #require(all.count == 2)
                #expect(try await all[0].value == 1)
                #expect(all[1].isCancelled)
            }
        }

        @Test(
            "an error of a named type arrives as itself, any other is told in words; the worker lives on",
            .proves(.F10, .P6))
        func errors() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let before = try pool.submit(processID).result(timeout: longTime)
                #expect(throws: Refused(code: 3)) { try pool.submit(refuse, 3).result(timeout: longTime) }
                do {
                    _ = try pool.submit(refusePrivately).result(timeout: longTime)
                    Issue.record("it did not throw")
                } catch let error as RemoteError {
                    #expect(error.typeName == "TestFunctions.Private")
                    #expect("\(error)" == "\"refuse_privately\" threw TestFunctions.Private: a private matter")
                    #expect(error.pid == before)
                }
                #expect(try pool.submit(processID).result(timeout: longTime) == before)
                pool.shutdown()
            }
        }

        @Test("what cannot cross fails that call alone, and says where", .proves(.S4))
        func transportErrors() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                func failure(_ future: Future<Fragile>) throws -> String {
                    let error = try #require(try future.exception(timeout: longTime))
                    return "\(error)"
                }
                #expect(
                    try failure(pool.submit(echoFragile, Fragile(.encoding)))
                        == "the arguments of \"echo_fragile\" could not be encoded: this Fragile does not encode")
                #expect(
                    try failure(pool.submit(echoFragile, Fragile(.decoding)))
                        == """
                        the arguments of "echo_fragile" could not be decoded in the worker: this Fragile does not decode
                        """)
                #expect(
                    try failure(pool.submit(makeFragile, "encoding"))
                        == """
                        the result of "make_fragile" could not be encoded in the worker: this Fragile does not encode
                        """)
                #expect(
                    try failure(pool.submit(makeFragile, "decoding"))
                        == "the result of \"make_fragile\" could not be decoded: this Fragile does not decode")
                #expect(try pool.submit(echoFragile, Fragile(.none)).result(timeout: longTime) == Fragile(.none))
                pool.shutdown()
            }
        }

        @Test("large arguments and results go there and back", arguments: [1, 65_536, 3 << 20, 40 << 20])
        func largePayloads(count: Int) throws {
            let pool = try makePool(maxWorkers: 1)
            var bytes = [UInt8](repeating: 0xA5, count: count)
            for index in stride(from: 0, to: count, by: 4_093) {
                bytes[index] = UInt8(truncatingIfNeeded: index / 4_093)
            }
            #expect(try pool.submit(echoBytes, bytes).result(timeout: longTime) == bytes)
            pool.shutdown()
        }

        @Test("many calls in flight, each gets its own answer", .proves(.S1))
        func manyCalls() throws {
            try Leftovers.check {
                let pool = try makePool()
                let futures = try (0..<20_000).map { try pool.submit(increment, $0) }
                for (index, future) in futures.enumerated() {
                    #expect(try future.result(timeout: longTime) == index + 1)
                }
                pool.shutdown()
            }
        }

        @Test("callbacks run once each, in order; they may submit and shut down", .proves(.C1, .C2, .C3))
        func callbacks() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let second = Future<Future<Int>>()
                let first = try pool.submit(add, 1, 1)
                first.addDoneCallback { _ in
                    second.fulfil(try! pool.submit(add, 2, 2))
                    pool.shutdown()
                }
                #expect(try second.result(timeout: longTime).result(timeout: longTime) == 4)
                pool.shutdown()
                #expect(throws: ExecutorShutdownError.self) { try pool.submit(add, 1, 1) }
            }
        }

        @Test("a short call's result arrives although the call after it, sent ahead with it, takes long")
        func tellsWhatIsFinished() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                for round in 0..<20 {
                    // Short ones first, so that the pool sends ahead; then all that follows lies behind a blocked one.
                    for future in try (0..<40).map({ try pool.submit(increment, $0) }) {
                        _ = try future.result(timeout: longTime)
                    }
                    let first = try pool.submit(meet, folder.file("runs\(round)"), folder.file("go\(round)"))
                    let short = try pool.submit(nothing)
                    let long = try pool.submit(awaitFile, folder.file("end\(round)"))
                    try folder.waitFor("runs\(round)")
                    folder.write("", to: "go\(round)")
                    try short.result(timeout: longTime)
                    #expect(!long.isDone)
                    folder.write("", to: "end\(round)")
                    #expect(try first.result(timeout: longTime) + long.result(timeout: longTime) == 2)
                }
                pool.shutdown()
            }
        }

        @Test("sequential work uses one worker, two tasks at a time two", .proves(.P1))
        func usesFewWorkers() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2)
                let ids = try (0..<20).map { _ in try pool.submit(processID).result(timeout: longTime) }
                #expect(Set(ids).count == 1)
                // They wait for each other: one worker alone would never finish.
                let a = try pool.submit(meet, folder.file("a"), folder.file("b"))
                let b = try pool.submit(meet, folder.file("b"), folder.file("a"))
                #expect(try a.result(timeout: longTime) + b.result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("a worker runs maxTasksPerChild tasks, and no more", .proves(.P3))
        func recycles() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: 3)
                let ids = try (0..<9).map { _ in try pool.submit(processID) }.map { try $0.result(timeout: longTime) }
                let counts = Dictionary(grouping: ids, by: { $0 }).mapValues(\.count)
                #expect(counts.count == 3 && counts.values.allSatisfy { $0 == 3 }, "\(counts)")
                pool.shutdown()
            }
        }

        @Test("the initializer runs in each worker before its first task, replacements too", .proves(.P2))
        func initializes() throws {
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 2, maxTasksPerChild: 1, initializer: try WorkerInitializer(setMark, 77))
                let marks = try (0..<6).map { _ in try pool.submit(mark) }.map { try $0.result(timeout: longTime) }
                #expect(marks == Array(repeating: 77, count: 6))
                pool.shutdown()
            }
        }

        @Test("an initializer that throws breaks the pool with its own error", .proves(.P2))
        func initializerFails() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2, initializer: try WorkerInitializer(failToSetUp, 5))
                let future = try pool.submit(add, 1, 2)
                let error = try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
                #expect(error.cause as? Refused == Refused(code: 5))
                #expect("\(error)".contains("the initializer \"fail_to_set_up\" failed in a worker"))
                #expect(throws: BrokenProcessPool.self) { try pool.submit(add, 1, 2) }
                pool.shutdown()
            }
        }

        @Test("cancel takes back what has not begun, and not what runs", .proves(.F3, .F5))
        func cancels() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                let waiting = try (0..<5).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                #expect(running.isRunning && !running.cancel())
                #expect(waiting[2].cancel() && waiting[2].isCancelled && waiting[2].cancel())
                #expect(throws: CancelledError.self) { try waiting[2].result(timeout: longTime) }
                folder.write("", to: "go")
                #expect(try running.result(timeout: longTime) == 1)
                #expect(try [0, 1, 3, 4].map { try waiting[$0].result(timeout: longTime) } == [1, 2, 4, 5])
                pool.shutdown()
            }
        }

        @Test("a task that was sent ahead of a long one is taken back, and run elsewhere or cancelled", .proves(.F5))
        func takesBackFromTheWorker() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                // Short ones first, so that the pool sends ahead.
                for _ in 0..<50 { _ = try pool.submit(increment, 1).result(timeout: longTime) }
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                let ahead = try (0..<4).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                // The worker's word may come too late for one try, where others keep the processors.
                try spin { ahead[0].cancel() }
                #expect(ahead[0].isCancelled && !ahead[1].isDone)
                folder.write("", to: "go")
                #expect(try running.result(timeout: longTime) == 1)
                #expect(try ahead[1].result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("shutdown without waiting lets submitted work complete", .proves(.H2))
        func shutsDownWithoutWaiting() throws {
            try Leftovers.check {
                let pool = try makePool()
                let futures = try (0..<200).map { try pool.submit(increment, $0) }
                pool.shutdown(wait: false)
                #expect(throws: ExecutorShutdownError.self) { try pool.submit(add, 1, 2) }
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1...200))
                pool.shutdown()
            }
        }

        @Test("shutdown with cancelFutures cancels what has not begun", .proves(.H3))
        func cancelsAtShutdown() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                let waiting = try (0..<50).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                pool.shutdown(wait: false, cancelFutures: true)
                folder.write("", to: "go")
                pool.shutdown()
                #expect(try running.result(timeout: longTime) == 1)
                #expect(waiting.allSatisfy { $0.isCancelled })
            }
        }

        @Test("shutdown of a pool that never started a worker, several times", .proves(.H1))
        func shutsDownUnused() throws {
            try Leftovers.check {
                let pool = try makePool()
                pool.shutdown()
                pool.shutdown(wait: true, cancelFutures: true)
                #expect(throws: ExecutorShutdownError.self) { try pool.submit(add, 1, 2) }
            }
        }

        @Test("a pool that is dropped finishes its work and frees everything", .proves(.H4))
        func dropped() throws {
            try Leftovers.check(eventually: true) {
                var pool: ProcessPoolExecutor? = try makePool()
                let futures = try (0..<100).map { try pool!.submit(increment, $0) }
                pool = nil
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1...100))
            }
        }

        @Test("the workers get the three standard descriptors and the wire, and no setting of the pool")
        func workersAreClean() throws {
            let inherited = open("/dev/null", O_RDONLY)
            defer { close(inherited) }
            let pool = try makePool(maxWorkers: 1)
            #expect(try pool.submit(openDescriptors).result(timeout: longTime) == [0, 1, 2, 3, 4])
            #expect(
                try !pool.submit(environmentNames).result(timeout: longTime).contains("FUTURES_WORKER"))
            pool.shutdown()
        }
    }
}
