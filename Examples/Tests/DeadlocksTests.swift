import Futures
import Testing

@testable import Deadlocks

@Suite struct DeadlocksTests {
    @Test("both deadlocks are shown and left, and so is what to do instead")
    func output() throws {
        let run = try Program.run("Deadlocks")
        #expect(
            run.output == """
                Deadlock: two tasks wait for each other
                  after 0.2 seconds 2 of 2 are unfinished; a is running, b is running
                  stuck: a waits for b and b waits for a, so that neither can return
                  way out: a waits no longer than 2.0 seconds
                  a failed: the task gave up waiting: the call was unfinished after 2.0 seconds
                  b failed: the task gave up waiting: the call was unfinished after 2.0 seconds
                Deadlock: a task waits for a call of its own pool, which has one thread
                  after 0.2 seconds 2 of 2 are unfinished; outer is running, inner is pending
                  stuck: outer holds the only thread until inner returns, and inner cannot begin without a thread
                  way out: outer waits no longer than 2.0 seconds, and then lets go of its thread
                  outer failed: the task gave up waiting: the call of "pow" was unfinished after 2.0 seconds
                  inner returned 25
                Instead: return, and combine in the caller
                  a and b make 11
                Instead: submit the second call in a done callback of the first
                  on one thread 5 became 25
                Instead: let the caller submit as results come, with asCompleted
                  the squares are [1, 4, 9, 16]

                """, "\(run)")
        #expect(run.errorOutput == "" && run.exitCode == 0)
    }

    private struct Mishap: Error {}

    /// What `then` makes of 1, on a pool of one thread.
    private func outcome<Next: Sendable>(_ next: @escaping @Sendable (Int) throws -> Next) throws -> Next {
        let pool = try ThreadPoolExecutor(maxWorkers: 1)
        defer { pool.shutdown() }
        return try pool.submit { 1 }.then(on: pool, next).result(timeout: longTime)
    }

    @Test("then: the error of either call is the outcome")
    func errors() throws {
        #expect(try outcome { one in "\(one)" } == "1")
        #expect(throws: Mishap.self) { try outcome { _ -> Int in throw Mishap() } }
        let pool = try ThreadPoolExecutor(maxWorkers: 1)
        defer { pool.shutdown() }
        let second = try pool.submit { () -> Int in throw Mishap() }.then(on: pool) { $0 + 1 }
        #expect(throws: Mishap.self) { try second.result(timeout: longTime) }
    }

    @Test("then: a pool that takes no more calls, or cancels the second, is the outcome too")
    func shutDown() throws {
        let pool = try ThreadPoolExecutor(maxWorkers: 1)
        let gate = Future<Void>()
        let first = try pool.submit { try gate.result(timeout: longTime) }
        let refused = first.then(on: pool) { 1 }
        pool.shutdown(wait: false)
        try gate.setResult(())
        #expect(throws: ExecutorShutdownError.self) { try refused.result(timeout: longTime) }
        pool.shutdown()

        let other = try ThreadPoolExecutor(maxWorkers: 1)
        let start = Future<Void>()
        let end = Future<Void>()
        let busy = try other.submit {
            try start.setResult(()); try end.result(timeout: longTime)
        }
        try start.result(timeout: longTime)
        let done = Future<Int>()
        try done.setResult(1)
        // The second call waits behind the busy one.
        let cancelled = done.then(on: other) { $0 }
        other.shutdown(wait: false, cancelFutures: true)
        #expect(throws: CancelledError.self) { try cancelled.result(timeout: longTime) }
        try end.setResult(())
        other.shutdown()
        #expect(busy.isDone)
    }
}
