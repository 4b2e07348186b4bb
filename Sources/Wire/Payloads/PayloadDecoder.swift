internal import CProto

/// Gives the values of one payload, in order.
///
/// All checks of the bytes are made when the decoder is made: sizes, nesting, counts, and the memory that the values take.
/// Numbers, text, bytes and arrays of numbers are then read where they lie; everything else goes through protobuf-c.
public struct PayloadDecoder: ~Copyable {
    /// The bytes, decompressed.
    private let content: UnsafeRawBufferPointer
    /// What `content` lies in, if the decoder has to keep it alive; otherwise empty.
    private let array: [UInt8]
    // Optionals of a noncopyable value are destroyed by way of their types, which takes as long as to decode a number.
    /// The same, if it was inflated.
    private let inflated: Unmanaged<InflatedBytes>?
    private let isRaw: Bool
    /// Upper bound of what unpacking all values takes, in bytes.
    private let memory: UInt64
    /// The values that have not been taken yet.
    private var rest: FuturesSlice
    /// Where values are unpacked; there is none before the first.
    private var arena: OpaquePointer?
    private var codingState: Unmanaged<DecodingState>?
    let limits: WireLimits

    /// How many values the payload holds.
    public let valueCount: Int
    /// How many of them have been decoded.
    public private(set) var position = 0

    /// A decoder of bytes that lie elsewhere; they have to stay there as long as the decoder lives.
    public init(
        _ bytes: UnsafeRawBufferPointer, format: PayloadFormat, limits: WireLimits = .default
    ) throws(WireError) {
        try self.init(bytes, array: [], format: format, limits: limits)
    }

    /// A decoder of a frame's payload, which has to stay there as long as the decoder lives. One that is an array is kept alive.
    public init(_ frame: FrameView, format: PayloadFormat, limits: WireLimits = .default) throws(WireError) {
        try self.init(frame.payload, array: frame.array, format: format, limits: limits)
    }

    /// A decoder of a payload. The payload's array is kept alive, not copied.
    public init(payload: Payload, limits: WireLimits = .default) throws(WireError) {
        // The elements of an array stay where they are as long as somebody holds the array and nobody changes it: the
        // decoder does the one, and has a reference that makes others copy before the other.
        let bytes = payload.bytes.withUnsafeBytes { $0 }
        try self.init(bytes, array: payload.bytes, format: payload.format, limits: limits)
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, array: [UInt8], format: PayloadFormat, limits: WireLimits
    ) throws(WireError) {
        let inflated: InflatedBytes? =
            format.compression == .zlib
            ? try InflatedBytes(bytes, claimed: format.decompressedSize, limits: limits) : nil
        let content = inflated?.buffer ?? bytes
        let isRaw = format.encoding == .raw
        let start = content.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var report = FuturesScanReport()
        report.count = 1
        if !isRaw {
            report = futures_scan_arguments(start, content.count, limits.scanLimits(depth: 2 * limits.maxDepth + 3))
        }
        // What is stored is set after the last throw: a noncopyable value cannot be half made.
        guard report.status == FUTURES_SCAN_OK else {
            throw report.error(what: "the values of a payload", limits: limits)
        }
        self.content = content
        self.inflated = inflated.map { Unmanaged.passRetained($0) }
        self.array = inflated == nil ? array : []
        self.isRaw = isRaw
        self.limits = limits
        rest = FuturesSlice(bytes: start, length: content.count)
        memory = report.memory
        valueCount = Int(report.count)
    }

    deinit {
        // The state of the Codable decoder owns the arena: types may have kept a Decoder, which reads from it.
        if let codingState {
            codingState.release()
        } else if let arena {
            futures_arena_release(arena)
        }
        inflated?.release()
    }

    /// Throws if values are left that nobody asked for.
    public func finish() throws(WireError) {
        guard position == valueCount else { throw .leftoverValues(used: position, count: valueCount) }
    }

    /// The next value, serialised; nil if the payload is one value of raw bytes.
    @inline(__always)
    private mutating func take() throws(WireError) -> FuturesSlice? {
        guard position < valueCount else { throw .missingValue(position: position + 1, count: valueCount) }
        position += 1
        if isRaw { return nil }
        var element = FuturesSlice()
        guard futures_take_element(&rest, &element) else {
            throw .missingValue(position: position, count: valueCount)
        }
        return element
    }

    /// The arena, which lives as long as the decoder, or as a Codable type's decoder.
    private mutating func takeArena() -> OpaquePointer {
        if let arena { return arena }
        let new = futures_arena_acquire()!
        arena = new
        return new
    }

    /// A value as protobuf-c's structure, which lives as long as the decoder; that of a raw payload points at its bytes.
    private mutating func unpack(_ slice: FuturesSlice?) throws(WireError) -> ValueNode {
        let arena = takeArena()
        guard let slice else {
            let value = futures_value_new(arena)!
            value.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_BYTES
            value.pointee.bytes = CBytes(
                len: content.count,
                data: UnsafeMutableRawPointer(mutating: content.baseAddress)?.assumingMemoryBound(to: UInt8.self))
            return ValueNode(pointer: value)
        }
        guard let value = futures_unpack_value(arena, slice.bytes, slice.length, memory) else {
            throw .malformed(what: "the values of a payload", reason: "protobuf cannot unpack them")
        }
        return ValueNode(pointer: value)
    }

