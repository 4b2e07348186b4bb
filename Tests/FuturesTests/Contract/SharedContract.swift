import Futures
import TestFunctions
import TestSupport
import Testing

extension ProcessSuites {
    @Suite struct SharedContract {
        @Test("a shared value is an argument of many calls", arguments: ExecutorKind.allCases)
        func use(kind: ExecutorKind) throws {
            try kind.withExecutor { executor throws in
                let table = try executor.share(CountedTable(Array(0..<1000)))
                for chunkSize in [1, 10] {
                    let found = try executor.map(
                        lookUp, repeatElement(table, count: 100), stride(from: 0, to: 1000, by: 10),
                        chunkSize: chunkSize
                    ).collect()
                    #expect(found.map { $0[0] } == Array(stride(from: 0, to: 1000, by: 10)))
                    // Once in each process; never where it was shared and is passed as it is.
                    #expect(found.allSatisfy { $0[1] == (kind == .processes ? 1 : 0) })
                }
                let questions = (0..<20).map { Question(table: table, index: $0) }
                #expect(try executor.map(answerQuestion, questions, chunkSize: 3).collect() == Array(0..<20))
                #expect(try executor.submit(answerQuestion, questions[7]).result() == 7)
                // Here it is as before.
                #expect(try table.value.numbers == Array(0..<1000))
            }
        }

        @Test("bytes are read where they lie", arguments: ExecutorKind.allCases)
        func bytes(kind: ExecutorKind) async throws {
            try await kind.withExecutor { executor async throws in
                for size in [0, 1, 100_000] {
                    let bytes = try executor.share([UInt8](repeating: 3, count: size))
                    #expect(try await executor.submit(sumShared, bytes).value == 3 * size)
                    #expect(try bytes.withUnsafeBytes { $0.count } == size)
                    // A result may be a handle, too.
                    #expect(try await executor.submit(echoShared, bytes).value.value == bytes.value)
                }
            }
        }

        @Test("a value that was shared on one executor is good for others")
        func otherExecutors() throws {
            try ExecutorKind.processes.withExecutor { pool throws in
                let inline = InlineExecutor()
                defer { inline.shutdown() }
                let table = try inline.share(CountedTable([5, 6]))
                #expect(try pool.submit(lookUp, table, 1).result()[0] == 6)
                #expect(try inline.submit(lookUp, table, 1).result()[0] == 6)
            }
        }
    }
}
