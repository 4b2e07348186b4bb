/// What the bytes of a payload are.
public struct PayloadFormat: Sendable, Hashable {
    /// What they hold; the number on the wire is the raw value.
    public enum Encoding: UInt8, Sendable, Hashable {
        /// A serialised Arguments message.
        case values = 0
        /// One value that is bytes, as they are.
        case raw = 1
    }

    /// How they are compressed; the number on the wire is the raw value.
    public enum Compression: UInt8, Sendable, Hashable {
        /// Not at all.
        case none = 0
        /// As one zlib stream.
        case zlib = 1
    }

    /// What they hold.
    public var encoding: Encoding
    /// How they are compressed.
    public var compression: Compression
    /// Their number after decompression; 0 without compression.
    public var decompressedSize: UInt64

    /// A format with all its parts. Without compression the size says nothing, whoever gave it, and is 0.
    public init(encoding: Encoding, compression: Compression = .none, decompressedSize: UInt64 = 0) {
        self.encoding = encoding
        self.compression = compression
        self.decompressedSize = compression == .none ? 0 : decompressedSize
    }

    /// Values, not compressed.
    public static let values = PayloadFormat(encoding: .values)
    /// The bytes themselves, not compressed.
    public static let raw = PayloadFormat(encoding: .raw)
}

/// Bytes that travel behind a message, and what they are.
public struct Payload: Sendable, Hashable {
    /// The bytes as sent.
    public var bytes: [UInt8]
    /// What they are; the message before them says so.
    public var format: PayloadFormat

    /// A payload of these bytes.
    public init(bytes: [UInt8], format: PayloadFormat) {
        self.bytes = bytes
        self.format = format
    }

    /// No values at all.
    public static let empty = Payload(bytes: [], format: .values)
}
