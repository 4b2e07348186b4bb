import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Pools that are ended at awkward moments.
    @Suite struct EndingTests {
        /// Less than the time after which workers that do not exit are killed.
        private let soon = Duration.seconds(4)

        private func expectSoon(_ what: String, _ body: () throws -> Void) rethrows {
            let start = ContinuousClock.now
            try body()
            let time = ContinuousClock.now - start
            #expect(time < soon, "\(what) took \(time)")
        }

        @Test(
            "a shutdown while the only worker starts, with nothing left for it to do, does not wait for a time limit",
            .proves(.H1)
        )
        func shutsDownWhileStarting() throws {
            try Leftovers.check {
                // Under the sanitizer a worker takes a second to exit.
                for round in 1...(WorkerLossTests.crashesArePlain ? 20 : 2) {
                    try expectSoon("shutdown \(round)") {
                        let pool = try makePool(maxWorkers: 1)
                        let future = try pool.submit(increment, 1)
                        future.cancel()
                        pool.shutdown()
                        #expect(future.isDone)
                    }
                }
            }
        }

        @Test("killing workers that are being ended, and do not end, kills them at once", .proves(.H7))
        func killsWhatIsBeingEnded() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(ignoreTermination, folder.file("runs"))
                try folder.waitFor("runs")
                expectSoon("ending") {
                    pool.terminateWorkers()
                    pool.killWorkers()
                    pool.shutdown()
                }
                #expect("\(try running.exception(timeout: .zero)!)".contains("terminateWorkers() was called"))
            }
        }

        @Test("a worker that is stopped is killed", .proves(.H7))
        func endsStoppedWorkers() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                let running = try pool.submit(stop, folder.file("runs"))
                try folder.waitFor("runs")
                pool.killWorkers()
                pool.shutdown()
                #expect(running.isDone)
            }
        }

        @Test(
            "programs that a task started in the background do not keep the pool from ending", .proves(.H4),
            arguments: [false, true]
        )
        func backgroundPrograms(inOwnSession: Bool) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, maxTasksPerChild: 1)
                let pids = try (0..<3).map { _ in try pool.submit(startInBackground, inOwnSession) }
                    .map { Int32(try $0.result(timeout: longTime)) }
                expectSoon("the shutdown") { pool.shutdown() }
                for pid in pids where inOwnSession {
                    #expect(kill(pid, SIGKILL) == 0, "the pool ends what is in its workers' process groups only")
                }
            }
        }

        @Test("the death of a worker whose background program holds its pipes open is noticed", .proves(.P4))
        func deathBehindBackgroundProgram() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let pid = Int32(try pool.submit(startInBackground, true).result(timeout: longTime))
                try expectSoon("the report") {
                    let error = try pool.submit(leave, 9).exception(timeout: longTime)
                    #expect(error is BrokenProcessPool)
                    pool.shutdown()
                }
                kill(pid, SIGKILL)
            }
        }

        enum Ending: CaseIterable { case answer, broken, initializer, cancelled, shutdown }

        @Test(
            "a callback submits, cancels, adds callbacks, shuts down and drops the pool, whatever made it run",
            .proves(.C3),
            arguments: Ending.allCases, [false, true])
        func callbacks(ending: Ending, waits: Bool) throws {
            try Leftovers.check(eventually: true) {
                let folder = TemporaryFolder()
                let holder = PoolHolder(
                    try makePool(
                        maxWorkers: 1,
                        initializer: ending == .initializer
                            ? try WorkerInitializer(failWhenThere, folder.file("begin")) : nil))
                let isBlocked = ending == .broken || ending == .cancelled || ending == .shutdown
                let first = isBlocked ? try holder.pool!.submit(meet, folder.file("runs"), folder.file("go")) : nil
                if isBlocked { try folder.waitFor("runs") }
                let others = Mutex<[AnyFuture]>([])
                let called = Gate()
                let future: AnyFuture =
                    try ending == .broken ? holder.pool!.submit(leave, 1) : holder.pool!.submit(increment, 1)
                let behind = try (0..<5).map { try holder.pool!.submit(increment, $0) }
                future.addDoneCallback { _ in
                    let pool = holder.pool
                    if let other = try? pool?.submit(increment, 2) { others.withLock { $0.append(other) } }
                    behind[0].cancel()
                    behind[1].addDoneCallback { _ in behind[2].cancel() }
                    pool?.terminateWorkersIf(ending == .broken)
                    folder.write("", to: "go")
                    pool?.shutdownFromCallback(waits: waits)
                    holder.pool = nil
                    called.open()
                }
                switch ending {
                case .answer: break
                case .broken: folder.write("", to: "go")
                case .initializer: folder.write("", to: "begin")
                case .cancelled: future.cancel()
                case .shutdown: holder.pool?.shutdown(wait: false, cancelFutures: true)
                }
                try called.wait()
                for future in behind + others.withLock({ $0 }) + [first].compactMap({ $0 }) {
                    do { _ = try future.exception(timeout: longTime) } catch is CancelledError {}
                }
                #expect(holder.pool == nil)
            }
        }

        @Test("hundreds of pools in a row leave nothing, and take no memory", .proves(.H4))
        func manyPools() throws {
            try Leftovers.check {
                var memory = 0
                for index in 0..<(WorkerLossTests.crashesArePlain ? 300 : 60) {
                    if index == 50 { memory = ProcFiles.residentMemory() }
                    let pool = try makePool(maxWorkers: 1)
                    if index % (WorkerLossTests.crashesArePlain ? 3 : 10) == 0 {
                        #expect(try pool.submit(increment, index).result(timeout: longTime) == index + 1)
                    }
                    pool.shutdown()
                }
                // Less than 32 KiB for each; the sanitizers keep what was freed.
                let growth = ProcFiles.residentMemory() - memory
                #expect(growth < 8 << 20 || !WorkerLossTests.crashesArePlain, "\(growth) bytes")
            }
        }

    }
}

/// The only strong reference to a pool, for a test whose callback drops it.
final class PoolHolder: Sendable {
    private let stored: Mutex<ProcessPoolExecutor?>

    init(_ pool: ProcessPoolExecutor) { stored = Mutex(pool) }

    var pool: ProcessPoolExecutor? {
        get { stored.withLock { $0 } }
        set {
            // Released with no lock held: that may run the pool's end.
            var other = newValue
            stored.withLock { swap(&$0, &other) }
        }
    }
}

extension ProcessPoolExecutor {
    fileprivate func terminateWorkersIf(_ condition: Bool) { if condition { terminateWorkers() } }
    fileprivate func shutdownFromCallback(waits: Bool) { shutdown(wait: waits) }
}