    /// The next value; it lives as long as the decoder.
    mutating func next() throws(WireError) -> ValueNode {
        try unpack(take())
    }

    /// The next value and what a Codable type needs to read it.
    mutating func nextForCodable() throws(WireError) -> TreeDecoder {
        let node = try next()
        if isRaw {
            // The bytes lie outside the arena, which a Decoder that was kept lives no longer than.
            let bytes = node.pointer.pointee.bytes
            node.pointer.pointee.bytes = futures_bytes_copy(takeArena(), bytes.data, bytes.len)
        }
        let state = codingState?.takeUnretainedValue() ?? DecodingState(arena: takeArena(), limits: limits)
        if codingState == nil { codingState = .passRetained(state) }
        return TreeDecoder(state: state, node: node.pointer, path: nil)
    }
}

// Values that are read where they lie.
extension PayloadDecoder {
    @inline(__always)
    mutating func nextInteger<T: FixedWidthInteger>(_: T.Type) throws(WireError) -> T {
        let slice = try take()
        if let slice {
            var number: UInt64 = 0
            if futures_value_is_varint(slice, FUTURES__WIRE__V1__VALUE__KIND_INT.rawValue, &number),
                let exact = T(exactly: Int64(zigZag: number))
            {
                return exact
            }
            if futures_value_is_fixed64(slice, FUTURES__WIRE__V1__VALUE__KIND_UINT.rawValue, &number),
                let exact = T(exactly: number)
            {
                return exact
            }
        }
        return try unpack(slice).integer(T.self)
    }

    @inline(__always)
    mutating func nextDouble() throws(WireError) -> Double {
        let slice = try take()
        var bits: UInt64 = 0
        if let slice, futures_value_is_fixed64(slice, FUTURES__WIRE__V1__VALUE__KIND_DOUBLE.rawValue, &bits) {
            return Double(bitPattern: bits)
        }
        return try Double._decode(unpack(slice))
    }

    @inline(__always)
    mutating func nextFloat() throws(WireError) -> Float {
        let slice = try take()
        var bits: UInt32 = 0
        if let slice, futures_value_is_fixed32(slice, FUTURES__WIRE__V1__VALUE__KIND_FLOAT.rawValue, &bits) {
            return Float(bitPattern: bits)
        }
        return try Float._decode(unpack(slice))
    }

    @inline(__always)
    mutating func nextBool() throws(WireError) -> Bool {
        let slice = try take()
        var number: UInt64 = 0
        if let slice, futures_value_is_varint(slice, FUTURES__WIRE__V1__VALUE__KIND_BOOL.rawValue, &number) {
            return number != 0
        }
        return try Bool._decode(unpack(slice))
    }

    /// The next value, which has to be nothing.
    mutating func nextNull() throws(WireError) {
        let slice = try take()
        var levels: UInt64 = 0
        if let slice, futures_value_is_varint(slice, FUTURES__WIRE__V1__VALUE__KIND_NULL.rawValue, &levels) { return }
        let node = try unpack(slice)
        guard node.kind == FUTURES__WIRE__V1__VALUE__KIND_NULL else { throw node.mismatch("nothing") }
    }

    mutating func nextText() throws(WireError) -> String {
        let slice = try take()
        var text = FuturesSlice()
        if let slice, futures_is_field(slice, FUTURES__WIRE__V1__VALUE__KIND_TEXT.rawValue, &text) {
            return try CBytes(text).text("a text")
        }
        return try String._decode(unpack(slice))
    }

    mutating func nextTexts() throws(WireError) -> [String] {
        let slice = try take()
        var texts = FuturesSlice()
        guard let slice, futures_is_field(slice, FUTURES__WIRE__V1__VALUE__KIND_TEXTS.rawValue, &texts) else {
            return try String._decodeArray(unpack(slice))
        }
        var values: [String] = []
        var text = FuturesSlice()
        while futures_take_element(&texts, &text) {
            values.append(try CBytes(text).text("text \(values.count) of an array"))
        }
        return values
    }

    /// The next value as bytes, without a copy if it is all of a payload's array.
    mutating func nextBytes() throws(WireError) -> [UInt8] {
        let slice = try take()
        guard let slice else { return array.isEmpty ? Array(copying: content) : array }
        var bytes = FuturesSlice()
        if futures_is_field(slice, FUTURES__WIRE__V1__VALUE__KIND_BYTES.rawValue, &bytes) {
            return Array(copying: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.length))
        }
        return try UInt8._decodeArray(unpack(slice))
    }

    /// The next value as an array of numbers, copied in one piece where it is of the kind of T.
    @inline(__always)
    mutating func nextNumbers<T: WireValue & BitwiseCopyable>(
        _ kind: Futures__Wire__V1__Value__KindCase
    ) throws(WireError) -> [T] {
        let slice = try take()
        var elements = FuturesSlice()
        guard let slice, futures_value_is_numbers(slice, kind.rawValue, &elements) else {
            return try T._decodeArray(unpack(slice))
        }
        return Array(elementsOf: UnsafeRawBufferPointer(start: elements.bytes, count: elements.length))
    }
}

extension CBytes {
    fileprivate init(_ slice: FuturesSlice) {
        self.init(len: slice.length, data: UnsafeMutablePointer(mutating: slice.bytes))
    }
}

extension Int64 {
    /// From protobuf's sint64, which has the sign in the lowest bit.
    fileprivate init(zigZag number: UInt64) {
        self = Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }
}
