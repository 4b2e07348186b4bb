/// Some whole records: those of a file by their place, those of a stream by their bytes. The argument of a call that takes both.
///
/// ```swift
/// let count = Callable("count_lines") { (chunk: RecordChunk) in
///     var count = 0
///     try chunk.forEachRecord { _ in count += 1 }
///     return count
/// }
/// ```
public struct RecordChunk: Sendable, Hashable {
    /// Where the records are.
    public enum Content: Sendable, Hashable {
        /// In a file, which the call reads itself.
        case piece(FilePiece)
        /// Here.
        case bytes([UInt8], RecordFormat)
    }

    /// Where the records are.
    public let content: Content

    /// The records of a piece of a file.
    public init(_ piece: FilePiece) { content = .piece(piece) }

    /// The records that the bytes are.
    public init(_ bytes: [UInt8], format: RecordFormat) { content = .bytes(bytes, format) }

    /// What the records are.
    public var format: RecordFormat {
        switch content {
        case .piece(let piece): piece.format
        case .bytes(_, let format): format
        }
    }

    /// How many bytes they have together.
    public var length: Int {
        switch content {
        case .piece(let piece): piece.length
        case .bytes(let bytes, _): bytes.count
        }
    }

    /// The same records with their bytes: those of a file are read.
    ///
    /// - Throws: as ``FilePiece/contents()``.
    public func loaded() throws -> RecordChunk {
        guard case .piece(let piece) = content else { return self }
        return RecordChunk(try piece.contents(), format: piece.format)
    }

    /// Calls `body` with the bytes, which are there during the call only.
    ///
    /// - Throws: as ``FilePiece/withBytes(_:)``.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        switch content {
        case .piece(let piece): try piece.withBytes(body)
        case .bytes(let bytes, _): try bytes.withUnsafeBytes(body)
        }
    }

    /// Calls `body` with each record, without what ends it, in order. The bytes are there during the call only.
    ///
    /// - Throws: as ``FilePiece/withBytes(_:)``; what `body` throws ends it.
    public func forEachRecord(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try withBytes { try format.forEachRecord(in: $0, body) }
    }

    /// The records as texts; what is not UTF-8 is replaced by U+FFFD.
    ///
    /// - Throws: as ``FilePiece/withBytes(_:)``.
    public func strings() throws -> [String] { try withBytes { format.strings(in: $0) } }
}

extension RecordChunk: Codable {
    private enum CodingKeys: CodingKey { case piece, bytes, format }

    /// Writes the place, or the bytes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch content {
        case .piece(let piece): try container.encode(piece, forKey: .piece)
        case .bytes(let bytes, let format):
            try container.encode(bytes, forKey: .bytes)
            try container.encode(format, forKey: .format)
        }
    }

    /// Reads a chunk.
    ///
    /// - Throws: `DecodingError` for one that cannot be.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let piece = try container.decodeIfPresent(FilePiece.self, forKey: .piece) {
            self.init(piece)
        } else {
            self.init(
                try container.decode([UInt8].self, forKey: .bytes),
                format: try container.decode(RecordFormat.self, forKey: .format))
        }
    }
}
