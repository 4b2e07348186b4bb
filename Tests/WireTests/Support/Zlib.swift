import CProto
import Wire

/// The bytes as one zlib stream.
func deflated(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
    bytes.withUnsafeBufferPointer { deflated($0, level: level) }
}

func deflated(_ bytes: UnsafeBufferPointer<UInt8>, level: Int32 = 6) -> [UInt8] {
    let outcome = futures_deflate(bytes.baseAddress, bytes.count, level, bytes.count + 1000)
    precondition(outcome.status == FUTURES_ZLIB_OK)
    defer { futures_free(outcome.bytes) }
    return Array(UnsafeBufferPointer(start: outcome.bytes, count: outcome.length))
}

extension PayloadFormat {
    /// Values that a zlib stream holds.
    static func zlib(_ decompressedSize: Int, encoding: Encoding = .values) -> PayloadFormat {
        PayloadFormat(encoding: encoding, compression: .zlib, decompressedSize: UInt64(decompressedSize))
    }
}
