import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Work that is still there when an executor is shut down or dropped.
    @Suite struct LastWorkContract {
        enum Ending: String, CaseIterable { case shutdown, withoutWaiting, dropped }

        @Test(
            "a map that nobody takes results of is computed all the same, and its results are kept for who does later",
            .proves(.M2, .H1, .H2, .H4), arguments: ExecutorKind.allCases, Ending.allCases)
        func untakenMap(kind: ExecutorKind, ending: Ending) throws {
            let folder = TemporaryFolder()
            try Leftovers.check(eventually: true) {
                var results: [MapResults<Int>] = []
                do {
                    let executor = try kind.make()
                    for chunkSize in [1, 7] {
                        let paths = Array(repeating: folder.file("ran"), count: 50)
                        _ = try executor.map(appendLine, paths, 0..<50, chunkSize: chunkSize)
                        results.append(try executor.map(increment, 0..<50, chunkSize: chunkSize))
                        results.append(try executor.mapUnordered(increment, 0..<50, chunkSize: chunkSize))
                    }
                    switch ending {
                    case .shutdown: executor.shutdown()
                    case .withoutWaiting: executor.shutdown(wait: false, cancelFutures: false)
                    case .dropped: break
                    }
                }
                for results in results { #expect(try results.collect().sorted() == Array(1...50)) }
                try spin { (try? folder.lines(of: "ran").count) == 100 }
            }
            #expect(try Set(folder.lines(of: "ran").compactMap { Int($0) }) == Set(0..<50))
        }

        @Test(
            "a map that reads as its results are taken keeps its executor to the end, and no longer", .proves(.H4, .M2),
            arguments: ExecutorKind.allCases)
        func lazyMap(kind: ExecutorKind) async throws {
            try await Leftovers.check {
                func start() throws -> (MapResults<Int>, MapResults<Int>) {
                    let executor = try kind.make()
                    return (
                        try executor.map(increment, 0..<100, chunkSize: 3, bufferSize: 10),
                        try executor.map(increment, AsyncNumbers(upTo: 100), bufferSize: 10)
                    )
                }
                var maps: (MapResults<Int>, MapResults<Int>)? = try start()
                #expect(try await maps?.0.collect() == Array(1...100))
                #expect(try await maps?.1.collect() == Array(1...100))
                maps = nil
                // What was dropped ends by itself.
                try await spin { Leftovers.now().poolThreads == 0 && Leftovers.now().children.isEmpty }
            }
        }

        @Test(
            "a call that is cancelled right before the shutdown does not hold it up", .proves(.H1, .F3),
            arguments: ExecutorKind.pools, [false, true])
        func cancelledLast(kind: ExecutorKind, hasWorked: Bool) throws {
            for _ in 0..<5 {
                try kind.withExecutor(maxWorkers: 1) { executor in
                    if hasWorked { _ = try executor.submit(increment, 1).result(timeout: longTime) }
                    let future = try executor.submit(increment, 1)
                    let isCancelled = future.cancel()
                    executor.shutdown()
                    #expect(future.isDone && future.isCancelled == isCancelled)
                }
            }
        }

        @Test(
            "of two shutdowns at once the one that cancels has its way, and the one that waits does wait",
            .proves(.H1, .H2, .H3), arguments: ExecutorKind.pools, [true, false])
        func twoShutdowns(kind: ExecutorKind, cancelsFirst: Bool) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<100).map { try executor.submit(increment, $0) }
                let threads = TestThreads()
                let sawEnd = Mutex<Bool?>(nil)
                if cancelsFirst { executor.shutdown(wait: false, cancelFutures: true) }
                threads.start {
                    executor.shutdown(wait: true, cancelFutures: false)
                    sawEnd.withLock { $0 = held.future.isDone }
                }
                if !cancelsFirst {
                    // The first has begun: nothing more is taken.
                    try spin { (try? executor.submit(increment, 1)) == nil }
                    executor.shutdown(wait: false, cancelFutures: true)
                }
                let (done, notDone) = wait(futures, timeout: longTime)
                #expect(notDone.isEmpty)
                #expect(cancelsFirst ? done.allSatisfy { $0.isCancelled } : done.contains { $0.isCancelled })
                #expect(held.future.isRunning)
                #expect(sawEnd.withLock { $0 } == nil)
                held.letGo()
                threads.join()
                #expect(sawEnd.withLock { $0 } == true)
                #expect(try held.future.result(timeout: .zero) == 1)
            }
        }

        @Test(
            "a task that is cancelled while it awaits the shutdown waits to the end", .proves(.H1),
            arguments: ExecutorKind.pools)
        func cancelledShutdown(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let ended = Task {
                    await executor.shutdown()
                    return held.future.isDone
                }
                ended.cancel()
                try await spin { (try? executor.submit(increment, 1)) == nil }
                held.letGo()
                #expect(await ended.value)
            }
        }

        @Test(
            "a shutdown from within a call does not wait for that call, in blocking and in async code",
            .proves(.H1, .H2), arguments: ExecutorKind.local, [true, false])
        func withinItsOwnCall(kind: ExecutorKind, isBlocking: Bool) throws {
            try Leftovers.check {
                let executor = try kind.make(maxWorkers: 1)
                let local = try #require(executor as? any LocalExecutor)
                let answer = Future<[String]>()
                let threads = TestThreads()
                // In a thread of its own, and no shutdown after a failure: what hangs then is not the test.
                threads.start {
                    let ending: Future<[String]>?
                    if isBlocking {
                        ending = try? local.submit {
                            executor.shutdown()
                            return ["ended", (try? executor.submit(increment, 1)) == nil ? "refused" : "taken"]
                        }
                    } else {
                        ending = try? local.submit { () async -> [String] in
                            await executor.shutdown()
                            return ["ended", (try? executor.submit(increment, 1)) == nil ? "refused" : "taken"]
                        }
                    }
                    answer.run { try ending?.result(timeout: longTime) ?? [] }
                }
                try #require(try answer.result(timeout: longTime) == ["ended", "refused"])
                threads.join()
                executor.shutdown()
            }
        }
    }
}
