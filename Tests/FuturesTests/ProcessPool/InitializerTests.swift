import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// What each worker runs before its first task.
    @Suite struct InitializerTests {
        @Test("its arguments arrive, of whatever types, and it may be async", .proves(.P2))
        func arguments() throws {
            let folder = TemporaryFolder()
            let shape = Shape.group(name: nil, [.point, .circle(radius: 1.5)])
            try Leftovers.check {
                let pool = try makePool(
                    initializer: WorkerInitializer(noteStart, folder.file("starts"), ["a", "", "ü"], nil, shape))
                #expect(try pool.submit(notes).result(timeout: longTime) == ["a", "", "ü", "-1", "\(shape)"])
                pool.shutdown()
                let asynchronous = try makePool(initializer: WorkerInitializer(addLater, 1, 2))
                #expect(try asynchronous.submit(increment, 1).result(timeout: longTime) == 2)
                asynchronous.shutdown()
            }
        }

        @Test(
            "it runs once in each worker, replacements too, however many tasks they have", .proves(.P2, .P3),
            arguments: [nil, 3])
        func onceEach(maxTasksPerChild: Int?) throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 2, maxTasksPerChild: maxTasksPerChild,
                    initializer: WorkerInitializer(noteStart, folder.file("starts"), [], 1, .point))
                let workers = try (0..<30).map { _ in try pool.submit(processID) }
                    .map { try $0.result(timeout: longTime) }
                pool.shutdown()
                let starts = try folder.lines(of: "starts").compactMap { Int($0) }
                #expect(Set(starts).count == starts.count)
                #expect(Set(starts).isSuperset(of: workers))
                #expect(Set(workers).count >= (maxTasksPerChild == nil ? 1 : 10))
            }
        }

        @Test("its result is dropped, also one that does not travel", .proves(.P2))
        func fragileResult() throws {
            try Leftovers.check {
                let pool = try makePool(initializer: WorkerInitializer(makeFragile, "encoding"))
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                pool.shutdown()
            }
        }

        @Test("one that takes too long is told as that", .proves(.P2))
        func tooLong() throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    initializer: WorkerInitializer(incrementSlowly, 1, 3_600_000_000),
                    options: ProcessPoolOptions(startTimeout: .seconds(2)))
                let error = try pool.submit(increment, 1).exception(timeout: longTime) as? BrokenProcessPool
                let cause = try #require(error?.cause as? WorkerStartError)
                #expect("\(cause)".hasSuffix("was not done with the pool's initializer within 2.0 seconds"), "\(cause)")
                pool.shutdown()
            }
        }

        @Test("one that takes more memory than a worker may have is told as that", .proves(.P2))
        func tooMuchMemory() throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    initializer: WorkerInitializer(growAndWait, folder.file("runs"), 200 << 20),
                    options: ProcessPoolOptions(workerLimits: WorkerLimits(residentMemory: 100 << 20)))
                let error = try pool.submit(increment, 1).exception(timeout: longTime) as? BrokenProcessPool
                let cause = try #require(error?.cause as? WorkerStartError)
                guard case .tooMuchMemory(let bytes) = cause.reason else { throw cause }
                #expect(bytes > 100 << 20)
                #expect(
                    "\(cause)".hasSuffix("more than workerLimits.residentMemory, so the pool killed it"), "\(cause)")
                // Another try would take as much.
                #expect(try folder.lines(of: "runs").count == 1)
                pool.shutdown()
            }
        }

        @Test("a worker that is not needed any more when its initializer ends, ends as any other", .proves(.P2))
        func drainedMeanwhile() throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 2, initializer: WorkerInitializer(prepareSlowly, folder.path))
                let futures = try (0..<2).map { try pool.submit(increment, $0) }
                try spin { ProcFiles.entries(of: folder.path).count == 2 }
                for future in futures { #expect(future.cancel()) }
                pool.shutdown(wait: false)
                folder.write("", to: "go")
                pool.shutdown()
            }
            let exits = try folder.lines(of: "exits")
            #expect(exits.count == 2, "\(exits)")
        }

        @Test(
            "one that fails in a replacement only breaks the pool then; what was done before stays", .proves(.P2, .P3))
        func failsInReplacement() throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 1, maxTasksPerChild: 2,
                    initializer: WorkerInitializer(beFirst, folder.file("first"), 7))
                #expect(try pool.submit(increment, 1).result(timeout: longTime) == 2)
                #expect(try pool.submit(increment, 2).result(timeout: longTime) == 3)
                let futures = (0..<3).compactMap { try? pool.submit(increment, $0) }
                try #require(!futures.isEmpty)
                for future in futures {
                    let error = try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
                    #expect(error.cause as? Refused == Refused(code: 7))
                    #expect(error.reason == "the initializer \"be_first\" failed in a worker")
                }
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test(
            "one that ends its process breaks the pool, and is named", .proves(.P2, .P4), arguments: ["exit", "signal"])
        func endsProcess(how: String) throws {
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 2,
                    initializer: how == "exit"
                        ? WorkerInitializer(leave, 5) : WorkerInitializer(raiseSignal, Int(SIGKILL)))
                let futures = (0..<5).compactMap { try? pool.submit(increment, $0) }
                for future in futures {
                    let error = try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
                    let text = "\(error)"
                    #expect(text.contains("no worker could be started"), "\(text)")
                    #expect(text.contains(how == "exit" ? "exited with code 5" : "SIGKILL"), "\(text)")
                    #expect(text.contains("initializer"), "\(text)")
                }
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test("one that is not in the registry, or whose arguments do not encode, is an error at once", .proves(.S3))
        func refused() throws {
            let other = Callable("no_such") { (number: Int) -> Int in number }
            #expect(throws: CallableError.self) { try makePool(initializer: WorkerInitializer(other, 1)) }
            let error = #expect(throws: TransportError.self) {
                try WorkerInitializer(echoFragile, Fragile(.encoding))
            }
            #expect(error.map { "\($0)" }?.contains("\"echo_fragile\" could not be encoded") == true)
        }

        enum Meanwhile: String, CaseIterable { case nothing, cancel, shutdown, cancelling, kill }

        @Test(
            "calls wait while it runs: they can be cancelled, and the pool ended", .proves(.P2, .F3, .H2, .H3, .H7),
            arguments: Meanwhile.allCases)
        func meanwhile(event: Meanwhile) throws {
            let folder = TemporaryFolder()
            try Leftovers.check {
                let pool = try makePool(
                    maxWorkers: 1, initializer: WorkerInitializer(meet, folder.file("runs"), folder.file("go")))
                let futures = try (0..<3).map { try pool.submit(increment, $0) }
                try folder.waitFor("runs")
                #expect(futures.allSatisfy { $0.state == .pending })
                switch event {
                case .nothing: break
                case .cancel: #expect(futures[1].cancel())
                case .shutdown: pool.shutdown(wait: false)
                case .cancelling: pool.shutdown(wait: false, cancelFutures: true)
                case .kill: pool.killWorkers()
                }
                folder.write("", to: "go")
                let (_, notDone) = wait(futures, timeout: longTime)
                #expect(notDone.isEmpty)
                let cancelled = futures.map { $0.isCancelled }
                switch event {
                case .nothing, .shutdown: #expect(cancelled == [false, false, false])
                case .cancel: #expect(cancelled == [false, true, false])
                case .cancelling, .kill: #expect(cancelled == [true, true, true])
                }
                for (number, future) in futures.enumerated() where !future.isCancelled {
                    #expect(try future.result() == number + 1)
                }
                pool.shutdown()
            }
        }
    }
}
