import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    /// Callbacks that go on with what they were told.
    @Suite struct CallbackChainContract {
        @Test(
            "a callback finds the value, the error and the cancellation without waiting", .proves(.C1),
            arguments: ExecutorKind.pools, [false, true])
        func outcomes(kind: ExecutorKind, late: Bool) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try [0, 7, 0].map { try executor.submit(refuse, $0) }
                let seen = Mutex<[String]>([])
                let called = Gate()
                @Sendable func note(_ future: Future<Int>) {
                    let result = Result { try future.result(timeout: .zero) }
                    let exception = Result { try future.exception(timeout: .zero) as? Refused }
                    seen.withLock { $0.append("\(result), \(exception)") }
                    called.open()
                }
                func add() throws { for future in futures { future.addDoneCallback(note) } }
                if !late { try add() }
                #expect(futures[2].cancel())
                held.letGo()
                _ = wait(futures, timeout: longTime)
                if late { try add() }
                try called.wait(3)
                let refused = Refused(code: 7)
                let cancelled = CancelledError(functionName: "refuse")
                let finished: [(Result<Int, any Error>, Result<Refused?, any Error>)] = [
                    (.success(0), .success(nil)), (.failure(refused), .success(refused)),
                ]
                let last: (Result<Int, any Error>, Result<Refused?, any Error>) = (
                    .failure(cancelled), .failure(cancelled)
                )
                let expected = (late ? finished + [last] : [last] + finished).map { "\($0.0), \($0.1)" }
                #expect(seen.withLock { $0 } == expected)
            }
        }

        @Test(
            "callbacks that submit the next call go on to the end, in several chains at once", .proves(.C3),
            arguments: ExecutorKind.allCases)
        func chains(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let seen = Mutex<[Int: [Int]]>([:])
                let ended = Gate()
                @Sendable func step(_ chain: Int, _ number: Int) {
                    guard let future = try? executor.submit(increment, number - 1) else { return ended.open() }
                    future.addDoneCallback { future in
                        guard let number = try? future.result(timeout: .zero) else { return ended.open() }
                        seen.withLock { $0[chain, default: []].append(number) }
                        if number > 0 { step(chain, number - 1) } else { ended.open() }
                    }
                }
                let lengths = [100, 50, 60]
                for (chain, length) in lengths.enumerated() { step(chain, length) }
                try ended.wait(3)
                for (chain, length) in lengths.enumerated() {
                    #expect(seen.withLock { $0[chain] } == (0...length).reversed())
                }
            }
        }

        @Test(
            "a callback of one executor's future uses another executor, and that one's the first", .proves(.C3),
            arguments: ExecutorKind.allCases, ExecutorKind.allCases)
        func acrossExecutors(first: ExecutorKind, second: ExecutorKind) throws {
            // Two threads: a callback that waits holds the one that called it.
            try withExecutors([first, second]) { executors in
                let answer = Future<Int>()
                try executors[0].submit(increment, 0).addDoneCallback { future in
                    do {
                        let other = try executors[1].submit(increment, try future.result(timeout: .zero))
                        let mapped = try executors[1].map(increment, [try other.result(timeout: longTime)]).collect()
                        try executors[1].submit(increment, mapped[0]).addDoneCallback { future in
                            answer.run { try executors[0].submit(increment, future.result()).result(timeout: longTime) }
                        }
                    } catch {
                        answer.fail(error)
                    }
                }
                #expect(try answer.result(timeout: longTime) == 5)
            }
        }

        @Test(
            "a callback may shut another executor down, and wait for that", .proves(.C3, .H1),
            arguments: ExecutorKind.allCases, ExecutorKind.allCases)
        func shutsAnotherDown(first: ExecutorKind, second: ExecutorKind) throws {
            try withExecutors([first, second]) { executors in
                let futures = try (0..<20).map { try executors[1].submit(increment, $0) }
                let answer = Future<Bool>()
                try executors[0].submit(increment, 0).addDoneCallback { _ in
                    executors[1].shutdown()
                    answer.fulfil(futures.allSatisfy { $0.isDone })
                }
                #expect(try answer.result(timeout: longTime))
                #expect(throws: ExecutorShutdownError.self) { try executors[1].submit(increment, 1) }
                #expect(try executors[0].submit(increment, 1).result(timeout: longTime) == 2)
            }
        }
    }
}
