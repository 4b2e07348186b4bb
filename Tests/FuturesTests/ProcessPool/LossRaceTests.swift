import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Workers that are lost, or cannot be had, while something else goes on.
    @Suite struct LossRaceTests {
        @Test(
            "the loss of a worker that ran nothing breaks the pool, too: what runs elsewhere fails, and is told why",
            .proves(.P4, .P5))
        func besideBusy() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 2)
                let meeting = try [("a", "b"), ("b", "a")].map {
                    try pool.submit(meet, folder.file($0), folder.file($1))
                }
                for future in meeting { _ = try future.result(timeout: longTime) }
                let workers = Leftovers.childProcesses()
                #expect(workers.count == 2)
                let held = try HeldWorker(pool)
                let idle = try #require(workers.first { $0 != held.worker })
                kill(idle, SIGKILL)
                let error = try #require(try held.future.exception(timeout: longTime) as? BrokenProcessPool)
                let loss = try #require(error.loss)
                #expect(loss.processID == idle && loss.functionName == nil && loss.taskID == nil)
                #expect("\(loss)".contains("was ended by signal 9 (SIGKILL) while it ran no task"), "\(loss)")
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test("a pool whose only worker is lost between two calls fails the next one, or refuses it", .proves(.P4, .S3))
        func betweenCalls() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let worker = pid_t(try pool.submit(processID).result(timeout: longTime))
                kill(worker, SIGKILL)
                try spin { ChildProgram.isZombie(worker) }
                var error: (any Error)?
                // Taken before the loss was noticed, it fails with it.
                do { error = try pool.submit(increment, 1).exception(timeout: longTime) } catch let refusal {
                    error = refusal
                }
                #expect((error as? BrokenProcessPool)?.loss?.processID == worker)
                #expect((error as? BrokenProcessPool)?.loss?.status == .signaled(signal: SIGKILL, dumpedCore: false))
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test(
            "threads that submit while a worker dies get values, losses, and in the end a broken pool",
            .proves(.P4, .P7, .S3), arguments: 0..<4)
        func whileSubmitting(round: Int) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2)
                let worker = pid_t(try pool.submit(processID).result(timeout: longTime))
                let all = Mutex<[Future<Int>]>([])
                let refusals = Mutex<[String]>([])
                let threads = TestThreads()
                for number in 0..<4 {
                    threads.start {
                        for index in 0..<1_000_000 {
                            do {
                                let future = try pool.submit(increment, index)
                                all.withLock { $0.append(future) }
                                // Some wait, some only submit.
                                if number % 2 == 0 { _ = try? future.result(timeout: longTime) }
                            } catch {
                                return refusals.withLock { $0.append("\(type(of: error))") }
                            }
                        }
                    }
                }
                // At a moment that moves with the rounds.
                try spin { all.withLock { $0.count } > 100 * round }
                kill(worker, SIGKILL)
                threads.join()
                #expect(refusals.withLock { $0 } == Array(repeating: "BrokenProcessPool", count: 4))
                let futures = all.withLock { $0 }
                #expect(wait(futures, timeout: longTime).notDone.isEmpty)
                for future in futures {
                    if let error = try future.exception() { #expect(error is BrokenProcessPool) }
                }
                pool.shutdown()
            }
        }

        @Test(
            "a crash in a pool that nobody holds any more fails what waits, and leaves nothing", .proves(.P7, .H4),
            arguments: [1, 3])
        func dropped(maxWorkers: Int) throws {
            let folder = TemporaryFolder()
            try Leftovers.check(eventually: true) {
                var results: MapResults<Int>?
                var crash: Future<Int>?
                var running: Future<Int>?
                do {
                    let pool = try makePool(maxWorkers: maxWorkers)
                    results = try pool.map(increment, 0..<20)
                    _ = try pool.submit(increment, 1).result(timeout: longTime)
                    running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                    // A worker that idles takes what lies behind another's call, and may be at the crash first.
                    try folder.waitFor("runs")
                    for _ in 0..<maxWorkers { _ = try pool.submit(awaitFile, folder.file("go")) }
                    crash = try pool.submit(leave, 9)
                }
                #expect(try results?.collect() == Array(1...20))
                folder.write("", to: "go")
                let error = try crash?.exception(timeout: longTime) as? BrokenProcessPool
                #expect(error?.loss?.status == .exited(code: 9))
                #expect(wait([running!], timeout: longTime).notDone.isEmpty)
            }
        }

        enum Moment: String, CaseIterable { case decoding, encoding, release }

        @Test(
            "a value that exits where it is decoded, encoded or let go of in the worker is told with its call",
            // The thread sanitizer ends a process that exits in a deinit with a code of its own.
            .proves(.P7, .P4), .enabled(if: WorkerLossTests.crashesArePlain), arguments: Moment.allCases, [false, true])
        func exitsInValue(moment: Moment, inMap: Bool) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let error: (any Error)?
                if inMap {
                    do {
                        switch moment {
                        case .decoding:
                            _ = try pool.map(takeLeaving, [Leaving(.never), Leaving(.decoding)], chunkSize: 2).collect()
                        case .encoding: _ = try pool.map(makeLeaving, ["never", "encoding"], chunkSize: 2).collect()
                        case .release:
                            _ = try pool.map(takeLeaving, [Leaving(.never), Leaving(.release)], chunkSize: 2).collect()
                        }
                        error = nil
                    } catch let thrown { error = thrown }
                } else {
                    switch moment {
                    case .decoding:
                        error = try pool.submit(takeLeaving, Leaving(.decoding)).exception(timeout: longTime)
                    case .encoding: error = try pool.submit(makeLeaving, "encoding").exception(timeout: longTime)
                    case .release: error = try pool.submit(takeLeaving, Leaving(.release)).exception(timeout: longTime)
                    }
                }
                let loss = try #require((error as? BrokenProcessPool)?.loss)
                let codes: [Moment: Int32] = [.decoding: 21, .encoding: 22, .release: 23]
                #expect(loss.status == .exited(code: codes[moment]!))
                #expect(loss.functionName == (moment == .encoding ? "make_leaving" : "take_leaving"))
                pool.shutdown()
            }
        }

        @Test("a map whose workers die while its large arguments are on their way fails, and never hangs", .proves(.P7))
        func largeArguments() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 2)
                let bytes = [UInt8](repeating: 1, count: 2 << 20)
                // Already the map is refused where a worker has died before all was submitted.
                #expect(throws: BrokenProcessPool.self) {
                    try pool.map(dieLater, Array(repeating: bytes, count: 10)).collect()
                }
                #expect(throws: BrokenProcessPool.self) { try pool.map(dieLater, [bytes]) }
                pool.shutdown()
            }
        }

        @Test(
            "calls that do not encode fail alone among hundreds of others, also right before a shutdown",
            .proves(.S4, .H2), arguments: [true, false])
        func doNotEncode(waits: Bool) throws {
            try Leftovers.check(eventually: true) {
                let pool = try makePool()
                let futures = try (0..<300).map {
                    try pool.submit(echoFragile, Fragile($0 % 3 == 0 ? .encoding : .none))
                }
                pool.shutdown(wait: waits)
                for (number, future) in futures.enumerated() {
                    let error = try future.exception(timeout: longTime)
                    #expect(number % 3 == 0 ? error is TransportError : error == nil)
                }
            }
        }

        @Test("a value that nests too deeply to travel fails its call, on its way there and back", .proves(.S4))
        func nestsTooDeeply() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let deep = (0..<5_000).reduce(Shape.point) { shape, _ in .group(name: nil, [shape]) }
                let there = try pool.submit(echoShape, deep).exception(timeout: longTime)
                #expect((there as? TransportError)?.place == .encodingArguments)
                let back = try pool.submit(nest, 5_000).exception(timeout: longTime)
                #expect((back as? TransportError)?.place == .encodingResult)
                #expect(try pool.submit(nest, 3).result(timeout: longTime) != .point)
                pool.shutdown()
            }
        }

        @Test(
            "terminating and killing are fine on a pool that has no worker yet, is broken, or was shut down",
            .proves(.H7, .S3), arguments: ["unused", "broken", "shut down", "ended before"], [true, false])
        func endsAgain(before: String, gently: Bool) throws {
            try Leftovers.check {
                let pool = try makePool()
                let end = gently ? pool.terminateWorkers : pool.killWorkers
                var done: [AnyFuture] = []
                switch before {
                case "broken": done.append(try pool.submit(leave, 1))
                case "shut down", "ended before": done.append(try pool.submit(increment, 1))
                default: break
                }
                #expect(wait(done, timeout: longTime).notDone.isEmpty)
                if before == "shut down" { pool.shutdown() }
                if before == "ended before" { end() }
                end()
                #expect(throws: ExecutorShutdownError.self) { try pool.submit(increment, 1) }
                #expect(throws: ExecutorShutdownError.self) { try pool.map(increment, [1]) }
                pool.shutdown()
                end()
            }
        }

        @Test(
            "a worker that is to be replaced when the pool is ended is not replaced", .proves(.H7, .P3),
            arguments: [true, false])
        func endsWhileRecycling(gently: Bool) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: 1)
                let running = try pool.submit(meet, folder.file("runs"), folder.file("never"))
                let waiting = try (0..<5).map { try pool.submit(appendLine, folder.file("ran"), $0) }
                try folder.waitFor("runs")
                if gently { pool.terminateWorkers() } else { pool.killWorkers() }
                #expect(try running.exception(timeout: longTime) is BrokenProcessPool)
                pool.shutdown()
                #expect(Leftovers.childProcesses().isEmpty)
                for future in waiting {
                    // The successor, started ahead, may have begun the first of them.
                    #expect(future.isCancelled || (try? future.exception()) != nil)
                }
                #expect((try? folder.lines(of: "ran").count) ?? 0 <= 1)
            }
        }

        @Test(
            "a replacement that cannot be started breaks the pool with the reason when nobody is left",
            .proves(.P3, .P4))
        func cannotBeReplaced() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                // Gone while its worker runs.
                #expect(symlink(BuildProducts.path(of: "test-worker"), folder.file("worker")) == 0)
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: WorkerCommand(executable: folder.file("worker")),
                    maxTasksPerChild: 2)
                let first = try pool.submit(increment, 1)
                #expect(try first.result(timeout: longTime) == 2)
                folder.remove("worker")
                let running = try pool.submit(meet, folder.file("runs"), folder.file("go"))
                try folder.waitFor("runs")
                let waiting = try (0..<3).map { try pool.submit(increment, $0) }
                // The failed start of a successor does nothing to what runs.
                try spin { running.isRunning }
                folder.write("", to: "go")
                #expect(try running.result(timeout: longTime) == 1)
                for future in waiting {
                    let error = try #require(try future.exception(timeout: longTime) as? BrokenProcessPool)
                    let text = "\(error)"
                    #expect(text.contains("no worker could be started"), "\(text)")
                    #expect(
                        text.contains("\(folder.file("worker")) cannot be run: No such file or directory"), "\(text)")
                }
                #expect(throws: BrokenProcessPool.self) { try pool.submit(increment, 1) }
                pool.shutdown()
            }
        }

        @Test(
            "a call that throws on a worker that is to be replaced does not stop the rest, also after a shutdown",
            .proves(.P3, .H2), arguments: [2, 4], [true, false])
        func throwsWhileRecycling(maxWorkers: Int, shutsDown: Bool) throws {
            try Leftovers.check(eventually: true) {
                let pool = try makePool(maxWorkers: maxWorkers, maxTasksPerChild: 1)
                let futures = try [0, 5, 0, 6, 0, 0].map { try pool.submit(refuse, $0) }
                if shutsDown { pool.shutdown(wait: false) }
                for (future, code) in zip(futures, [0, 5, 0, 6, 0, 0]) {
                    let error = try future.exception(timeout: longTime)
                    #expect(error as? Refused == (code == 0 ? nil : Refused(code: code)))
                }
                if !shutsDown { pool.shutdown() }
            }
        }

        @Test("a saturated pool has as many workers as it may, all of them busy", .proves(.P1), arguments: [1, 4, 16])
        func saturated(maxWorkers: Int) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: maxWorkers)
                let futures = try (0..<4 * maxWorkers).map {
                    try pool.submit(meet, folder.file("\($0)"), folder.file("go"))
                }
                // The first ones run at the same time, since none of them ends.
                for number in 0..<maxWorkers { try folder.waitFor("\(number)") }
                #expect(Leftovers.childProcesses().count == maxWorkers)
                try spin { futures.count { $0.isRunning } == maxWorkers }
                #expect(futures[maxWorkers...].allSatisfy { $0.state == .pending })
                folder.write("", to: "go")
                for future in futures { #expect(try future.result(timeout: longTime) == 1) }
                #expect(Leftovers.childProcesses().count == maxWorkers)
                pool.shutdown()
            }
        }
    }
}
