import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

/// Notes in which thread the callback of a future runs.
private final class CallbackWitness: Sendable {
    struct Place: Sendable {
        var thread: UInt
        var name: String
    }

    private let seen = Mutex<Place?>(nil)
    private let called = Gate()

    init(_ future: AnyFuture) {
        future.addDoneCallback { _ in
            let place = Place(thread: currentThread(), name: ProcFiles.threadName)
            self.seen.withLock { $0 = place }
            self.called.open()
        }
    }

    /// Whether the callback has run.
    var hasBeenCalled: Bool { seen.withLock { $0 != nil } }

    /// Where it ran; waits for that.
    func place() throws -> Place {
        try called.wait()
        return try #require(seen.withLock { $0 })
    }
}

extension ProcessSuites {
    /// In which thread callbacks run: the table of docs/semantics.md, its column of process pools.
    @Suite struct CallbackThreadTests {
        /// Makes calls that are short, also on average, until the pool sends ahead.
        private func warmUp(_ pool: ProcessPoolExecutor) throws {
            try spin {
                _ = try? pool.submit(increment, 1).result(timeout: longTime)
                return pool.driver.core.withLock { $0.state.meanRunTime ?? .max } < 1_000_000
            }
        }

        /// Waits until the pool's own threads sleep: nobody else will carry out what the next call to the pool decides.
        private func waitUntilQuiet() throws {
            try spin {
                Leftovers.poolThreads().compactMap { Int32($0) }.allSatisfy { ProcFiles.state(of: $0) == "S" }
            }
        }

