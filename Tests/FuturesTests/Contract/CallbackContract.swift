import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct CallbackContract {
        enum Ending: String, CaseIterable { case value, error, cancellation }

        @Test(
            "callbacks are called once each, in the order added, however the call ends", .proves(.C1),
            arguments: ExecutorKind.pools, Ending.allCases)
        func order(kind: ExecutorKind, ending: Ending) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let future = try executor.submit(refuse, ending == .error ? 5 : 0)
                let called = Mutex<[Int]>([])
                for number in 0..<10 {
                    future.addDoneCallback { done in
                        called.withLock { $0.append(done === future && done.isDone ? number : -1) }
                    }
                }
                if ending == .cancellation { #expect(future.cancel()) }
                held.letGo()
                _ = wait([future], timeout: longTime)
                executor.shutdown()
                #expect(called.withLock { $0 } == Array(0..<10))
            }
        }

        @Test(
            "a callback that comes late is called at once, in the thread that adds it", .proves(.C2),
            arguments: ExecutorKind.allCases)
        func late(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let future = try executor.submit(increment, 1)
                #expect(try future.result(timeout: longTime) == 2)
                let thread = Mutex<UInt?>(nil)
                future.addDoneCallback { _ in thread.withLock { $0 = currentThread() } }
                #expect(thread.withLock { $0 } == currentThread())
            }
        }

        @Test(
            "a slow callback holds up no other worker's results", .proves(.C4), arguments: ExecutorKind.pools)
        func slow(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 2) { executor in
                let (entered, leave) = (Gate(), Gate())
                let held = try HeldWorker(executor)
                held.future.addDoneCallback { _ in
                    entered.open()
                    try? leave.wait()
                }
                held.letGo()
                try entered.wait()
                #expect(try held.future.result(timeout: .zero) == 1)
                for number in 0..<100 {
                    #expect(try executor.submit(increment, number).result(timeout: longTime) == number + 1)
                }
                leave.open()
            }
        }

        @Test(
            "a callback may submit, wait, cancel, add callbacks and shut down", .proves(.C3),
            arguments: ExecutorKind.allCases)
        func uses(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 2) { executor in
                let steps = Mutex<[String]>([])
                let done = Gate()
                try executor.submit(increment, 1).addDoneCallback { future in
                    future.addDoneCallback { _ in steps.withLock { $0.append("added") } }
                    let second = try? executor.submit(add, 20, 22)
                    if let value = try? second?.result(timeout: longTime) { steps.withLock { $0.append("\(value)") } }
                    if second?.cancel() == false { steps.withLock { $0.append("not cancelled") } }
                    executor.shutdown()
                    if (try? executor.submit(increment, 1)) == nil { steps.withLock { $0.append("shut down") } }
                    done.open()
                }
                try done.wait()
                #expect(steps.withLock { $0 } == ["added", "42", "not cancelled", "shut down"])
            }
        }

        @Test(
            "a callback may wait for a whole map, whatever its chunk size", .proves(.C3, .C4),
            arguments: ExecutorKind.allCases)
        func waitsForMap(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 2) { executor in
                let sizes = Mutex<[Int]>([])
                let done = Gate()
                try executor.submit(increment, 1).addDoneCallback { _ in
                    for unordered in [true, false] {
                        let results =
                            unordered
                            ? try? executor.mapUnordered(increment, 0..<3_000, chunkSize: .automatic)
                            : try? executor.map(increment, 0..<3_000, chunkSize: .automatic)
                        if let all = try? results?.collect() { sizes.withLock { $0.append(all.count) } }
                    }
                    done.open()
                }
                try done.wait()
                #expect(sizes.withLock { $0 } == [3_000, 3_000])
            }
        }

        @Test(
            "so may one that runs because a shutdown cancelled its call", .proves(.C3, .H3),
            arguments: ExecutorKind.pools)
        func cancelledByShutdown(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let future = try executor.submit(increment, 1)
                let done = Gate()
                let errors = Mutex<[String]>([])
                future.addDoneCallback { _ in
                    do { _ = try executor.submit(increment, 1) } catch {
                        errors.withLock { $0.append("\(type(of: error))") }
                    }
                    _ = future.cancel()
                    executor.shutdown(wait: false, cancelFutures: true)
                    done.open()
                }
                executor.shutdown(wait: false, cancelFutures: true)
                // Whoever carries out what the pool decided may be another thread, and not be through with it.
                try done.wait()
                #expect(errors.withLock { $0 } == ["ExecutorShutdownError"])
                held.letGo()
            }
        }

        @Test(
            "so may one that runs because the pool broke", .proves(.C3, .T3, .P2, .P4),
            arguments: ["initializer of a thread", "initializer of a process", "crash"])
        func brokenPool(how: String) throws {
            try Leftovers.check {
                let executor: any Executor
                switch how {
                case "initializer of a thread":
                    executor = try ThreadPoolExecutor(maxWorkers: 2) { throw Refused(code: 1) }
                case "initializer of a process":
                    executor = try makePool(initializer: WorkerInitializer(failToSetUp, 1))
                default: executor = try makePool()
                }
                let errors = Mutex<[String]>([])
                let done = Gate()
                let future = try how == "crash" ? executor.submit(leave, 1) : executor.submit(increment, 1)
                future.addDoneCallback { future in
                    do { _ = try executor.submit(increment, 1) } catch {
                        errors.withLock { $0.append("\(type(of: error))") }
                    }
                    do { _ = try executor.map(increment, [1]) } catch {
                        errors.withLock { $0.append("\(type(of: error))") }
                    }
                    _ = future.cancel()
                    executor.shutdown()
                    done.open()
                }
                try done.wait()
                let broken = how.hasSuffix("thread") ? "BrokenThreadPool" : "BrokenProcessPool"
                #expect(errors.withLock { $0 } == [broken, broken])
                #expect(try future.exception(timeout: longTime) is any BrokenExecutor)
                executor.shutdown()
            }
        }
    }
}
