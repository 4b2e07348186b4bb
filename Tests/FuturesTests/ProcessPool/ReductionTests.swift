import Glibc
import TestFunctions
import TestSupport
import Testing
import Wire

@testable import Futures

extension ProcessSuites {
    @Suite struct ReductionTests {
        private func withPool<R>(
            _ policy: WorkerLossPolicy = .breakPool, _ body: (ProcessPoolExecutor) throws -> R
        ) throws -> R {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(onWorkerLoss: policy))
                defer { pool.shutdown() }
                return try body(pool)
            }
        }

        @Test("workers combine; this process never does")
        func workersCombine() throws {
            try withPool { pool throws in
                let combined = try #require(try pool.reduce(whoCombines, 0..<500, chunkSize: 1))
                #expect(combined.count == 500)
                #expect((1...2).contains(combined.processes.count) && !combined.processes.contains(getpid()))
            }
        }

        @Test("a chunk that is lost with its worker is run again if the pool says so")
        func retried() throws {
            let folder = TemporaryFolder()
            let paths = Array(repeating: folder.file("once"), count: 100)
            try withPool(.retry(RetryPolicy(crashes: 2))) { pool throws in
                #expect(try pool.reduce(trapOnce, 0..<100, paths, chunkSize: 5) == 4950)
            }
        }

        @Test("a chunk that is lost with its worker fails the reduction otherwise")
        func lost() throws {
            let folder = TemporaryFolder()
            let paths = Array(repeating: folder.file("once"), count: 100)
            try withPool(.failTask) { pool throws in
                let error = try #require(throws: WorkerLostError.self) {
                    try pool.reduce(trapOnce, 0..<100, paths, chunkSize: 5)
                }
                #expect("\(error)".contains("thirteen"))
                #expect(try pool.reduce(trapOnce, 0..<100, paths, chunkSize: 5) == 4950)
            }
        }

        @Test("what does not travel between workers is no error of the function's, and is not run again", .proves(.S4))
        func fragile() throws {
            let folder = TemporaryFolder()
            try withPool(.retry(RetryPolicy(errors: 2, backoff: .none))) { pool throws in
                let encoding = try #require(throws: TransportError.self) {
                    try pool.reduce(collectFragile, [folder.file("one")], ["encoding"])
                }
                #expect(encoding.place == .encodingResult && encoding.functionName == "collect_fragile")
                #expect(try folder.lines(of: "one").count == 1)
                let decoding = try #require(throws: TransportError.self) {
                    let paths = Array(repeating: folder.file("two"), count: 2)
                    return try pool.reduce(collectFragile, paths, ["none", "decoding"], chunkSize: 1)
                }
                #expect(decoding.place == .decodingArguments)
                #expect(try folder.lines(of: "two").count == 2)
            }
        }

        @Test("a reduction of a plug-in's is named, and its types are compared")
        func external() throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(.external, maxWorkers: 1, worker: BuildProducts.testWorker)
                defer { pool.shutdown() }
                #expect(
                    try pool.reduce(Reduction<String, Int>(external: "spell"), [1, 2, 3], chunkSize: 2) == "1 2 3 ")
                #expect(throws: CallableError.self) {
                    try pool.reduce(Reduction<[String], Int>(external: "spell"), [1, 2, 3])
                }
            }
        }

        @Test("bytes that are no partial result are an error")
        func hostile() throws {
            let codec = ValueCodec<Int>()
            for bytes: [UInt8] in [[], [1, 2, 3], Array(repeating: 0, count: 9), Array(repeating: 255, count: 20)] {
                let partial = EncodedPartial<Int>(bytes: bytes)
                #expect(throws: (any Error).self) { try partial.value(codec) }
                #expect(partial.runTime >= 0)
            }
            #expect(try EncodedPartial(42, codec, since: 0).value(codec) == 42)
            // Columns of different lengths, as no pool sends them.
            #expect(throws: ReductionError.columnsDiffer) { try sumProducts.code.fold([1, 2], [1]) }
            #expect(throws: ReductionError.empty) { try sumProducts.code.fold([], []) }
            #expect(throws: ReductionError.empty) { try sumProducts.code.combine([]) }
        }
    }
}
