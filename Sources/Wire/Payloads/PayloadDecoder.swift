internal import CProto

/// Gives the values of one payload, in order.
///
/// All checks of the bytes are made when the decoder is made: sizes, nesting, counts, and the memory that the values take.
public struct PayloadDecoder: ~Copyable {
    private let arena: OpaquePointer
    private let values: UnsafeMutablePointer<UnsafeMutablePointer<CValue>?>?
    private let inflated: InflatedBytes?
    /// A raw payload's array, where there is one; given out as it is.
    private let rawArray: [UInt8]?
    private let isRaw: Bool
    private var codingState: DecodingState?
    let limits: WireLimits

    /// How many values the payload holds.
    public let valueCount: Int
    /// How many of them have been decoded.
    public private(set) var position = 0

    /// A decoder of bytes that lie elsewhere; they have to stay there as long as the decoder lives.
    public init(
        _ bytes: UnsafeRawBufferPointer, format: PayloadFormat, limits: WireLimits = .default
    ) throws(WireError) {
        try self.init(bytes, rawArray: nil, format: format, limits: limits)
    }

    /// A decoder of a payload. A raw payload's array is shared, not copied.
    public init(payload: Payload, limits: WireLimits = .default) throws(WireError) {
        if payload.format == .raw {
            try self.init(
                UnsafeRawBufferPointer(start: nil, count: 0), rawArray: payload.bytes, format: .raw, limits: limits)
            return
        }
        // Nothing of the bytes is used after this but by a decoder that has inflated or unpacked them elsewhere.
        let bytes = payload.bytes
        let start = bytes.withUnsafeBytes { $0 }
        try self.init(start, rawArray: nil, format: payload.format, limits: limits)
        withExtendedLifetime(bytes) {}
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, rawArray: [UInt8]?, format: PayloadFormat, limits: WireLimits
    ) throws(WireError) {
        let inflated: InflatedBytes? =
            format.compression == .zlib
            ? try InflatedBytes(bytes, claimed: format.decompressedSize, limits: limits) : nil
        let content = inflated?.buffer ?? bytes
        let isRaw = format.encoding == .raw
        let arena = futures_arena_acquire()!
        var report = FuturesScanReport()
        let arguments = isRaw ? Self.rawArguments(content, arena) : Self.unpack(content, arena, limits, &report)
        // What is stored is set after the last throw: a noncopyable value cannot be half made.
        guard let arguments else {
            futures_arena_release(arena)
            throw report.error(what: "the values of a payload", limits: limits)
        }
        futures_arena_set_limit(arena, Int.max)
        self.arena = arena
        self.inflated = inflated
        self.rawArray = rawArray
        self.isRaw = isRaw
        self.limits = limits
        valueCount = arguments.pointee.n_values
        values = arguments.pointee.values
    }

    private static func unpack(
        _ content: UnsafeRawBufferPointer, _ arena: OpaquePointer, _ limits: WireLimits,
        _ report: inout FuturesScanReport
    ) -> UnsafeMutablePointer<CArguments>? {
        futures_unpack(
            futures_arguments_descriptor(), arena, content.baseAddress?.assumingMemoryBound(to: UInt8.self),
            content.count, limits.scanLimits(depth: 2 * limits.maxDepth + 3), &report
        )?.assumingMemoryBound(to: CArguments.self)
    }

    /// Arguments of one value, which is all the bytes where they lie.
    private static func rawArguments(
        _ content: UnsafeRawBufferPointer, _ arena: OpaquePointer
    ) -> UnsafeMutablePointer<CArguments>? {
        let value = futures_value_new(arena)!
        value.pointee.kind_case = FUTURES__WIRE__V1__VALUE__KIND_BYTES
        value.pointee.bytes = CBytes(
            len: content.count,
            data: UnsafeMutableRawPointer(mutating: content.baseAddress)?.assumingMemoryBound(to: UInt8.self))
        let list = futures_arena_need(arena, MemoryLayout<UnsafeRawPointer>.size)!
            .bindMemory(to: UnsafeMutablePointer<CValue>?.self, capacity: 1)
        list.initialize(to: value)
        let arguments = futures_arena_need(arena, MemoryLayout<CArguments>.size)!
            .bindMemory(to: CArguments.self, capacity: 1)
        futures__wire__v1__arguments__init(arguments)
        arguments.pointee.n_values = 1
        arguments.pointee.values = list
        return arguments
    }

    deinit {
        // The state of the Codable decoder owns the arena: types may have kept a Decoder, which reads from it.
        if codingState == nil { futures_arena_release(arena) }
    }

    /// Throws if values are left that nobody asked for.
    public func finish() throws(WireError) {
        guard position == valueCount else { throw .leftoverValues(used: position, count: valueCount) }
    }

    /// The next value; it lives as long as the decoder.
    mutating func next() throws(WireError) -> ValueNode {
        guard position < valueCount, let value = values?[position] else {
            throw .missingValue(position: position + 1, count: valueCount)
        }
        position += 1
        if let rawArray, value.pointee.bytes.data == nil {
            value.pointee.bytes = rawArray.withUnsafeBufferPointer {
                futures_bytes_copy(arena, $0.baseAddress, $0.count)
            }
        }
        return ValueNode(pointer: value)
    }

    /// The next value as bytes, without a copy if it is the array of a raw payload.
    mutating func nextBytes() throws(WireError) -> [UInt8] {
        if let rawArray, position == 0 {
            position = 1
            return rawArray
        }
        return try UInt8._decodeArray(next())
    }

    /// The next value and what a Codable type needs to read it.
    mutating func nextForCodable() throws(WireError) -> TreeDecoder {
        let node = try next()
        if isRaw, rawArray == nil {
            // The bytes lie outside the arena.
            let bytes = node.pointer.pointee.bytes
            node.pointer.pointee.bytes = futures_bytes_copy(arena, bytes.data, bytes.len)
        }
        let state = codingState ?? DecodingState(arena: arena, limits: limits)
        codingState = state
        return TreeDecoder(state: state, node: node.pointer, path: nil)
    }
}
