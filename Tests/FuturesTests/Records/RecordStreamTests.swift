import CProto
import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

extension ProcessSuites {
    @Suite struct RecordStreamTests {
        /// A pipe into which a thread writes bytes in pieces of random sizes; `body` reads.
        private func withStream<R>(
            of bytes: [UInt8], seed: UInt64 = 1, closes: Bool = true, _ body: (Int32) async throws -> R
        ) async throws -> R {
            var (input, output) = (Int32(-1), Int32(-1))
            let made = futures_pipe(&input, &output)
            try #require(made == 0)
            let writer = TestThreads()
            writer.start { [output] in
                var random = SplitMix(seed: seed)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = min(rest.count, Int.random(in: 1...70_000, using: &random))
                    let written = rest.withUnsafeBytes { write(output, $0.baseAddress, count) }
                    guard written > 0 else { break }
                    rest.removeFirst(written)
                }
                if closes { close(output) }
            }
            let result: Result<R, any Error>
            do { result = .success(try await body(input)) } catch { result = .failure(error) }
            // Nobody reads any more: a writer that waits has an error.
            close(input)
            writer.join()
            if !closes { close(output) }
            return try result.get()
        }

        private func collect(_ stream: RecordStream) async throws -> [RecordChunk] {
            var chunks: [RecordChunk] = []
            for try await chunk in stream { chunks.append(chunk) }
            return chunks
        }

