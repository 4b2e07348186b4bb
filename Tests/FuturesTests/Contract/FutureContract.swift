import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct FutureContract {
        @Test(
            "a call is pending until a worker begins it, then running; only the pending one can be cancelled",
            .proves(.F1, .F2, .F3, .F4, .F5), arguments: ExecutorKind.pools)
        func states(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let waiting = try executor.submit(increment, 1)
                let last = try executor.submit(increment, 2)
                #expect(held.future.state == .running && held.future.isRunning && !held.future.isDone)
                #expect(waiting.state == .pending && !waiting.isRunning && !waiting.isDone)
                #expect(!held.future.cancel())
                #expect(held.future.isRunning)
                #expect(waiting.cancel() && waiting.cancel())
                #expect(waiting.isCancelled && waiting.isDone && !waiting.isRunning)
                held.letGo()
                #expect(try last.result(timeout: longTime) == 3)
                #expect(held.future.state == .finished && !held.future.cancel() && !held.future.isCancelled)
                #expect(waiting.state == .cancelled)
            }
        }

        @Test("a call at once is done when submit returns", .proves(.F4, .F3, .S1))
        func atOnce() throws {
            try ExecutorKind.inline.withExecutor { executor in
                let future = try executor.submit(increment, 1)
                #expect(future.state == .finished && !future.cancel())
                let inline = try #require(executor as? InlineExecutor)
                let seen = Mutex<FutureState?>(nil)
                let outer = Future<Future<Int>>()
                _ = try inline.submit {
                    outer.fulfil(try inline.submit(increment, 5))
                    seen.withLock { $0 = .finished }
                }
                #expect(seen.withLock { $0 } == .finished)
                #expect(try outer.result(timeout: .zero).result(timeout: .zero) == 6)
            }
        }

        @Test("a cancelled call is not run", .proves(.F3, .F6, .F7), arguments: ExecutorKind.pools)
        func notRun(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<20).map { try executor.submit(appendLine, folder.file("ran"), $0) }
                for future in futures where futures.firstIndex(of: future)! % 2 == 1 { #expect(future.cancel()) }
                held.letGo()
                _ = wait(futures, timeout: longTime)
                #expect(throws: CancelledError.self) { try futures[1].result() }
                #expect(throws: CancelledError.self) { try futures[1].exception() }
            }
            #expect(try folder.lines(of: "ran") == stride(from: 0, to: 20, by: 2).map(String.init))
        }

        @Test(
            "a wait for a call that goes on ends with its time, and leaves it alone", .proves(.F6, .F7, .F8),
            arguments: ExecutorKind.pools)
        func timeouts(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                try blocking {
                    for time in [Duration.zero, .seconds(-1), .milliseconds(5)] {
                        let error = try #require(throws: TimeoutError.self) { try held.future.result(timeout: time) }
                        #expect(error.source == .wait && error.functionName == "meet")
                        #expect(throws: TimeoutError.self) { try held.future.exception(timeout: time) }
                    }
                }
                await #expect(throws: TimeoutError.self) { try await held.future.result(timeout: .milliseconds(5)) }
                await #expect(throws: TimeoutError.self) { try await held.future.exception(timeout: .zero) }
                held.letGo()
                #expect(try await held.future.result(timeout: longTime) == 1)
                #expect(try await held.future.exception(timeout: longTime) == nil)
            }
        }

        @Test(
            "a task that itself gives up waiting is not taken for a wait that does", .proves(.F8),
            arguments: ExecutorKind.allCases)
        func ownTimeout(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let error = try executor.submit(giveUp).exception(timeout: longTime)
                if kind == .processes {
                    #expect((error as? RemoteError)?.typeName == "Futures.TimeoutError")
                } else {
                    #expect((error as? TimeoutError)?.source == .task)
                }
            }
        }

        @Test(
            "who waits wakes with the value, the error and the cancellation", .proves(.F9, .F16),
            arguments: ExecutorKind.pools)
        func wakes(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let value = try executor.submit(increment, 1)
                let error = try executor.submit(refuse, 3)
                let cancelled = try executor.submit(increment, 1)
                let threads = TestThreads()
                let seen = Mutex<[String]>([])
                for _ in 0..<3 {
                    threads.start {
                        let value = try? value.result(timeout: longTime)
                        let error = try? error.exception(timeout: longTime)
                        do { _ = try cancelled.result(timeout: longTime) } catch {
                            seen.withLock { $0.append("\(type(of: error))") }
                        }
                        if value == 2, error as? Refused == Refused(code: 3) { seen.withLock { $0.append("both") } }
                    }
                }
                let tasks = (0..<3).map { _ in Task { try await (value.value, cancelled.exception()) } }
                #expect(cancelled.cancel())
                held.letGo()
                threads.join()
                #expect(
                    seen.withLock { $0.sorted() } == [
                        "CancelledError", "CancelledError", "CancelledError", "both", "both", "both",
                    ])
                for task in tasks { await #expect(throws: CancelledError.self) { try await task.value } }
            }
        }

        @Test(
            "a task that is cancelled stops waiting at once, and the call goes on", .proves(.F16),
            arguments: ExecutorKind.pools)
        func cancelledWaiter(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let waits: [@Sendable () async throws -> Void] = [
                    { _ = try await held.future.value }, { _ = try await held.future.result(timeout: longTime) },
                    { _ = try await held.future.exception() },
                ]
                for wait in waits {
                    let task = Task { try await wait() }
                    task.cancel()
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
                #expect(held.future.isRunning)
                held.letGo()
                #expect(try await held.future.value == 1)
            }
        }

        @Test(
            "description, snapshot and identity", .proves(.F11, .F13, .F14, .F15), arguments: ExecutorKind.allCases)
        func looks(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let value = try executor.submit(increment, 1)
                let error = try executor.submit(refuse, 3)
                _ = wait([value, error] as [AnyFuture], timeout: longTime)
                #expect("\(value)" == "<Future of \"increment\": finished, returned Int>")
                #expect("\(error)" == "<Future of \"refuse\": finished, threw Refused>")
                if case .finished(.success(2)) = value.snapshot {} else { Issue.record("\(value.snapshot)") }
                #expect(throws: InvalidStateError.self) { try value.setResult(7) }
                #expect(throws: InvalidStateError.self) { try value.setException(Refused(code: 1)) }
                #expect(throws: InvalidStateError.self) { try value.setRunningOrNotifyCancel() }
                #expect(try value.result() == 2)
                let other = try executor.submit(increment, 1)
                #expect(value == value && value != other)
            }
        }
    }
}
