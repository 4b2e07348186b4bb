import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct SubmitContract {
        @Test(
            "submit gives a new future each time, with the value of its own call", .proves(.S1, .F6),
            arguments: ExecutorKind.allCases)
        func values(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let futures = try (0..<100).map { try executor.submit(add, $0, 1000) }
                #expect(Set(futures).count == 100)
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1000..<1100))
                #expect(try executor.submit(addLater, 20, 30).result(timeout: longTime) == 50)
                #expect(try executor.submit(greet, nil).result(timeout: longTime) == "hello, nobody")
                try executor.submit(nothing).result(timeout: longTime)
            }
        }

        @Test(
            "what a call throws arrives on its future, and the worker lives on", .proves(.F10, .F7),
            arguments: ExecutorKind.allCases)
        func errors(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let worker = try executor.submit(processID).result(timeout: longTime)
                for code in 1...20 {
                    let future = try executor.submit(refuse, code)
                    #expect(try future.exception(timeout: longTime) as? Refused == Refused(code: code))
                    #expect(throws: Refused(code: code)) { try future.result() }
                }
                #expect(try executor.submit(refuse, 0).exception(timeout: longTime) == nil)
                #expect(try executor.submit(processID).result(timeout: longTime) == worker)
            }
        }

        @Test(
            "submit does not block while every worker is held", .proves(.S1, .F5), arguments: ExecutorKind.pools)
        func returnsAtOnce(kind: ExecutorKind) throws {
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let futures = try (0..<10_000).map { try executor.submit(increment, $0) }
                #expect(futures.allSatisfy { $0.state == .pending })
                held.letGo()
                #expect(try futures.map { try $0.result(timeout: longTime) } == Array(1...10_000))
            }
        }

        @Test("calls begin in the order of their submission", .proves(.S2), arguments: ExecutorKind.allCases)
        func firstInFirstOut(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                for number in 0..<200 { _ = try executor.submit(appendLine, folder.file("order"), number) }
            }
            #expect(try folder.lines(of: "order") == (0..<200).map(String.init))
        }

        @Test(
            "calls of a higher priority begin first, equal ones in the order of their submission", .proves(.S2),
            arguments: ExecutorKind.pools)
        func priority(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor in
                let held = try HeldWorker(executor)
                let order = folder.file("order")
                for (number, priority) in [0, -1, 3, 0, 3, -1, 9].enumerated() {
                    _ = try executor.submit(appendLine, order, number, options: .priority(priority))
                }
                _ = try executor.map(appendLine, [order, order], 7...8, options: .priority(5))
                held.letGo()
            }
            #expect(try folder.lines(of: "order") == ["6", "7", "8", "2", "4", "0", "3", "1", "5"])
        }

        @Test("after a shutdown nothing is taken", .proves(.S3, .H1), arguments: ExecutorKind.allCases)
        func afterShutdown(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                _ = try executor.submit(increment, 1).result(timeout: longTime)
                executor.shutdown()
                let attempts: [() throws -> Void] = [
                    { _ = try executor.submit(increment, 1) },
                    { _ = try executor.submit(increment, 1, options: .priority(3)) },
                    { _ = try executor.submitWhenRoom(increment, 1) },
                    { _ = try executor.map(increment, [1]) },
                    { _ = try executor.map(increment, [1], bufferSize: 1) },
                    { _ = try executor.mapUnordered(increment, [1]) },
                ]
                for attempt in attempts { #expect(throws: ExecutorShutdownError.self) { try attempt() } }
            }
        }

        @Test("ten threads share an executor", .proves(.S1, .F9), arguments: ExecutorKind.allCases)
        func sharedByThreads(kind: ExecutorKind) throws {
            try kind.withExecutor { executor in
                let failures = Mutex<[String]>([])
                let threads = TestThreads()
                for thread in 0..<10 {
                    threads.start {
                        do {
                            let futures = try (0..<100).map { try executor.submit(add, thread * 1000, $0) }
                            for (number, future) in futures.enumerated() {
                                let value = try future.result(timeout: longTime)
                                if value != thread * 1000 + number { throw Refused(code: value) }
                            }
                        } catch {
                            failures.withLock { $0.append("\(error)") }
                        }
                    }
                }
                threads.join()
                failures.withLock { #expect($0.isEmpty, "\($0)") }
            }
        }
    }
}
