import Futures
import TestFunctions
import TestSupport
import Testing

// What a worker has to say can be more than the wire takes; that costs the call at most, never the pool.
extension ProcessSuites {
    @Suite struct LargeAnswerTests {
        @Test("an error with more to say than a message holds arrives cut", .proves(.S4))
        func wordyError() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let future = try pool.submit(refuseAtLength, 40 << 20)
                let error = try #require(throws: RemoteError.self) { try future.result(timeout: longTime) }
                #expect(error.typeName == "TestFunctions.Wordy")
                #expect(error.message.hasPrefix("éééé"))
                #expect(error.message.hasSuffix("é… (41943040 bytes in all)"), "\(error.message.suffix(40))")
                #expect(error.message.utf8.count < 1 << 20)
                #expect(try pool.submit(add, 1, 2).result(timeout: longTime) == 3)
                pool.shutdown()
            }
        }

        @Test("a chunk whose elements have more to say than a message holds keeps each of them, cut", .proves(.M4))
        func wordyChunk() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let lengths = (0..<30_000).map { $0 % 3 == 0 ? 0 : 2000 }
                let outcomes = try pool.map(refuseAtLength, lengths, chunkSize: lengths.count).outcomes
                var (values, errors) = (0, 0)
                while let outcome = try outcomes.next() {
                    switch outcome {
                    case .success(0): values += 1
                    case .success(let other): Issue.record("\(other)")
                    case .failure(let error as RemoteError):
                        errors += 1
                        if error.typeName != "TestFunctions.Wordy" || !error.message.hasPrefix("ééé") {
                            Issue.record("\(error)")
                        }
                    case .failure(let error): throw error
                    }
                }
                #expect(values == 10_000)
                #expect(errors == 20_000)
                pool.shutdown()
            }
        }

        @Test("a result that is larger than the wire takes fails alone", .proves(.S4, .P8))
        func hugeResult() throws {
            try Leftovers.check {
                let pool = try makePool(maxWorkers: 1)
                let future = try pool.submit(zeros, (1 << 30) + 1)
                let error = try #require(throws: TransportError.self) { try future.result(timeout: longTime) }
                #expect(error.place == .encodingResult)
                #expect(
                    "\(error)" == """
                        the result of "zeros" could not be encoded in the worker: it takes 1073741825 bytes, and the pool \
                        accepts at most 1073741824; return less, or a file's path
                        """)
                #expect(try pool.submit(add, 1, 2).result(timeout: longTime) == 3)
                pool.shutdown()
            }
        }
    }

    @Suite struct CompressionTests {
        /// What a round trip moved, in bytes: to the worker and back from it.
        private func moved(_ compression: CompressionPolicy, _ bytes: [UInt8]) throws -> (there: Int, back: Int) {
            var options = ProcessPoolOptions(compression: compression)
            options.detachedPayloadSize = nil
            let pool = try ProcessPoolExecutor(
                testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker, options: options)
            defer { pool.shutdown() }
            let before = try pool.submit(bytesMoved).result(timeout: longTime)
            #expect(try pool.submit(echoBytes, bytes).result(timeout: longTime) == bytes)
            let after = try pool.submit(bytesMoved).result(timeout: longTime)
            return (after[0] - before[0], after[1] - before[1])
        }

        @Test("large payloads are compressed both ways, if the pool says so and if they shrink")
        func roundTrip() throws {
            try Leftovers.check {
                let size = 1 << 20
                let numbers = (0..<size).map { UInt8(truncatingIfNeeded: $0 >> 8) }
                let plain = try moved(.off, numbers)
                #expect(plain.there > size && plain.back > size)
                let packed = try moved(.zlib(), numbers)
                #expect(packed.there < size / 4 && packed.back < size / 4, "\(packed)")
                let tooSmall = try moved(.zlib(threshold: size + 1), numbers)
                #expect(tooSmall.there > size && tooSmall.back > size)
                var generator = SystemRandomNumberGenerator()
                let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let unpacked = try moved(.zlib(level: 9), noise)
                #expect(unpacked.there > size && unpacked.back > size)
            }
        }

        @Test("chunks of a map are compressed, too", arguments: [1, 6, 9])
        func chunks(level: Int) throws {
            try Leftovers.check {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(compression: .zlib(level: level, threshold: 1000)))
                let results = try pool.map(increment, 0..<20_000, chunkSize: 5_000).collect()
                #expect(results == Array(1...20_000))
                let counts = pool.compressionCounts
                for direction in [counts.arguments, counts.results] {
                    #expect(direction.compressed == 4 && direction.incompressible == 0)
                    // Numbers of up to three bytes and more, and a head.
                    #expect(
                        direction.originalBytes >= 40_000
                            && direction.compressedBytes < direction.originalBytes / 16 * 15)
                    #expect(direction.savedBytes == direction.originalBytes - direction.compressedBytes)
                }
                pool.shutdown()
            }
        }

        @Test("what compression comes to is counted: what shrank, and what would not have")
        func counted() throws {
            func counts(_ compression: CompressionPolicy, _ payloads: [[UInt8]]) throws -> CompressionCounts {
                let pool = try ProcessPoolExecutor(
                    testRegistry, maxWorkers: 1, worker: BuildProducts.testWorker,
                    options: ProcessPoolOptions(compression: compression))
                defer { pool.shutdown() }
                for bytes in payloads { #expect(try pool.submit(echoBytes, bytes).result(timeout: longTime) == bytes) }
                return pool.compressionCounts
            }
            let zeros = [UInt8](repeating: 0, count: 1 << 18)
            var generator = SystemRandomNumberGenerator()
            let noise = (0..<1 << 18).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let payloads = [zeros, noise, [1, 2, 3], zeros]
            let packed = try counts(.zlib(), payloads)
            for direction in [packed.arguments, packed.results] {
                #expect(direction.compressed == 2 && direction.incompressible == 1)
                #expect(direction.originalBytes == 2 << 18 && direction.compressedBytes < 10_000)
            }
            for compression in [CompressionPolicy.off, .zlib(threshold: 1 << 20)] {
                let none = try counts(compression, payloads)
                for direction in [none.arguments, none.results] {
                    #expect(direction.compressed == 0 && direction.incompressible == 0 && direction.savedBytes == 0)
                }
            }
        }
    }
}
