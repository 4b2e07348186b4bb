import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Scopes in blocking code. Those in async code are in ``ShutdownContract``.
    @Suite struct BlockingScopeContract {
        private func withPool<Value>(_ kind: ExecutorKind, _ body: (any Executor) throws -> Value) throws -> Value {
            switch kind {
            case .processes:
                try withProcessPool(testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker) { try body($0) }
            default: try withThreadPool(maxWorkers: 1) { try body($0) }
            }
        }

        @Test(
            "a scope waits for the work, and gives what its body gives", .proves(.H5), arguments: ExecutorKind.pools)
        func returns(kind: ExecutorKind) throws {
            try Leftovers.check {
                let futures = try withPool(kind) { pool in try (0..<50).map { try pool.submit(increment, $0) } }
                #expect(futures.allSatisfy { $0.isDone })
                #expect(try futures.map { try $0.result() } == Array(1...50))
            }
        }

        @Test(
            "a scope whose body throws cancels what has not begun", .proves(.H5, .H3), arguments: ExecutorKind.pools)
        func failing(kind: ExecutorKind) throws {
            Leftovers.check {
                var futures: [Future<Int>] = []
                #expect(throws: Refused(code: 7)) {
                    try withPool(kind) { pool in
                        let held = try HeldWorker(pool)
                        futures = try (0..<3).map { try pool.submit(increment, $0) }
                        // Nothing but the cancellation lets it go.
                        futures[2].addDoneCallback { _ in held.letGo() }
                        throw Refused(code: 7)
                    }
                }
                #expect(futures.count == 3 && futures.allSatisfy { $0.isCancelled })
            }
        }

        @Test("behind the protocol `wait` may stand alone", .proves(.H2), arguments: ExecutorKind.allCases)
        func waitAlone(kind: ExecutorKind) throws {
            try Leftovers.check(eventually: true) {
                let executor = try kind.make()
                let future = try executor.submit(increment, 1)
                executor.shutdown(wait: false)
                #expect(throws: ExecutorShutdownError.self) { try executor.submit(increment, 1) }
                #expect(try future.result(timeout: longTime) == 2)
                executor.shutdown(wait: true)
            }
        }
    }
}
