internal import CProto

// protobuf-c's structures under short names; none of them leaves this module.
typealias CHello = Futures__Wire__V1__Hello
typealias CLimits = Futures__Wire__V1__Limits
typealias CCompressionPolicy = Futures__Wire__V1__CompressionPolicy
typealias CWelcome = Futures__Wire__V1__Welcome
typealias CFunction = Futures__Wire__V1__FunctionDescription
typealias CTask = Futures__Wire__V1__Task
typealias CChunk = Futures__Wire__V1__Chunk
typealias CResult = Futures__Wire__V1__Result
typealias CChunkResult = Futures__Wire__V1__ChunkResult
typealias CElementFailure = Futures__Wire__V1__ElementFailure
typealias CFailure = Futures__Wire__V1__Failure
typealias CFailureDescription = Futures__Wire__V1__FailureDescription
typealias CCancel = Futures__Wire__V1__Cancel
typealias CCancelReply = Futures__Wire__V1__CancelReply
typealias CPing = Futures__Wire__V1__Ping
typealias CDrain = Futures__Wire__V1__Drain
typealias CGoodbye = Futures__Wire__V1__Goodbye
typealias CRoom = Futures__Wire__V1__Room
typealias CTaken = Futures__Wire__V1__Taken
typealias CValue = Futures__Wire__V1__Value
typealias CArguments = Futures__Wire__V1__Arguments
typealias CBytes = ProtobufCBinaryData

#if _endian(big)
    #error("The wire is little-endian, and arrays of numbers are copied to it as they lie in memory.")
#endif

extension CBytes {
    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: data, count: len) }

    /// The bytes as text; nil if they are not valid UTF-8.
    var text: String? {
        if len == 0 { return "" }
        guard let text = try? UTF8Span(validating: buffer.span) else { return nil }
        return String(copying: text)
    }

    func text(_ what: @autoclosure () -> String) throws(WireError) -> String {
        guard let text else { throw .invalidText(what: what()) }
        return text
    }
}

/// An arena for as long as a value is built or read.
struct Arena: ~Copyable {
    let pointer: OpaquePointer

    init() {
        pointer = futures_arena_acquire()
    }

    deinit {
        futures_arena_release(pointer)
    }

    func bytes(_ text: String) -> CBytes {
        var text = text
        return text.withUTF8 { futures_bytes_copy(pointer, $0.baseAddress, $0.count) }
    }

    func array<T>(of type: T.Type, count: Int) -> UnsafeMutablePointer<T>? {
        if count == 0 { return nil }
        return futures_arena_need(pointer, count * MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
    }

    func texts(_ texts: [String]) -> UnsafeMutablePointer<CBytes>? {
        let array = array(of: CBytes.self, count: texts.count)
        for (index, text) in texts.enumerated() { array?[index] = bytes(text) }
        return array
    }
}

extension WireLimits {
    /// The limits as the scan of a message with `depth` levels of messages takes them.
    func scanLimits(depth: Int) -> FuturesScanLimits {
        FuturesScanLimits(max_depth: UInt32(depth), max_fields: maxCount, max_memory: min(maxMemory, UInt64(Int.max)))
    }
}

extension FuturesScanReport {
    /// Why the scan refused, as an error.
    func error(what: String, limits: WireLimits) -> WireError {
        let reason: String
        switch status {
        case FUTURES_SCAN_TRUNCATED: reason = "a field is longer than what is left of the bytes"
        case FUTURES_SCAN_BAD_VARINT: reason = "a number has too many bytes"
        case FUTURES_SCAN_BAD_TAG: reason = "a field has an impossible number"
        case FUTURES_SCAN_BAD_WIRE_TYPE: reason = "a field is not of its wire type"
        case FUTURES_SCAN_BAD_PACKED_LENGTH: reason = "an array of numbers ends within a number"
        case FUTURES_SCAN_DUPLICATE: reason = "a field that can be there once is there twice"
        case FUTURES_SCAN_TOO_DEEP: reason = "values nest deeper than the limit of \(limits.maxDepth)"
        case FUTURES_SCAN_TOO_MANY_FIELDS: reason = "there are more fields than the limit of \(limits.maxCount)"
        case FUTURES_SCAN_TOO_MUCH_MEMORY:
            reason = "to unpack them takes more memory than the limit of \(limits.maxMemory) bytes"
        default:
            return .malformed(what: what, reason: "protobuf cannot unpack them")
        }
        return .malformed(what: what, reason: "\(reason) (at byte \(offset))")
    }
}
