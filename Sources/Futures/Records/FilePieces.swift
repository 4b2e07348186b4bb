import Glibc

/// A file, cut into pieces of whole records: what a map goes over so that the workers read the file, each its own part.
///
/// ```swift
/// let pieces = try FilePieces(of: "log.txt", size: 4 << 20)
/// for try await count in try pool.map(countLines, pieces, bufferSize: 16) { ... }
/// ```
///
/// A piece ends with the first record that ends `size` bytes behind its beginning, or later; only the last may be smaller, and a
/// record that is longer makes it larger. The size of the file is looked at once: what is appended later is not in it. Another
/// file that is put in its place meanwhile is an error of the pieces that are read then. Lines and other delimited records are found by
/// reading a little around the ends of pieces, CSV by reading all of it once.
public struct FilePieces: AsyncSequence, Sendable {
    /// A piece.
    public typealias Element = FilePiece

    /// The file's path.
    public let path: String
    /// What its records are.
    public let format: RecordFormat
    /// What a piece has at least, in bytes.
    public let size: Int
    /// How many bytes behind `size` a record may end; nil for any number.
    public let recordSizeLimit: Int?

    /// The pieces of a file.
    ///
    /// - Parameters:
    ///   - path: of a regular file. A relative one has to mean the same in the workers, whose folder is that of the program.
    ///   - size: in bytes, at least 1. Small ones cost more each, large ones keep the workers from finishing together.
    ///   - recordSizeLimit: in bytes, at least 1: a record that makes a piece so much larger than `size` is an error, unless
    ///     records have a size that was said. Without a limit a piece may be all that is left of the file.
    /// - Throws: ``InvalidArgumentError`` for sizes that cannot be; ``SystemError`` if the file cannot be opened, or is no file.
    public init(
        of path: String, by format: RecordFormat = .lines, size: Int = 1 << 20, recordSizeLimit: Int? = nil
    ) throws {
        try InvalidArgumentError.check("size", size)
        if let recordSizeLimit { try InvalidArgumentError.check("recordSizeLimit", recordSizeLimit) }
        self.path = path
        self.format = format
        self.size = size
        self.recordSizeLimit = recordSizeLimit
        // What cannot work is told here and not when the first piece is asked for.
        _ = try FileDescriptor.open(path).size(path)
    }

    /// The pieces as chunks, for callables that take those of a stream, too.
    public var chunks: some AsyncSequence<RecordChunk, any Error> & Sendable { map { RecordChunk($0) } }

    /// Begins at the beginning of the file.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Gives the pieces in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let pieces: FilePieces
        private var cutter: FileCutter?

        fileprivate init(_ pieces: FilePieces) { self.pieces = pieces }

        /// The next piece, or nil after the last. Blocks while the file is read.
        ///
        /// - Throws: ``SystemError`` if the file cannot be read; ``FilePieceError`` if it has become shorter;
        ///   ``RecordSizeError`` for a record that is too long.
        public mutating func next() throws -> FilePiece? {
            let cutter = try cutter ?? FileCutter(pieces)
            self.cutter = cutter
            return try cutter.next()
        }
    }
}

/// Finds where the pieces of a file end.
private final class FileCutter {
    private let pieces: FilePieces
    private let file: FileDescriptor
    private let end: Int
    private let version: FileVersion
    /// How long a piece may become.
    private let limit: Int
    private var offset = 0
    private var buffer: [UInt8]
    /// Where in the file the buffer's bytes are.
    private var start = 0
    private var count = 0

    init(_ pieces: FilePieces) throws {
        self.pieces = pieces
        file = try FileDescriptor.open(pieces.path)
        let status = try file.status(pieces.path)
        end = Int(status.st_size)
        version = FileVersion(file, status)
        let (limit, isTooLarge) = pieces.size.addingReportingOverflow(pieces.recordSizeLimit ?? .max)
        self.limit = isTooLarge ? .max : limit
        // A delimiter is mostly near; CSV is read as a whole.
        buffer = [UInt8](repeating: 0, count: RecordScanner.startsAnywhere(pieces.format) ? 1 << 14 : 1 << 18)
    }

    func next() throws -> FilePiece? {
        guard offset < end else { return nil }
        let length = try pieces.size < end - offset ? lengthOfPiece() : end - offset
        defer { offset += length }
        return FilePiece(
            path: pieces.path, offset: offset, length: length, format: pieces.format, version: version)
    }

    private func lengthOfPiece() throws -> Int {
        if case .fixed(let size) = pieces.format.kind {
            let (length, overflow) = ((pieces.size - 1) / size + 1).multipliedReportingOverflow(by: size)
            return overflow ? end - offset : Swift.min(length, end - offset)
        }
        var scanner = RecordScanner(pieces.format)
        var position = RecordScanner.startsAnywhere(pieces.format) ? offset + pieces.size - 1 : offset
        while position < end {
            try read(from: position)
            let least = Swift.max(1, offset + pieces.size - position)
            let found = buffer.withUnsafeBytes {
                scanner.firstEnd(in: UnsafeRawBufferPointer(rebasing: $0[(position - start)..<count]), from: least)
            }
            if let found { return try checked(position + found - offset) }
            position = start + count
            _ = try checked(position - offset)
        }
        return end - offset
    }

    private func checked(_ length: Int) throws(RecordSizeError) -> Int {
        if length > limit { throw RecordSizeError(offset: offset, limit: limit) }
        return length
    }

    /// Has the buffer contain what is there, unless it does.
    private func read(from position: Int) throws {
        if (start..<start + count).contains(position) { return }
        (start, count) = (position, Swift.min(buffer.count, end - position))
        let isThere = try buffer.withUnsafeMutableBytes {
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: position)
        }
        if isThere { return }
        let length = position + count - offset
        count = 0
        throw FilePieceError(
            piece: FilePiece(path: pieces.path, offset: offset, length: length, format: pieces.format),
            size: try file.size(pieces.path))
    }
}
