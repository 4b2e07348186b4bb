import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct ShutdownContract {
        @Test(
            "shutdown waits for everything submitted, and may be called again", .proves(.H1),
            arguments: ExecutorKind.allCases)
        func waits(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let futures = try (0..<50).map { try executor.submit(increment, $0) }
                executor.shutdown()
                #expect(try futures.map { try $0.result(timeout: .zero) } == Array(1...50))
                executor.shutdown(wait: true, cancelFutures: true)
                executor.shutdown(wait: false, cancelFutures: false)
            }
        }

        @Test("an executor that never did anything shuts down", .proves(.H1), arguments: ExecutorKind.allCases)
        func unused(kind: ExecutorKind) async throws {
            try kind.withExecutor { $0.shutdown(wait: true, cancelFutures: true) }
            try await kind.withExecutor { await $0.shutdown() }
        }

        @Test(
            "without waiting it returns at once, and submitted work completes", .proves(.H2),
            arguments: ExecutorKind.pools)
        func returnsAtOnce(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<20).map { try executor.submit(increment, $0) }
                executor.shutdown(wait: false, cancelFutures: false)
                #expect(held.future.isRunning)
                #expect(futures.allSatisfy { !$0.isDone })
                held.letGo()
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1...20))
            }
        }

        @Test(
            "a map whose chunk size is automatic was submitted as a whole: a shutdown waits for all of it",
            .proves(.H1, .H2, .H5, .M2, .M7), arguments: ExecutorKind.allCases, [true, false])
        func automaticMap(kind: ExecutorKind, waits: Bool) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(backlogLimit: kind == .processes ? BacklogLimit(tasks: 2) : .none) { executor in
                let paths = Array(repeating: folder.file("ran"), count: 400)
                _ = try executor.map(appendLine, paths, 0..<400, chunkSize: .automatic)
                let results = try executor.mapUnordered(
                    keepBusy, Array(repeating: 50, count: 2_000), chunkSize: .automatic)
                executor.shutdown(wait: waits, cancelFutures: false)
                #expect(throws: ExecutorShutdownError.self) { try executor.submit(increment, 1) }
                #expect(try results.collect().count == 2_000)
                executor.shutdown()
                #expect(try Set(folder.lines(of: "ran")).count == 400)
            }
        }

        @Test("such a map ends when futures are cancelled, or the pool breaks", .proves(.H3, .H7, .P4))
        func automaticMapEnds() throws {
            for ending in ["cancelled", "killed", "broken", "dropped"] {
                try Leftovers.check(eventually: true) {
                    let pool = try makePool(maxWorkers: 1)
                    var results: MapResults<Int>? = try pool.map(
                        keepBusy, Array(repeating: 100, count: 100_000), chunkSize: .automatic)
                    #expect(try results?.next() == 100)
                    switch ending {
                    case "cancelled": pool.shutdown(wait: true, cancelFutures: true)
                    case "killed": pool.killWorkers()
                    case "broken": _ = try pool.submit(leave, 1, options: .priority(1)).exception(timeout: longTime)
                    default: results = nil
                    }
                    #expect(throws: (any Error).self) {
                        _ = try results?.collect()
                        if results == nil { throw CancelledError() }
                    }
                    pool.shutdown()
                }
            }
        }

        @Test(
            "cancelFutures cancels what has not begun; what runs completes", .proves(.H3),
            arguments: ExecutorKind.pools, [true, false])
        func cancels(kind: ExecutorKind, waits: Bool) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<500).map { try executor.submit(increment, $0) }
                let threads = TestThreads()
                if waits {
                    threads.start { executor.shutdown(wait: true, cancelFutures: true) }
                } else {
                    executor.shutdown(wait: false, cancelFutures: true)
                }
                let (done, notDone) = wait(futures, timeout: longTime)
                #expect(notDone.isEmpty && done.allSatisfy { $0.isCancelled })
                #expect(held.future.isRunning)
                held.letGo()
                threads.join()
                #expect(try held.future.result(timeout: longTime) == 1)
            }
        }

        @Test(
            "an executor that nobody holds any more finishes its work and leaves nothing", .proves(.H4),
            arguments: ExecutorKind.allCases)
        func dropped(kind: ExecutorKind) throws {
            try Leftovers.check(eventually: true) {
                var futures: [Future<Int>] = []
                do {
                    let executor = try kind.make()
                    futures = try (0..<50).map { try executor.submit(increment, $0) }
                }
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1...50))
            }
        }

        /// What a body that runs elsewhere submitted.
        private final class SeenFutures: Sendable {
            let futures = Mutex<[Future<Int>]>([])
        }

        @Test(
            "scopes shut down at their end, also when the body throws or its task is cancelled", .proves(.H5, .F16),
            arguments: ["returns", "throws", "is cancelled"])
        func scopes(ending: String) async throws {
            let seen = SeenFutures()
            let body: @Sendable (any Executor) async throws -> Void = { executor in
                let held = try HeldWorker(executor)
                seen.futures.withLock { $0.append(held.future) }
                for number in 0..<10 {
                    let future = try executor.submit(increment, number)
                    seen.futures.withLock { $0.append(future) }
                }
                if ending == "throws" {
                    held.letGo()
                    throw Refused(code: 1)
                }
                if ending == "is cancelled" { withUnsafeCurrentTask { $0?.cancel() } }
                held.letGo()
            }
            try await Leftovers.check {
                let task = Task {
                    try await withThreadPool(maxWorkers: 1) { try await body($0) }
                    try await withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) {
                        try await body($0)
                    }
                }
                if ending == "throws" {
                    await #expect(throws: Refused(code: 1)) { try await task.value }
                } else {
                    try await task.value
                }
            }
            let all = seen.futures.withLock { $0 }
            #expect(all.count == (ending == "throws" ? 11 : 22))
            #expect(all.allSatisfy { $0.isDone })
            if ending == "returns" { #expect(all.allSatisfy { !$0.isCancelled }) }
        }

        @Test(
            "threads may submit while others shut down: each call is taken or refused, and ends", .proves(.H1, .S3),
            arguments: ExecutorKind.allCases)
        func races(kind: ExecutorKind) throws {
            for round in 0..<20 {
                try kind.withExecutor { executor in
                    let futures = Mutex<[Future<Int>]>([])
                    let threads = TestThreads()
                    let start = Gate()
                    for _ in 0..<4 {
                        threads.start {
                            try? start.wait()
                            while let future = try? executor.submit(increment, 1) {
                                futures.withLock { $0.append(future) }
                            }
                        }
                    }
                    for _ in 0..<2 {
                        threads.start {
                            try? start.wait()
                            executor.shutdown(wait: true, cancelFutures: round % 2 == 0)
                        }
                    }
                    start.open(6)
                    threads.join()
                    #expect(futures.withLock { $0 }.allSatisfy { $0.isDone })
                }
            }
        }
    }
}