        @Test(
            "a callback of a call that somebody cancels runs in the thread of who does", .proves(.C2),
            arguments: [false, true])
        func cancelled(isAhead: Bool) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                if isAhead { try warmUp(pool) }
                let held = try HeldWorker(pool)
                let future = try pool.submit(increment, 1)
                let witness = CallbackWitness(future)
                // It may take more than one question until a worker has answered in time.
                try spin { future.cancel() }
                let place = try witness.place()
                #expect(place.thread == currentThread(), "\(place.name)")
                held.letGo()
                pool.shutdown()
            }
        }

        enum AllEnding: CaseIterable { case shutdown, terminate, kill }

        @Test(
            "callbacks of calls that the pool's end ends run in its thread for callbacks, and are waited for",
            .proves(.C2, .H1), arguments: AllEnding.allCases)
        func endedWithAll(ending: AllEnding) throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let held = try HeldWorker(pool)
                let futures = try (0..<20).map { try pool.submit(increment, $0) }
                var witnesses = futures.map { CallbackWitness($0) }
                // These end what runs, too.
                if ending != .shutdown { witnesses.append(CallbackWitness(held.future)) }
                switch ending {
                case .shutdown: pool.shutdown(wait: false, cancelFutures: true)
                case .terminate: pool.terminateWorkers()
                case .kill: pool.killWorkers()
                }
                // Another thread may be at what the pool has decided before, and carry this out, too.
                #expect(wait(futures, timeout: longTime).notDone.isEmpty && futures.allSatisfy { $0.isCancelled })
                held.letGo()
                pool.shutdown()
                for witness in witnesses {
                    #expect(witness.hasBeenCalled)
                    #expect(try witness.place().name == "futures-pool-cb")
                }
            }
        }

        @Test("submitting runs no callbacks of calls that were lost meanwhile", .proves(.C3, .S1))
        func nobodyElseRunsThem() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1, onWorkerLoss: .failTask)
                let held = try HeldWorker(pool)
                let witness = CallbackWitness(held.future)
                // As if a thread were carrying something out: what the loss comes to is left to it.
                try spin {
                    pool.driver.core.withLock { core in
                        // A thread that is at it would end with the role, which is this one's then.
                        if core.isSettling { return false }
                        core.isSettling = true
                        return true
                    }
                }
                kill(held.worker, SIGKILL)
                try spin {
                    pool.driver.core.withLock { core in
                        core.actions.contains { action in
                            if case .fail = action { true } else { false }
                        }
                    }
                }
                try waitUntilQuiet()
                pool.driver.core.withLock { $0.isSettling = false }
                // Carries it out.
                let other = try pool.submit(increment, 1)
                #expect(try witness.place().thread != currentThread())
                #expect(try other.result(timeout: longTime) == 2)
                #expect(try held.future.exception() is WorkerLostError)
                pool.shutdown()
            }
        }

        /// Ends a pool when it ends itself.
        private final class Owner: Sendable {
            private let pool: ProcessPoolExecutor
            private let ended: Gate

            init(_ pool: ProcessPoolExecutor, _ ended: Gate) { (self.pool, self.ended) = (pool, ended) }

            deinit {
                blocking { pool.shutdown() }
                ended.open()
            }
        }

        @Test("what goes with a callback may shut the pool down, whoever lets go of it", .proves(.C3, .H1))
        func ownerInCallback() throws {
            try Leftovers.check(eventually: true) {
                let pool = try makePool(maxWorkers: 1)
                let (held, ended, returned, threads) = (try HeldWorker(pool), Gate(), Gate(), TestThreads())
                do {
                    let owner = Owner(pool, ended)
                    try pool.submit(increment, 0).addDoneCallback { _ in _ = owner }
                }
                // While these are told the first one's callback has long been run.
                for number in 1..<5_000 { try pool.submit(increment, number).addDoneCallback { _ in } }
                threads.start {
                    pool.shutdown(wait: false, cancelFutures: true)
                    returned.open()
                }
                #expect(throws: Never.self) { try returned.wait() }
                held.letGo()
                #expect(throws: Never.self) { try ended.wait() }
                threads.join()
                pool.shutdown()
            }
        }

        enum PoolEnding: CaseIterable {
            case value, error, awaitedValue, shutdownOfWhatWasSentAhead, initializer, lostWorker, hardTimeout
            case unknownFunction
        }

        private func pool(for ending: PoolEnding, _ folder: TemporaryFolder) throws -> ProcessPoolExecutor {
            switch ending {
            case .initializer:
                try makePool(maxWorkers: 1, initializer: WorkerInitializer(failWhenThere, folder.file("go")))
            case .unknownFunction:
                try ProcessPoolExecutor(.external, maxWorkers: 1, worker: BuildProducts.testWorker)
            default: try makePool(maxWorkers: 1)
            }
        }

        /// A call that ends like that, when it begins or would.
        private func submit(
            _ ending: PoolEnding, to pool: ProcessPoolExecutor, _ folder: TemporaryFolder
        ) throws -> AnyFuture {
            switch ending {
            case .value, .awaitedValue, .shutdownOfWhatWasSentAhead, .initializer: try pool.submit(increment, 1)
            case .error: try pool.submit(refuse, 5)
            case .lostWorker: try pool.submit(leave, 3)
            case .hardTimeout:
                try pool.submit(
                    awaitFile, folder.file("never"), options: CallOptions(hardTimeout: .milliseconds(20)))
            case .unknownFunction: try pool.submit(Callable<Int, Int>(external: "no_such"), 1)
            }
        }

        @Test(
            "a callback of a call that the pool ends runs in its thread for callbacks", .proves(.C2),
            arguments: PoolEnding.allCases)
        func endedByPool(ending: PoolEnding) throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try pool(for: ending, folder)
                if ending == .shutdownOfWhatWasSentAhead { try warmUp(pool) }
                let held = try ending == .initializer ? nil : HeldWorker(pool)
                let future = try submit(ending, to: pool, folder)
                let witness = CallbackWitness(future)
                if ending == .shutdownOfWhatWasSentAhead, let held {
                    // The worker's answer comes when this thread is through with the shutdown.
                    kill(held.worker, SIGSTOP)
                    pool.shutdown(wait: false, cancelFutures: true)
                    kill(held.worker, SIGCONT)
                } else {
                    folder.write("", to: "go")
                    held?.letGo()
                }
                if ending == .awaitedValue { #expect(try future.exception(timeout: longTime) == nil) }
                #expect(try witness.place().name == "futures-pool-cb")
                #expect(future.isDone)
                held?.letGo()
                pool.shutdown()
            }
        }
    }
}
