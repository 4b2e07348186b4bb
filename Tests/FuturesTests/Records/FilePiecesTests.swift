import Glibc
import TestFunctions
import TestSupport
import Testing

@testable import Futures

@Suite struct FilePiecesTests {
    private func all(_ pieces: FilePieces) throws -> [FilePiece] {
        var iterator = pieces.makeAsyncIterator()
        var all: [FilePiece] = []
        while let piece = try iterator.next() { all.append(piece) }
        return all
    }

    /// A file with some lines, quoted fields with line ends, and zero bytes.
    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix(seed: seed)
        return (0..<count).map { _ in Array("abcdefg\"\n,\0\r".utf8).randomElement(using: &random)! }
    }

    @Test(
        "pieces follow each other, begin with records, have the size, and together have all records",
        arguments: [.lines, .nullDelimited, .csv(), .fixed(size: 7), .fixed(size: 100_000)] as [RecordFormat])
    func coverTheFile(format: RecordFormat) throws {
        let folder = TemporaryFolder()
        for (count, size) in [(0, 5), (1, 1), (1, 2), (70, 1), (700, 7), (700, 699), (700, 700), (100_000, 13_000)] {
            let content = bytes(count, seed: UInt64(count * 31 + size))
            let path = folder.write(content[...], to: "input")
            let whole = FilePiece(path: path, offset: 0, length: count, format: format)
            let pieces = try all(FilePieces(of: path, by: format, size: size))
            var end = 0
            for piece in pieces {
                #expect(piece.offset == end && piece.length > 0 && piece.path == path && piece.format == format)
                end += piece.length
                #expect(piece.length >= size || end == count)
                // No more than there has to be: without its last record it would be too small.
                let last = try piece.withBytes { bytes in
                    var scanner = RecordScanner(format)
                    return scanner.firstEnd(in: bytes, from: size)
                }
                #expect(last == piece.length || end == count)
            }
            #expect(end == count)
            #expect(try pieces.flatMap { try $0.strings() } == whole.strings())
        }
    }

    @Test("a record that is longer than a piece, and than what is read at once, is one piece")
    func longRecords() throws {
        let folder = TemporaryFolder()
        let long = String(repeating: "x", count: 1_000_000)
        for (format, text) in [(RecordFormat.lines, "a\n\(long)\nb\n"), (.csv(), "a\n\"\n\(long)\n\"\nb\n")] {
            let path = folder.write(text, to: "input")
            let pieces = try all(FilePieces(of: path, by: format, size: 3))
            #expect(pieces.count == 2)
            #expect(try pieces.map { try $0.strings().count } == [2, 1])
        }
    }

    @Test("a file is read once, however small the pieces of CSV")
    func isReadOnce() throws {
        let folder = TemporaryFolder()
        let path = folder.write(String(repeating: "1,\"2\"\n", count: 100_000), to: "input")
        func bytesRead() -> Int {
            let line = ProcFiles.lines(of: "/proc/thread-self/io").first { $0.hasPrefix("rchar:") } ?? ""
            return Int(line.filter(\.isNumber)) ?? 0
        }
        // The thread may be new and have read nothing; asking is the first it reads.
        _ = bytesRead()
        let before = bytesRead()
        #expect(before > 0)
        #expect(try all(FilePieces(of: path, by: .csv(), size: 100)).count == 600_000 / 102 + 1)
        #expect(bytesRead() - before < 2 * 600_000 + 100_000)
    }

    @Test("a record that is longer than the limit is an error, also where no end comes; without one it is a piece")
    func limitedRecords() throws {
        let folder = TemporaryFolder()
        for (format, text) in [(RecordFormat.lines, "aa\nb"), (.csv(), "aa\n\"b")] {
            for end in ["\n", "\"\nc\n", ""] {
                let long = String(repeating: "x", count: 600_000)
                let path = folder.write(text + long + end, to: "input")
                let limited = try FilePieces(of: path, by: format, size: 3, recordSizeLimit: 100_000)
                var iterator = limited.makeAsyncIterator()
                #expect(try iterator.next()?.length == 3)
                let error = #expect(throws: RecordSizeError.self) { try iterator.next() }
                #expect(error.map { $0.offset == 3 && $0.limit == 100_003 } ?? false)
                let wide = try FilePieces(of: path, by: format, size: 3, recordSizeLimit: 600_010)
                #expect(try all(wide) == all(FilePieces(of: path, by: format, size: 3)))
            }
        }
        #expect(throws: InvalidArgumentError.self) { try FilePieces(of: folder.file("input"), recordSizeLimit: 0) }
    }

    @Test("a piece's bytes in memory of their own are those that are mapped; a file that is cut is an error of both")
    func contents() throws {
        let folder = TemporaryFolder()
        let path = folder.write((0..<100_000).map { "\($0)\n" }.joined(), to: "input")
        for piece in try all(FilePieces(of: path, size: 50_000)) {
            #expect(try piece.contents() == piece.withBytes { Array($0) })
            #expect(try RecordChunk(piece).loaded() == RecordChunk(piece.contents(), format: .lines))
        }
        #expect(try FilePiece(path: path, offset: 5, length: 0, format: .lines).contents() == [])
        let piece = FilePiece(path: path, offset: 100, length: 10_000, format: .lines)
        // What was not read is not missed at once.
        let error = #expect(throws: FilePieceError.self) { try piece.withBytes { _ in truncate(path, 5_000) } }
        #expect(error?.size == 5_000)
        #expect(throws: FilePieceError.self) { try piece.contents() }
    }

    @Test("a map over pieces is read by the workers, each its own part")
    func isMapped() async throws {
        let folder = TemporaryFolder()
        let path = folder.write((0..<50_000).map { "line \($0)\n" }.joined(), to: "input")
        try await withProcessPool(testRegistry, maxWorkers: 2, worker: BuildProducts.testWorker) { pool in
            let pieces = try FilePieces(of: path, size: 20_000)
            let counts = try await pool.map(countRecords, pieces, bufferSize: 8).collect()
            #expect(counts.count > 20)
            #expect(counts.reduce(0, +) == 50_000)
        }
    }

    // MARK: What goes wrong

    @Test("a file that is not there, no file, and no size are told at once")
    func refuses() throws {
        let folder = TemporaryFolder()
        let missing = #expect(throws: SystemError.self) { try FilePieces(of: folder.file("missing")) }
        #expect(missing.map { "\($0)" } == "opening \(folder.file("missing")): No such file or directory (open)")
        let directory = #expect(throws: SystemError.self) { try FilePieces(of: folder.path) }
        #expect(directory.map { "\($0)" } == "reading \(folder.path) in pieces: Is a directory (open)")
        let device = #expect(throws: SystemError.self) { try FilePieces(of: "/dev/null") }
        #expect(device.map { "\($0)" } == "reading /dev/null in pieces: Illegal seek (open)")
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        let pipe = #expect(throws: SystemError.self) { try FilePieces(of: folder.file("pipe")) }
        #expect(pipe.map { "\($0)" } == "reading \(folder.file("pipe")) in pieces: Illegal seek (open)")
        let process = #expect(throws: SystemError.self) { try FilePieces(of: "/proc/self/status") }
        #expect(process.map { "\($0)" } == "reading /proc/self/status in pieces: Illegal seek (fstat)")
        let size = #expect(throws: InvalidArgumentError.self) {
            try FilePieces(of: folder.write("", to: "input"), size: 0)
        }
        #expect(size.map { "\($0)" } == "size must be at least 1, not 0")
    }

    @Test("a file that was cut is an error with both sizes, while it is cut into pieces and while one is read")
    func isCut() throws {
        let folder = TemporaryFolder()
        let path = folder.write(String(repeating: "12345678\n", count: 10_000), to: "input")
        var iterator = try FilePieces(of: path, size: 40_000).makeAsyncIterator()
        let first = try #require(try iterator.next())
        #expect(truncate(path, 41_000) == 0)
        #expect(try first.strings().count == first.length / 9)
        #expect(throws: FilePieceError.self) { try iterator.next() }
        #expect(truncate(path, 100) == 0)
        let error = #expect(throws: FilePieceError.self) { try first.strings() }
        #expect(
            error.map { "\($0)" }
                == "\(path) has 100 bytes, and a piece of 40005 bytes at 0 was to be read: it was cut or replaced")
        // What is appended later is in no piece.
        #expect(truncate(path, 1_000_000) == 0)
        #expect(try first.withBytes { $0.count } == first.length)
    }

    @Test("a file that another one has taken the place of is an error, however alike; one that was written to is not")
    func isReplaced() throws {
        let folder = TemporaryFolder()
        let text = String(repeating: "12345678\n", count: 1_000)
        let path = folder.write(text, to: "input")
        let pieces = try all(FilePieces(of: path, size: 4_000))
        #expect(pieces.allSatisfy { $0.version != nil && $0.version == pieces[0].version })
        _ = folder.write(text, to: "input")
        #expect(try pieces[1].strings().first == "12345678")
        // It keeps its number, which the other could get otherwise.
        #expect(rename(path, folder.file("old")) == 0)
        _ = folder.write(text, to: "input")
        let error = #expect(throws: FilePieceError.self) { try pieces[1].strings() }
        #expect(
            error.map { "\($0)" }
                == "\(path) is another file than when it was cut into pieces: it was replaced meanwhile")
    }

    @Test("a file that got the number of one that is gone is another file")
    func numberIsUsedAgain() throws {
        let folder = TemporaryFolder()
        let text = String(repeating: "12345678\n", count: 1_000)
        let path = folder.write(text, to: "input")
        let pieces = try all(FilePieces(of: path, size: 4_000))
        // The system's clock for files goes in steps of some milliseconds.
        for _ in 0..<10_000 {
            #expect(unlink(path) == 0)
            _ = folder.write(text, to: "input")
            let version = try #require(try all(FilePieces(of: path, size: 4_000)).first?.version)
            if version.born == nil || version.born != pieces[0].version?.born { break }
        }
        if pieces[0].version?.born != nil { #expect(throws: FilePieceError.self) { try pieces[1].strings() } }
    }

    @Test("a piece that cannot be is refused")
    func isRefused() throws {
        let folder = TemporaryFolder()
        let path = folder.write("one\ntwo\n", to: "input")
        for (offset, length) in [(0, 9), (9, 0), (8, 1), (Int.max, Int.max), (0, Int.max)] {
            let piece = FilePiece(path: path, offset: offset, length: length, format: .lines)
            #expect(throws: FilePieceError.self) { try piece.strings() }
        }
        #expect(try FilePiece(path: path, offset: 8, length: 0, format: .lines).strings() == [])
    }
}