        @Test(
            "chunks are whole records, have the size, and together are the stream, however it comes",
            arguments: [.lines, .nullDelimited, .csv(), .fixed(size: 7), .fixed(size: 70_000)] as [RecordFormat])
        func coverTheStream(format: RecordFormat) async throws {
            try await Leftovers.check {
                for (count, size) in [(0, 5), (1, 1), (70, 1), (700, 700), (300_000, 13_000), (900_000, 300_000)] {
                    var random = SplitMix(seed: UInt64(count + size))
                    let content = (0..<count).map { _ in Array("abcdefg\"\n,\0\r".utf8).randomElement(using: &random)! }
                    let chunks = try await withStream(of: content, seed: UInt64(size)) {
                        try await collect(RecordStream(reading: $0, by: format, size: size))
                    }
                    var together: [UInt8] = []
                    for (index, chunk) in chunks.enumerated() {
                        guard case .bytes(let bytes, format) = chunk.content else { throw Unexpected(chunk) }
                        together += bytes
                        #expect(!bytes.isEmpty && chunk.length == bytes.count)
                        // No more than there has to be.
                        let end = bytes.withUnsafeBytes { bytes in
                            var scanner = RecordScanner(format)
                            return scanner.firstEnd(in: bytes, from: size)
                        }
                        #expect(end == bytes.count || index == chunks.count - 1)
                    }
                    let isWhole = together == content
                    #expect(isWhole)
                    #expect(
                        try chunks.flatMap { try $0.strings() }
                            == RecordChunk(content, format: format).strings())
                }
            }
        }

        private struct Unexpected: Error {
            var chunk: RecordChunk
            init(_ chunk: RecordChunk) { self.chunk = chunk }
        }

        @Test("a record that does not end is an error, and not all of the memory")
        func endlessRecord() async throws {
            try await Leftovers.check {
                let bytes = [UInt8](repeating: 65, count: 300_000)
                let error = try await #require(throws: RecordSizeError.self) {
                    try await withStream(of: Array("first\n".utf8) + bytes) {
                        try await collect(RecordStream(reading: $0, size: 2, recordSizeLimit: 200_000))
                    }
                }
                #expect(error == RecordSizeError(offset: 6, limit: 200_002))
                #expect("\(error)".contains("does not end within 200002 bytes behind byte 6"))
                #expect(throws: InvalidArgumentError.self) { try RecordStream(reading: 0, size: 0) }
                #expect(throws: InvalidArgumentError.self) { try RecordStream(reading: -1) }
                // Short records, whatever the size; and one chunk of all.
                for size in [200_000, Int.max] {
                    let chunks = try await withStream(of: bytes) {
                        try await collect(
                            RecordStream(reading: $0, by: .fixed(size: 10), size: size, recordSizeLimit: .max))
                    }
                    #expect(chunks.map(\.length) == (size == .max ? [300_000] : [200_000, 100_000]))
                }
                #expect(throws: InvalidArgumentError.self) { try RecordStream(reading: 0, recordSizeLimit: 0) }
            }
        }

        /// Each part becomes a member of its own.
        private func gzipped(_ parts: [[UInt8]]) throws -> [UInt8] {
            let folder = TemporaryFolder()
            return try parts.flatMap { part in
                let path = folder.write(part[...], to: "part")
                let gzip = try ChildProgram("/bin/sh", ["-c", "gzip -c \(path) > \(path).gz"], capturesOutput: true)
                #expect(gzip.readToEnd() == "")
                return try #require(ProcFiles.bytes(of: "\(path).gz"))
            }
        }

        @Test("what gzip made comes out in the same chunks as what it was made of, member by member")
        func inflated() async throws {
            var random = SplitMix(seed: 3)
            let content = (0..<700_000).map { _ in Array("abcdefg\"\n,\0\r".utf8).randomElement(using: &random)! }
            let members = try gzipped([
                Array(content[..<1]), [], Array(content[1..<300_000]), Array(content[300_000...]),
            ])
            try await Leftovers.check {
                for (format, size) in [(RecordFormat.lines, 1 << 16), (.csv(), 1000), (.fixed(size: 1 << 19), 1)] {
                    let plain = try await withStream(of: content) {
                        try await collect(RecordStream(reading: $0, by: format, size: size, compression: .automatic))
                    }
                    for (bytes, compression) in [
                        (members, RecordStream.Compression.gzip), (members, .automatic),
                        (members + [UInt8](repeating: 0, count: 100_000), .automatic),
                    ] {
                        let chunks = try await withStream(of: bytes, seed: UInt64(size)) {
                            try await collect(
                                RecordStream(reading: $0, by: format, size: size, compression: compression))
                        }
                        #expect(chunks == plain)
                    }
                }
                for few in [[], [0x1F], [0x8B, 0x1F]] as [[UInt8]] {
                    let chunks = try await withStream(of: few) {
                        try await collect(RecordStream(reading: $0, compression: .automatic))
                    }
                    #expect(chunks == (few.isEmpty ? [] : [RecordChunk(few, format: .lines)]))
                }
                let asItIs = try await withStream(of: members) {
                    try await collect(RecordStream(reading: $0, by: .whole))
                }
                #expect(asItIs == [RecordChunk(members, format: .whole)])
            }
        }

        @Test("after an error there is nothing, least of all half of a record")
        func afterAnError() async throws {
            try await Leftovers.check {
                let whole = try gzipped([Array(String(repeating: "a line of text", count: 100_000).utf8)])
                try await withStream(of: Array(whole.dropLast(20))) { input in
                    var chunks = try RecordStream(reading: input, compression: .gzip).makeAsyncIterator()
                    await #expect(throws: GzipStreamError.self) { try await chunks.next() }
                    #expect(try await chunks.next() == nil)
                }
            }
        }

        @Test("a first byte that is not gzip's is not kept back until there are more")
        func firstByte() async throws {
            try await withStream(of: Array("\n".utf8), closes: false) { input in
                var iterator = try RecordStream(reading: input, size: 1, compression: .automatic).makeAsyncIterator()
                #expect(try await iterator.next() == RecordChunk(Array("\n".utf8), format: .lines))
            }
        }

        @Test("cut off, damaged, or with something else behind it, what should be gzip's is an error")
        func notInflated() async throws {
            let whole = try gzipped([Array("some lines\nof text\n".utf8)])
            func error(_ bytes: [UInt8]) async throws -> GzipStreamError? {
                await #expect(throws: GzipStreamError.self) {
                    try await withStream(of: bytes) {
                        try await collect(RecordStream(reading: $0, compression: .gzip))
                    }
                }
            }
            try await Leftovers.check {
                for count in 0..<whole.count {
                    #expect(try await error(Array(whole[..<count])) == .truncated)
                    // After a whole one, it is another that has begun.
                    if count > 0 { #expect(try await error(whole + whole[..<count]) == .truncated) }
                }
                var damaged = whole
                damaged[whole.count - 8] ^= 1
                let corrupt = try await error(damaged)
                #expect("\(try #require(corrupt))".hasPrefix("its gzip data is damaged, at or before byte "))
                #expect(try await error(Array("no gzip at all".utf8)) == .corrupt(offset: 2))
                #expect(try await error(whole + [65]) == .trailing(offset: whole.count))
                #expect(try await error(whole + [0, 0, 65]) == .trailing(offset: whole.count + 2))
                #expect("\(GzipStreamError.truncated)" == "its gzip data ends in the middle")
                #expect(
                    "\(GzipStreamError.trailing(offset: 7))"
                        == "behind its gzip data there is something else, from byte 7 on")
            }
        }

        @Test(
            "what becomes very large is inflated piece by piece, and a record without an end no further than its limit")
        func inflatedPieceByPiece() async throws {
            let bytes = try gzipped([[UInt8](repeating: 65, count: 200 << 20)])
            let error = try await #require(throws: RecordSizeError.self) {
                try await withStream(of: bytes) {
                    try await collect(RecordStream(reading: $0, size: 1, recordSizeLimit: 1 << 20, compression: .gzip))
                }
            }
            #expect(error.offset == 0)
            var (count, largest) = (0, 0)
            try await withStream(of: bytes) { input in
                let stream = try RecordStream(reading: input, by: .fixed(size: 1 << 16), compression: .gzip)
                for try await chunk in stream { (count, largest) = (count + chunk.length, max(largest, chunk.length)) }
            }
            #expect(count == 200 << 20 && largest == 1 << 20)
        }

        @Test("what cannot be read is an error")
        func unreadable() async throws {
            try await Leftovers.check {
                let error = try await #require(throws: SystemError.self) {
                    try await collect(RecordStream(reading: 999))
                }
                #expect("\(error)".contains("reading records"), "\(error)")
            }
        }

        @Test("a reader that waits ends with its iteration, and with its task")
        func endedWhileWaiting() async throws {
            try await Leftovers.check {
                try await withStream(of: Array("a\nb\n".utf8), closes: false) { input in
                    var iterator = try RecordStream(reading: input, size: 1).makeAsyncIterator()
                    #expect(try await iterator.next()?.strings() == ["a"])
                    #expect(try await iterator.next()?.strings() == ["b"])
                    let task = Task { [iterator] in
                        var iterator = iterator
                        return try await iterator.next()
                    }
                    task.cancel()
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
            }
        }

        @Test("a map over a stream and a file with the same callable")
        func mapped() async throws {
            try await Leftovers.check {
                let folder = TemporaryFolder()
                let bytes = (0..<50_000).flatMap { Array("\($0)\n".utf8) }
                let path = folder.write(bytes[...], to: "input")
                let pieces = try FilePieces(of: path, size: 10_000)
                try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
                    let counts = try await withStream(of: bytes) { input in
                        try await pool.map(
                            countChunk, RecordStream(reading: input, size: 10_000), bufferSize: .bytes(100_000)
                        ).collect()
                    }
                    #expect(counts.reduce(0, +) == 50_000)
                    #expect(counts.count > 20)
                    let others = try await pool.map(countChunk, pieces.chunks, bufferSize: .bytes(100_000)).collect()
                    #expect(others == counts)
                }
            }
        }
    }
}
