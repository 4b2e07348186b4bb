import Futures
import Glibc
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct ReductionContract {
        @Test(
            "elements are combined in their order, whatever the chunk size; nothing comes to nil",
            arguments: ExecutorKind.allCases)
        func order(kind: ExecutorKind) throws {
            try kind.withExecutor { executor throws in
                let expected = (0..<1000).map { "\($0) " }.joined()
                for chunkSize in [1, 3, 400, 5000] {
                    #expect(try executor.reduce(spell, 0..<1000, chunkSize: chunkSize) == expected)
                }
                #expect(try executor.reduce(spell, 0..<1000) == expected)
                #expect(try executor.reduce(spell, 0..<1000, bufferSize: 10) == expected)
                #expect(try executor.reduce(spell, EmptyCollection<Int>()) == nil)
                #expect(try executor.reduce(spell, [7], chunkSize: 10) == "7 ")
                #expect(try executor.reduce(appendBytes, [UInt8](0...255), chunkSize: 9) == [UInt8](0...255))
            }
        }

        @Test("several sequences side by side, to the shortest", arguments: ExecutorKind.allCases)
        func several(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor async throws in
                let sum = (1...500).reduce(0) { $0 + $1 * $1 }
                #expect(try await executor.reduce(sumProducts, 1..., AnySequence(1...500)) == sum)
                #expect(try await executor.reduce(sumProducts, 1...500, 1..., inOrder: false, chunkSize: 3) == sum)
                #expect(
                    try await executor.reduce(sumProducts, AsyncNumbers(upTo: 500), AsyncNumbers())
                        == sum - 500 * 500)
            }
        }

        @Test("asynchronous input; its error is the reduction's", arguments: ExecutorKind.allCases)
        func asynchronous(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor async throws in
                let expected = (0..<100).map { "\($0) " }.joined()
                for chunkSize in [1, 7] {
                    #expect(try await executor.reduce(spell, AsyncNumbers(upTo: 100), chunkSize: chunkSize) == expected)
                }
                await #expect(throws: Refused(code: 3)) {
                    try await executor.reduce(spell, AsyncNumbers(upTo: 100, failure: Refused(code: 3)))
                }
                // Nothing is amiss with the executor.
                #expect(try await executor.reduce(spell, [1, 2]) == "1 2 ")
            }
        }

        @Test(
            "the first error of an element, in order, is the reduction's", arguments: ExecutorKind.allCases, [1, 2, 9])
        func failures(kind: ExecutorKind, chunkSize: Int) throws {
            try kind.withExecutor { executor throws in
                #expect(try executor.reduce(refuseSome, [0, 0, 0], chunkSize: chunkSize) == 2)
                #expect(throws: Refused(code: 7)) {
                    try executor.reduce(refuseSome, [0, 0, 7, 0, 8], chunkSize: chunkSize)
                }
                // So is one of combining, in a chunk or of chunks.
                #expect(throws: Refused(code: 100)) {
                    try executor.reduce(refuseSome, Array(repeating: 0, count: 40), chunkSize: chunkSize)
                }
            }
        }

        @Test("sizes below 1 are errors at the call", arguments: ExecutorKind.allCases)
        func badSizes(kind: ExecutorKind) throws {
            try kind.withExecutor { executor throws in
                for (argument, attempt) in [
                    ("chunkSize", { try executor.reduce(spell, [1], chunkSize: 0) }),
                    ("bufferSize", { try executor.reduce(spell, [1], bufferSize: 0) }),
                    ("chunkSize", { try executor.reduce(spell, AsyncNumbers(), chunkSize: -1) }),
                ] as [(String, () throws -> String?)] {
                    let error = try #require(throws: InvalidArgumentError.self) { try attempt() }
                    #expect(error.argument == argument)
                }
            }
        }

        @Test(
            "endless input is read no further than the buffer says, and ends with the time",
            arguments: ExecutorKind.pools)
        func timeout(kind: ExecutorKind) throws {
            let folder = TemporaryFolder()
            try kind.withExecutor(maxWorkers: 1) { executor throws in
                let taken = Mutex(0)
                let paths = sequence(state: folder.file("later")) { path in
                    taken.withLock { $0 += 1 }
                    return path
                }
                #expect(throws: TimeoutError.self) {
                    try executor.reduce(awaitAll, paths, chunkSize: 2, bufferSize: 10, timeout: .milliseconds(20))
                }
                #expect(taken.withLock { $0 } <= 10)
                folder.write("", to: "later")
                #expect(try executor.submit(increment, 1).result(timeout: longTime) == 2)
            }
        }

        @Test("with a full backlog it waits for room", arguments: ExecutorKind.pools)
        func backlog(kind: ExecutorKind) async throws {
            try await kind.withExecutor(backlogLimit: BacklogLimit(tasks: 2)) { executor async throws in
                let expected = (0..<300).map { "\($0) " }.joined()
                #expect(try await executor.reduce(spell, 0..<300, chunkSize: 2) == expected)
                #expect(try await executor.reduce(spell, AsyncNumbers(upTo: 300), chunkSize: 2) == expected)
            }
        }

        @Test("cancelling who waits ends it", arguments: ExecutorKind.pools)
        func cancellation(kind: ExecutorKind) async throws {
            try await kind.withExecutor(maxWorkers: 1) { executor async throws in
                let held = try HeldWorker(executor)
                let task = Task { try await executor.reduce(spell, 0..., chunkSize: 2) }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                held.letGo()
                #expect(try await executor.submit(increment, 1).value == 2)
            }
        }

        @Test("after a shutdown it is refused", arguments: ExecutorKind.allCases)
        func shutDown(kind: ExecutorKind) async throws {
            let executor = try kind.make()
            await executor.shutdown()
            await #expect(throws: ExecutorShutdownError.self) { try await executor.reduce(spell, [1]) }
        }
    }
}
