import TestSupport
import Testing

@testable import Futures

private struct Refusal: Error, CustomStringConvertible { let description = "no database" }

@Suite struct FutureErrorTests {
    @Test("CancelledError says which call")
    func cancelled() {
        #expect("\(CancelledError())" == "the call was cancelled")
        #expect("\(CancelledError(functionName: "pow"))" == "the call of \"pow\" was cancelled")
    }

    @Test("TimeoutError says what was waited for, how long, and who waited", .proves(.F8))
    func timeout() throws {
        let future = Future<Int>(owner: nil, ticket: 0, functionName: "pow")
        let one = try #require(throws: TimeoutError.self) { try future.result(timeout: .milliseconds(1)) }
        #expect("\(one)" == "the call of \"pow\" was unfinished after 0.001 seconds")
        let many = TimeoutError(timeout: .seconds(2), unfinished: 3, total: 7)
        #expect("\(many)" == "3 of 7 futures were unfinished after 2.0 seconds")
        future.fail(many)
        let stored = try #require(throws: TimeoutError.self) { try future.result() }
        #expect("\(stored)" == "the task gave up waiting: 3 of 7 futures were unfinished after 2.0 seconds")
    }

    @Test("InvalidStateError names the operation, the state and the function", .proves(.F13))
    func invalidState() throws {
        let future = Future<Int>(owner: nil, ticket: 0, functionName: "pow")
        future.fulfil(1)
        var error = try #require(throws: InvalidStateError.self) { try future.setResult(2) }
        #expect(
            "\(error)"
                == "setResult is not possible: the future of \"pow\" is finished; its first outcome stays")
        let cancelled = Future<Int>()
        cancelled.cancel()
        #expect(try !cancelled.setRunningOrNotifyCancel())
        error = try #require(throws: InvalidStateError.self) { try cancelled.setException(Refusal()) }
        #expect(
            "\(error)"
                == "setException is not possible: the future is cancelled (and was notified of it); its first outcome stays"
        )
    }

    @Test("ExecutorShutdownError says what to do", .proves(.S3))
    func shutdown() {
        #expect(
            "\(ExecutorShutdownError())"
                == "the executor has been shut down and takes no more work; submit before shutdown, or make a new executor"
        )
    }

    @Test("BrokenThreadPool carries the initializer's error, and is a BrokenExecutor", .proves(.T3))
    func brokenThreadPool() {
        let error: any Error = BrokenThreadPool(reason: "the initializer of a thread failed", cause: Refusal())
        #expect(
            "\(error)"
                == "the thread pool is broken: the initializer of a thread failed: no database; make a new one")
        #expect((error as? any BrokenExecutor)?.cause is Refusal)
    }

    @Test("BrokenProcessPool says function, task, attempt, pid, exit status and last words of the worker", .proves(.P5))
    func brokenProcessPool() {
        let loss = WorkerLoss(
            processID: 4711, status: .signaled(signal: 9, dumpedCore: false), cause: .outOfMemory(.killedByKernel),
            functionName: "crunch", taskID: 12, attempt: 2, standardErrorTail: "loading\nFatal error: out of paper\n")
        let error: any BrokenExecutor = BrokenProcessPool(reason: "a worker process ended abruptly", loss: loss)
        #expect(
            "\(error)" == """
                the process pool is broken: a worker process ended abruptly; make a new one
                worker process 4711 was ended by signal 9 (SIGKILL) while it ran the call of "crunch" (task 12, attempt 2)
                memory ran out: the kernel killed it, since its control group or the machine had no more
                the end of its standard error:
                  loading
                  Fatal error: out of paper
                """)
        let idle = WorkerLoss(processID: 5, status: .exited(code: 3))
        #expect("\(idle)" == "worker process 5 exited with code 3 while it ran no task")
        #expect("\(BrokenProcessPool(reason: "why", cause: Refusal()))".contains("why: no database"))
    }

    @Test("Arguments below 1 are refused with their name")
    func invalidArgument() throws {
        try InvalidArgumentError.check("maxWorkers", 1)
        let error = try #require(throws: InvalidArgumentError.self) {
            try InvalidArgumentError.check("maxWorkers", 0)
        }
        #expect("\(error)" == "maxWorkers must be at least 1, not 0")
    }
}
