import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    /// Maps over nothing, and maps that end before their time.
    @Suite struct MapEdgeTests {
        @Test("without a sequence there is no element, as with one that is empty", .proves(.M1))
        func noSequences() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                #expect(try pool.map(processID).collect().isEmpty)
                #expect(try pool.map(increment, []).collect().isEmpty)
                pool.shutdown()
                let threads = try ThreadPoolExecutor(maxWorkers: 1)
                #expect(try threads.map(processID).collect().isEmpty)
                threads.shutdown()
            }
        }

        @Test("an endless sequence may be beside one that ends, on either side, with any chunk size", .proves(.M1))
        func endlessBesideFinite() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let three = sequence(first: 10) { $0 < 12 ? $0 + 1 : nil }
                let many = sequence(first: 0) { $0 < 20_000 ? $0 + 1 : nil }
                #expect(try pool.map(add, 0..., [1, 2, 3], chunkSize: .automatic).collect() == [1, 3, 5])
                #expect(try pool.map(add, [1, 2, 3], 0..., chunkSize: .automatic).collect() == [1, 3, 5])
                #expect(try pool.map(add, 0..., three, chunkSize: .automatic).collect() == [10, 12, 14])
                #expect(try pool.map(add, three, 0..., chunkSize: .automatic).collect() == [10, 12, 14])
                #expect(try pool.map(add, 0..., many, chunkSize: .automatic).collect() == (0...20_000).map { 2 * $0 })
                #expect(try pool.map(add, many, three, chunkSize: .automatic).collect() == [10, 12, 14])
                pool.shutdown()
            }
        }

        @Test(
            "a chunk as large as can be is what a worker takes, and not more", .proves(.M7),
            .enabled(if: WorkerLossTests.crashesArePlain, "takes minutes with a sanitizer"))
        func largestChunks() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let bytes = [UInt8](repeating: 7, count: (1 << 24) + 1)
                let results = try pool.map(echoByte, bytes, chunkSize: Int.max)
                #expect(try results.collect() == bytes)
                pool.shutdown()
            }
        }

        @Test("ending a map with much sent ahead asks the worker for all of it at once", .proves(.M5))
        func endsEarly() throws {
            try Leftovers.check {
                let folder = TemporaryFolder()
                let pool = try makePool(maxWorkers: 1)
                // Short calls first, so that many are sent ahead.
                for _ in 0..<3 { _ = try pool.map(awaitFile, Array(repeating: "/", count: 300)).collect() }
                let paths = ["/"] + [folder.file("go")] + Array(repeating: "/", count: 200)
                let results = try pool.map(awaitFile, paths, timeout: longTime)
                #expect(try results.next() == 1)
                let start = ContinuousClock.now
                results.cursor.end()
                let time = ContinuousClock.now - start
                #expect(time < .seconds(1), "it took \(time)")
                folder.write("", to: "go")
                pool.shutdown()
            }
        }
    }
}
