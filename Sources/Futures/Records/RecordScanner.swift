import Glibc

/// Finds the ends of records in bytes that come in pieces of any size. Without a descriptor.
struct RecordScanner {
    /// Where in a row of CSV it is.
    private enum Place {
        case fieldBegins, plain, quoted
        /// Behind a quote in a quoted field: its end, or the first of two.
        case quote
    }

    /// Some programs write it at the beginning of a file, before the quote of the first field. Elsewhere it is nothing to see.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let kind: RecordFormat.Kind
    private var place = Place.fieldBegins
    /// Of the record that it is in, for those of a fixed size.
    private var seen = 0

    /// - Parameter format: of bytes that begin with a record.
    init(_ format: RecordFormat) { kind = format.kind }

    /// Whether the ends of records can be found without what is before them.
    static func startsAnywhere(_ format: RecordFormat) -> Bool {
        switch format.kind {
        case .delimited, .jsonLines: true
        case .csv, .fixed: false
        }
    }

    /// Goes on with the bytes that follow those that were scanned.
    ///
    /// - Parameter least: 1 or more.
    /// - Returns: the number of bytes up to the first end of a record that is `least` or more; what is behind was not scanned.
    ///   Nil if there is none, and all was.
    mutating func firstEnd(in bytes: UnsafeRawBufferPointer, from least: Int = 1) -> Int? {
        switch kind {
        case .delimited(let delimiter, _): return Self.end(in: bytes, from: least, delimiter)
        case .jsonLines: return Self.end(in: bytes, from: least, UInt8(ascii: "\n"))
        case .fixed(let size):
            // The end of the record that the last of the `least` bytes is in.
            let wanted = least > .max - seen ? .max : seen + least
            let (records, isFar) = ((wanted - 1) / size + 1).multipliedReportingOverflow(by: size)
            let end = records - seen
            guard !isFar, end <= bytes.count else {
                seen = (seen + bytes.count) % size
                return nil
            }
            seen = 0
            return end
        case .csv(let separator): return rowEnd(in: bytes, from: least, separator)
        }
    }

    private static func end(in bytes: UnsafeRawBufferPointer, from least: Int, _ delimiter: UInt8) -> Int? {
        let start = least - 1
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(delimiter), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base + 1
    }

    private mutating func rowEnd(in bytes: UnsafeRawBufferPointer, from least: Int, _ separator: UInt8) -> Int? {
        let (quote, newline) = (UInt8(ascii: "\""), UInt8(ascii: "\n"))
        var index = 0
        while index < bytes.count {
            if place == .quoted {
                // Nothing else matters here.
                guard let found = memchr(bytes.baseAddress! + index, Int32(quote), bytes.count - index) else {
                    return nil
                }
                index = UnsafeRawPointer(found) - bytes.baseAddress! + 1
                place = .quote
                continue
            }
            let byte = bytes[index]
            index += 1
            if byte == newline {
                place = .fieldBegins
                if index >= least { return index }
            } else if byte == separator {
                place = .fieldBegins
            } else if byte == quote, place != .plain {
                // Behind a quote it is the second of two.
                place = .quoted
            } else if place != .fieldBegins || !Self.byteOrderMark.contains(byte) {
                place = .plain
            }
        }
        return nil
    }
}
