internal import CProto
import Wire

/// What some elements of a reduction come to, on its way between workers: bytes that the parent does not decode.
package struct EncodedPartial<Output: Sendable>: Sendable {
    /// What is before the value.
    private static var headSize: Int { 8 + 1 }

    /// How long it took, in nanoseconds (8 bytes, little-endian), the encoding of the payload (1 byte), and that payload, with the
    /// value.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// A value for which work began at that time.
    init(_ value: Output, _ codec: ValueCodec<Output>, since start: Int64) throws {
        var encoder = PayloadEncoder()
        try codec.encode(value, into: &encoder)
        let payload = encoder.finish()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headSize + payload.bytes.count)
        let time = UInt64(max(0, futures_monotonic_nanoseconds() - start))
        withUnsafeBytes(of: time.littleEndian) { bytes += $0 }
        bytes.append(payload.format.encoding == .raw ? 1 : 0)
        bytes += payload.bytes
        self.bytes = bytes
    }

    /// - Throws: ``WireError``, `DecodingError` or ``ReductionError``: the bytes come from another process.
    func value(_ codec: ValueCodec<Output>) throws -> Output {
        guard bytes.count >= Self.headSize else { throw ReductionError.partialTooShort }
        return try bytes.withUnsafeBytes { bytes in
            let format: PayloadFormat = bytes[Self.headSize - 1] == 1 ? .raw : .values
            var decoder = try PayloadDecoder(
                UnsafeRawBufferPointer(rebasing: bytes[Self.headSize...]), format: format)
            let value = try codec.decode(from: &decoder)
            try decoder.finish()
            return value
        }
    }
}

extension EncodedPartial: ReductionPartial {
    var runTime: Int64 {
        guard bytes.count >= Self.headSize else { return 0 }
        return bytes.withUnsafeBytes { Int64(clamping: UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }
    }
    var byteCount: Int { bytes.count }
}

// As the bytes that it is.
extension EncodedPartial: WireValue, Codable {
    package static func _encode(_ value: Self, into slot: ValueSlot) { UInt8._encodeArray(value.bytes, into: slot) }

    package static func _decode(_ node: ValueNode) throws(WireError) -> Self {
        Self(bytes: try UInt8._decodeArray(node))
    }

    package static func _append(_ value: Self, to encoder: inout PayloadEncoder) throws(WireError) {
        try UInt8._appendArray(value.bytes, to: &encoder)
    }

    package static func _next(from decoder: inout PayloadDecoder) throws(WireError) -> Self {
        Self(bytes: try UInt8._nextArray(from: &decoder))
    }
}
