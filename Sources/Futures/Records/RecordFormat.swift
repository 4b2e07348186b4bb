/// How bytes are divided into records.
///
/// The last record of a file needs no end of its own. Codable, since it travels with a ``FilePiece``.
public struct RecordFormat: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case delimited(by: UInt8, isText: Bool)
        case csv(separator: UInt8)
        case fixed(size: Int)
        case jsonLines
    }

    let kind: Kind

    /// Lines: a record ends with "\n" or "\r\n", which do not belong to it.
    public static let lines = RecordFormat(kind: .delimited(by: UInt8(ascii: "\n"), isText: true))

    /// A zero byte behind each record, as `find -print0` writes them.
    public static let nullDelimited = delimited(by: 0)

    /// A byte behind each record; it does not belong to the record.
    public static func delimited(by byte: UInt8) -> RecordFormat {
        RecordFormat(kind: .delimited(by: byte, isText: false))
    }

    /// Rows as in RFC 4180: fields that begin with `"` go to the next single `"`, and may have line ends within; two of them stand for
    /// one. A row ends with "\n" or "\r\n", which do not belong to it. The first row is a record as any other.
    ///
    /// - Parameter separator: what is between fields; an ASCII character other than `"` and line ends.
    public static func csv(separator: Character = ",") -> RecordFormat {
        guard let byte = separator.asciiValue, canSeparate(byte) else {
            preconditionFailure("'\(separator)' cannot separate the fields of CSV")
        }
        return RecordFormat(kind: .csv(separator: byte))
    }

    private static func canSeparate(_ byte: UInt8) -> Bool { byte < 128 && ![34, 10, 13].contains(byte) }

    /// Records of so many bytes each, at least 1; the last one of a file may be shorter.
    public static func fixed(size: Int) -> RecordFormat {
        precondition(size >= 1, "records of \(size) bytes")
        return RecordFormat(kind: .fixed(size: size))
    }

    /// A value of JSON on each line (jsonlines.org); a line ends as in ``lines``. Lines that are empty, or have nothing but spaces and
    /// tabs, are no records. Whether the others are JSON is not looked at.
    public static let jsonLines = RecordFormat(kind: .jsonLines)

    /// All that a file or a stream has is one record. An empty one has none.
    public static let whole = RecordFormat(kind: .fixed(size: .max))

    /// The byte that ends a record; nil for those of a fixed size.
    public var delimiter: UInt8? {
        switch kind {
        case .delimited(let byte, _): byte
        case .csv, .jsonLines: UInt8(ascii: "\n")
        case .fixed: nil
        }
    }

    /// A record without what ends it.
    ///
    /// - Parameter bytes: with its end, if it has one.
    package func content(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let delimiter: UInt8
        let isText: Bool
        switch kind {
        case .delimited(let byte, let text): (delimiter, isText) = (byte, text)
        case .csv, .jsonLines: (delimiter, isText) = (UInt8(ascii: "\n"), true)
        case .fixed: return bytes
        }
        guard bytes.last == delimiter else { return bytes }
        let content = bytes.dropLast()
        let isReturn = isText && content.last == UInt8(ascii: "\r")
        return UnsafeRawBufferPointer(rebasing: isReturn ? content.dropLast() : content)
    }

    /// Whether something between two ends is no record.
    fileprivate func isNone(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard case .jsonLines = kind else { return false }
        // The white space of JSON (RFC 8259).
        return bytes.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}

/// Goes over the records of bytes that begin with one.
package struct RecordWalk {
    private let format: RecordFormat
    private var scanner: RecordScanner
    /// Where in the bytes it is: at the beginning of a record, or at the end of all.
    private var offset = 0
    /// How many ends of records it has passed, also of what is none: the number of its line, from 1, once there was a record.
    package private(set) var lines = 0

    package init(_ format: RecordFormat) {
        self.format = format
        scanner = RecordScanner(format)
    }

    /// The next record, with what ends it; nil at the end.
    ///
    /// - Parameter bytes: the same each time.
    package mutating func next(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let end = scanner.firstEnd(in: rest) ?? rest.count
            let record = UnsafeRawBufferPointer(rebasing: rest[..<end])
            offset += end
            lines += 1
            if !format.isNone(record) { return record }
        }
        return nil
    }
}

// Over bytes that begin with a record.
extension RecordFormat {
    func forEachRecord(
        in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        var walk = RecordWalk(self)
        while let record = walk.next(in: bytes) { try body(content(of: record)) }
    }

    func strings(in bytes: UnsafeRawBufferPointer) -> [String] {
        var strings: [String] = []
        forEachRecord(in: bytes) { strings.append(String(decoding: $0, as: UTF8.self)) }
        return strings
    }
}

// Two numbers: which kind, and what that kind has.
extension RecordFormat: Codable {
    /// Writes the format.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        let (kind, value) =
            switch kind {
            case .delimited(let byte, let isText): (isText ? 0 : 1, Int(byte))
            case .csv(let separator): (2, Int(separator))
            case .fixed(let size): (3, size)
            case .jsonLines: (4, 0)
            }
        try container.encode(kind)
        try container.encode(value)
    }

    /// Reads a format.
    ///
    /// - Throws: `DecodingError` for one that cannot be.
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let (kind, value) = (try container.decode(Int.self), try container.decode(Int.self))
        switch (kind, UInt8(exactly: value)) {
        case (0, 10): self = .lines
        case (1, let byte?): self = .delimited(by: byte)
        case (2, let byte?) where Self.canSeparate(byte): self.init(kind: .csv(separator: byte))
        case (3, _) where value >= 1: self = .fixed(size: value)
        case (4, 0): self = .jsonLines
        default:
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "no format has \(kind) and \(value)")
        }
    }
}
