import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// `wait` and `asCompleted` over the futures of several executors.
    @Suite struct WaitContract {
        /// Runs a test with one executor of each kind, and a held worker in each pool.
        private func withAll(
            _ body: (_ all: [any Executor], _ held: [HeldWorker]) async throws -> Void
        ) async throws {
            try await Leftovers.check {
                let all = try ExecutorKind.allCases.map { try $0.make(maxWorkers: 2) }
                try await body(all, try all[1...].map(HeldWorker.init))
                for executor in all { await executor.shutdown() }
            }
        }

        @Test("futures of every executor and of several types are waited for together", .proves(.W1, .W2, .W3, .W7))
        func mixed() async throws {
            try await withAll { all, held in
                var futures: [AnyFuture] = held.map { $0.future }
                for executor in all {
                    futures.append(try executor.submit(increment, 1))
                    futures.append(try executor.submit(greet, "all"))
                }
                let short = futures[2...]
                let first = await wait(futures + futures, timeout: longTime, returnWhen: .firstCompleted)
                #expect(!first.done.isEmpty && first.done.count + first.notDone.count == 8)
                let blockingResult = blocking { wait(short, timeout: longTime) }
                #expect(blockingResult.done == Set(short) && blockingResult.notDone.isEmpty)
                let late = await wait(futures, timeout: .milliseconds(5))
                #expect(late.done == Set(short) && late.notDone == Set(futures[..<2]))
                let failing = try all[2].submit(refuse, 3)
                let failed = await wait(
                    futures + [failing], timeout: longTime, returnWhen: .firstException)
                #expect(failed.done.contains(failing) && failed.notDone.count == 2)
                for held in held { held.letGo() }
                let end = await wait(futures, timeout: longTime)
                #expect(end.notDone.isEmpty)
            }
        }

        @Test(
            "what cancel() cancelled is done at once, for waits and for asCompleted", .proves(.W4, .W2),
            arguments: ExecutorKind.pools)
        func cancelled(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<3).map { try executor.submit(increment, $0) }
                #expect(futures[1].cancel())
                let first = await wait(futures, timeout: longTime, returnWhen: .firstCompleted)
                #expect(first.done == [futures[1]])
                // A cancellation is not an exception.
                let exception = await wait(futures, timeout: .milliseconds(5), returnWhen: .firstException)
                #expect(exception.done == [futures[1]])
                let completed = asCompleted(futures, timeout: longTime)
                #expect(try blocking { try completed.next() } === futures[1])
                held.letGo()
                var rest: Set<AnyFuture> = []
                for try await future in completed { rest.insert(future) }
                #expect(rest == [futures[0], futures[2]])
            }
        }

        @Test("asCompleted gives each future once, those that are done first", .proves(.W5, .W6, .W7))
        func completed() async throws {
            try await withAll { all, held in
                var futures: [AnyFuture] = held.map { $0.future }
                for executor in all { futures.append(try executor.submit(increment, 1)) }
                _ = await wait(futures[2...], timeout: longTime)
                var seen: [AnyFuture] = []
                for try await future in asCompleted(futures + futures, timeout: longTime) {
                    seen.append(future)
                    if seen.count == 3 { held[1].letGo() }
                    if seen.count == 4 { held[0].letGo() }
                }
                #expect(seen.count == 5)
                #expect(Set(seen[..<3]) == Set(futures[2...]))
                #expect(seen[3] == futures[1] && seen[4] == futures[0])
                // Abandoned, and nothing is cancelled by it.
                for try await _ in asCompleted(futures) { break }
                #expect(futures.allSatisfy { !$0.isCancelled })
            }
        }

        @Test(
            "its clock starts at the call, and the error says how many of how many are unfinished", .proves(.W5),
            arguments: ExecutorKind.pools)
        func late(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try [held.future] + (0..<3).map { try executor.submit(increment, $0) }
                #expect(futures[3].cancel())
                let completed = asCompleted(futures, timeout: .zero)
                #expect(try completed.next() === futures[3])
                let error = try #require(throws: TimeoutError.self) { try completed.next() }
                #expect(error.unfinished == 3 && error.total == 4)
                held.letGo()
            }
        }
    }
}
