import CZlib

/// A member of a gzip file (RFC 1952); members behind each other are a gzip file as well.
func gzipMember(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, and 16 more for the form of gzip (zlib.h).
    var result = deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw GzipError(number: result) }
    defer { deflateEnd(&stream) }
    let room = Int(deflateBound(&stream, UInt(bytes.count)))
    return try [UInt8](unsafeUninitializedCapacity: room) { space, count in
        stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = space.baseAddress
        stream.avail_out = UInt32(space.count)
        result = deflate(&stream, Z_FINISH)
        guard result == Z_STREAM_END else { throw GzipError(number: result) }
        count = Int(stream.total_out)
    }
}

/// zlib failed, for want of memory mostly.
struct GzipError: Error, CustomStringConvertible {
    let number: Int32
    var description: String { "zlib failed with \(number)" }
}
