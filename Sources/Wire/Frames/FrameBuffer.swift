internal import CProto

/// Frames to be sent, one behind the other in one piece of memory.
///
/// Messages are packed straight into it: appending a task takes no other memory.
public struct FrameBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0

    /// Largest message part that is taken, in bytes: what the peer is willing to receive. At most 4 GiB.
    public var maxMessageSize = UInt64(UInt32.max)
    /// Largest payload part that is taken, in bytes.
    public var maxPayloadSize = UInt64.max

    /// Memory that an empty buffer keeps: a large frame's is given back once it has been sent.
    private static let keptSize = 4 * 1024 * 1024

    /// An empty buffer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = futures_reallocate(nil, self.capacity)
    }

    deinit {
        futures_free(base)
    }

    /// Bytes that wait to be sent.
    public var count: Int { end - start }

    /// Whether nothing waits to be sent.
    public var isEmpty: Bool { end == start }

    /// Memory held by the buffer, in bytes.
    package var memory: Int { capacity }

    /// The bytes that wait to be sent, oldest first.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base + start, count: end - start))
    }

    /// Drops the first `n` bytes, which have been sent. Moves nothing; of an emptied buffer at most 4 MiB are kept.
    public mutating func removeFirst(_ n: Int) {
        precondition(n >= 0 && n <= count, "FrameBuffer.removeFirst: \(n) of \(count) bytes")
        start += n
        if start == end { removeAll(keepingCapacity: capacity <= Self.keptSize) }
    }

    /// Drops everything. The memory is kept unless told otherwise.
    public mutating func removeAll(keepingCapacity: Bool = true) {
        start = 0
        end = 0
        if !keepingCapacity {
            futures_free(base)
            capacity = 64
            base = futures_reallocate(nil, capacity)
        }
    }

    /// Appends a frame. Throws if the message or the payload is larger than the peer takes; nothing is appended then.
    public mutating func append(
        _ message: borrowing Message, payload: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) throws(WireError) {
        try message.pack(payload: payload, into: &self)
    }

    /// Appends a frame with a payload. The message has to carry the payload's format.
    public mutating func append(_ message: borrowing Message, payload: Payload) throws(WireError) {
        // Typed throws do not pass through the array's closure; the result does.
        let outcome = payload.bytes.withUnsafeBytes { bytes in
            Result { () throws(WireError) in try append(message, payload: bytes) }
        }
        try outcome.get()
    }

    /// Appends a frame whose message protobuf-c packs in place. `message` points at a protobuf-c structure.
    mutating func append<M>(
        _ kind: FrameKind, _ message: inout M, payload: UnsafeRawBufferPointer
    ) throws(WireError) {
        let size = withUnsafePointer(to: &message) { pointer in
            protobuf_c_message_get_packed_size(UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self))
        }
        let messageLimit = min(maxMessageSize, UInt64(UInt32.max))
        guard size <= messageLimit else {
            throw .messageTooLarge(kind: kind, size: UInt64(size), limit: messageLimit)
        }
        guard payload.count <= maxPayloadSize else {
            throw .payloadTooLarge(kind: kind, size: UInt64(payload.count), limit: maxPayloadSize)
        }
        makeRoom(FrameHeader.size + size + payload.count)
        let target = base + end
        FrameHeader(kind: kind, messageLength: UInt32(size), payloadLength: UInt64(payload.count)).write(to: target)
        let body = target + FrameHeader.size
        withUnsafePointer(to: &message) { pointer in
            _ = protobuf_c_message_pack(
                UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self),
                body.assumingMemoryBound(to: UInt8.self))
        }
        if let source = payload.baseAddress, payload.count > 0 {
            (body + size).copyMemory(from: source, byteCount: payload.count)
        }
        end += FrameHeader.size + size + payload.count
    }

    private mutating func makeRoom(_ count: Int) {
        if capacity - end >= count { return }
        let used = end - start
        if start >= used, capacity - used >= count {
            base.copyMemory(from: base + start, byteCount: used)
        } else {
            let larger = max(capacity * 2, used + count)
            let moved = futures_allocate(larger)!
            moved.copyMemory(from: base + start, byteCount: used)
            futures_free(base)
            base = moved
            capacity = larger
        }
        start = 0
        end = used
    }
}
