import Glibc

/// Some whole records of a file, by their place: the argument of a call that reads them itself.
///
/// ```swift
/// let count = Callable("count_lines") { (piece: FilePiece) in
///     var count = 0
///     try piece.forEachRecord { _ in count += 1 }
///     return count
/// }
/// ```
public struct FilePiece: Sendable, Hashable {
    /// The file's path, as it was given.
    public let path: String
    /// Where in the file it begins, in bytes.
    public let offset: Int
    /// How many bytes it has.
    public let length: Int
    /// What its records are.
    public let format: RecordFormat
    /// Which file it is of; nil for whatever has the path when it is read.
    public let version: FileVersion?

    /// A part of a file. ``FilePieces`` makes them with whole records.
    ///
    /// - Parameters:
    ///   - offset: 0 or more.
    ///   - length: 0 or more.
    ///   - version: what it is checked against when it is read.
    public init(path: String, offset: Int, length: Int, format: RecordFormat, version: FileVersion? = nil) {
        precondition(offset >= 0 && length >= 0, "a piece of \(length) bytes at \(offset)")
        self.path = path
        self.offset = offset
        self.length = length
        self.format = format
        self.version = version
    }

    /// Maps the bytes into memory, read-only, and calls `body` with them; they are there during the call only.
    ///
    /// Blocks while the file is read. A file that somebody cuts meanwhile ends the process with SIGBUS, where `body` reads what
    /// is gone; if it does not, that is an error, since it has seen zeros at the new end, or not all. ``contents()`` has no
    /// such danger.
    ///
    /// - Throws: ``SystemError`` if the file cannot be opened or mapped; ``FilePieceError`` if it is another one, or ends before
    ///   the piece, also when `body` has returned; and what `body` throws.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        let file = try open()
        if length == 0 { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let slack = offset % Int(getpagesize())
        let address = mmap(nil, length + slack, PROT_READ, MAP_PRIVATE, file.rawValue, offset - slack)
        guard let address, address != MAP_FAILED else {
            throw SystemError(call: "mmap", number: errno, context: "reading \(path)")
        }
        defer { munmap(address, length + slack) }
        // It only makes reading ahead better.
        _ = madvise(address, length + slack, MADV_SEQUENTIAL)
        let result = Result { try body(UnsafeRawBufferPointer(start: address + slack, count: length)) }
        try check(file.status(path))
        return try result.get()
    }

    /// Reads the bytes into memory of their own.
    ///
    /// Blocks while the file is read.
    ///
    /// - Throws: ``SystemError`` if the file cannot be opened or read; ``FilePieceError`` if it is another one, or ends before
    ///   the piece.
    public func contents() throws -> [UInt8] {
        let file = try open()
        if length == 0 { return [] }
        let bytes = try [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            // Where it ends too early, the check below says so.
            if try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset) { count = length }
        }
        try check(file.status(path))
        guard bytes.count == length else { throw FilePieceError(piece: self, size: try file.size(path)) }
        return bytes
    }

    /// - Throws: ``SystemError`` if the file cannot be opened; ``FilePieceError`` if the piece is none of it.
    private func open() throws -> FileDescriptor {
        let file = try FileDescriptor.open(path)
        let status = try file.status(path)
        if let version, !version.isSameFile(as: FileVersion(file, status)) {
            throw FilePieceError(piece: self, size: Int(status.st_size), isAnotherFile: true)
        }
        try check(status)
        return file
    }

    /// Whether the file goes up to the end of the piece.
    ///
    /// - Throws: ``FilePieceError``.
    private func check(_ status: stat) throws(FilePieceError) {
        let size = Int(status.st_size)
        // No sum: a piece that came from elsewhere may be anything.
        guard offset <= size, length <= size - offset else { throw FilePieceError(piece: self, size: size) }
    }

    /// Calls `body` with each record, without what ends it, in order. The bytes are there during the call only.
    ///
    /// - Throws: as ``withBytes(_:)``; what `body` throws ends it.
    public func forEachRecord(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try withBytes { try format.forEachRecord(in: $0, body) }
    }

    /// The records as texts; what is not UTF-8 is replaced by U+FFFD.
    ///
    /// - Throws: as ``withBytes(_:)``.
    public func strings() throws -> [String] { try withBytes { format.strings(in: $0) } }
}

extension FilePiece: Codable {
    private enum CodingKeys: CodingKey { case path, offset, length, format, version }

    /// Reads a piece.
    ///
    /// - Throws: `DecodingError` for one that cannot be.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let offset = try container.decode(Int.self, forKey: .offset)
        let length = try container.decode(Int.self, forKey: .length)
        guard offset >= 0, length >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .length, in: container, debugDescription: "a piece of \(length) bytes at \(offset)")
        }
        self.init(
            path: try container.decode(String.self, forKey: .path), offset: offset, length: length,
            format: try container.decode(RecordFormat.self, forKey: .format),
            version: try container.decodeIfPresent(FileVersion.self, forKey: .version))
    }
}

/// A file is not the one that a piece is of, or is shorter than the piece says: it was replaced or cut since.
public struct FilePieceError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    /// What was to be read.
    public let piece: FilePiece
    /// How many bytes the file has.
    public let size: Int
    /// Whether the path means another file than before.
    public let isAnotherFile: Bool

    init(piece: FilePiece, size: Int, isAnotherFile: Bool = false) {
        self.piece = piece
        self.size = size
        self.isAnotherFile = isAnotherFile
    }

    /// Where the piece is, and what is wrong with the file.
    public var description: String {
        if isAnotherFile {
            return "\(piece.path) is another file than when it was cut into pieces: it was replaced meanwhile"
        }
        return """
            \(piece.path) has \(size) bytes, and a piece of \(piece.length) bytes at \(piece.offset) was to be read: \
            it was cut or replaced
            """
    }
}
