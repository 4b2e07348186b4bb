internal import CProto

/// Frames to be sent, one behind the other.
///
/// Messages are packed straight into the buffer's memory: appending a task takes no other. Large payloads stay where they are,
/// and are sent from there; or they are detached, and do not go through the stream at all.
public struct FrameBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0
    /// Payloads that are not copied, in the order in which they are sent.
    private var attachments: [Attachment] = []
    /// How many bytes of the buffer's own were ever sent.
    private var ownSent: UInt64 = 0
    private var attachedCount = 0
    /// Where the payload of the frame that is being appended goes.
    private var way = PayloadWay.copied

    private struct Attachment {
        /// So many bytes of the buffer's own are sent before it, in all.
        let position: UInt64
        let bytes: [UInt8]
        var sent = 0
        /// It is put into the receiver's memory by other means; what is behind it waits for that.
        let isDetached: Bool
    }

    private enum PayloadWay {
        case copied
        case attached([UInt8])
        /// Detached, for the receiver to say where it shall be put.
        case put([UInt8])
        /// Detached, for the receiver to take it from here.
        case lent(address: UInt64)
    }

    /// A payload of this size, or a larger one, is detached when it is appended: see ``awaitsDetached``. Nil if none is.
    public var detachedSize: Int?

    /// A payload of this size is not copied. A smaller one is sent together with what is around it, which saves more.
    static let attachedSize = 256 * 1024

    /// Largest message part that is taken, in bytes: what the peer is willing to receive. At most 4 GiB.
    public var maxMessageSize = UInt64(UInt32.max)
    /// Largest payload part that is taken, in bytes.
    public var maxPayloadSize = UInt64.max

    /// Memory that an empty buffer keeps: a large frame's is given back once it has been sent.
    private static let keptSize = 4 * 1024 * 1024

    /// An empty buffer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = futures_allocate(self.capacity)
    }

    deinit {
        futures_free(base)
    }

    /// Bytes that wait to be sent.
    public var count: Int { end - start + attachedCount }

    /// Whether nothing waits to be sent.
    public var isEmpty: Bool { count == 0 }

    /// Memory held by the buffer, in bytes; payloads that lie elsewhere do not count.
    package var memory: Int { capacity }

    /// Whether nothing can be sent before the detached payload that comes next is in the receiver's memory.
    public var awaitsDetached: Bool { attachments.first.map { $0.isDetached && $0.position == ownSent } ?? false }

    /// The detached payload that comes next, if what is before it has been sent.
    public var detachedPayload: [UInt8]? { awaitsDetached ? attachments[0].bytes : nil }

    /// The detached payload is in the receiver's memory: what is behind it can be sent.
    public mutating func detachedPayloadIsThere() {
        precondition(awaitsDetached, "FrameBuffer.detachedPayloadIsThere: no payload was waited for")
        attachments.removeFirst()
    }

    /// The first of the bytes that wait to be sent: all that lie in one piece, and can be sent now.
    public func withFirstBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        guard let attachment = attachments.first else {
            return try body(UnsafeRawBufferPointer(start: base + start, count: end - start))
        }
        let before = Int(attachment.position - ownSent)
        if before > 0 || attachment.isDetached {
            return try body(UnsafeRawBufferPointer(start: base + start, count: before))
        }
        return try attachment.bytes.span.bytes.withUnsafeBytes { bytes throws(E) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[attachment.sent...]))
        }
    }

    /// The last `n` of the bytes that wait to be sent, none of which may belong to a payload that lies elsewhere.
    public func withLastBytes<R>(_ n: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        precondition(n >= 0 && n <= end - start && attachments.last.map { $0.position + UInt64(n) <= ownEnd } ?? true)
        return body(UnsafeRawBufferPointer(start: base + end - n, count: n))
    }

    private var ownEnd: UInt64 { ownSent + UInt64(end - start) }

    /// Drops the first `n` bytes, which have been sent. Moves nothing; of an emptied buffer at most 4 MiB are kept.
    public mutating func removeFirst(_ n: Int) {
        precondition(n >= 0 && n <= count, "FrameBuffer.removeFirst: \(n) of \(count) bytes")
        var left = n
        while let attachment = attachments.first {
            let before = Int(attachment.position - ownSent)
            if left < before { break }
            removeOwn(before)
            left -= before
            if attachment.isDetached {
                precondition(left == 0, "FrameBuffer.removeFirst: what waits for a detached payload was not sent")
                return
            }
            let sent = min(left, attachment.bytes.count - attachment.sent)
            attachments[0].sent += sent
            attachedCount -= sent
            left -= sent
            guard attachments[0].sent == attachment.bytes.count else { return }
            attachments.removeFirst()
        }
        removeOwn(left)
        if isEmpty { removeAll(keepingCapacity: capacity <= Self.keptSize) }
    }

    private mutating func removeOwn(_ n: Int) {
        start += n
        ownSent += UInt64(n)
    }

    /// Drops everything. The memory is kept unless told otherwise.
    public mutating func removeAll(keepingCapacity: Bool = true) {
        ownSent = ownEnd
        attachments = []
        attachedCount = 0
        start = 0
        end = 0
        if !keepingCapacity {
            futures_free(base)
            capacity = 64
            base = futures_allocate(capacity)
        }
    }

    /// Appends a frame. Throws if the message or the payload is larger than the peer takes; nothing is appended then.
    public mutating func append(
        _ message: borrowing Message, payload: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) throws(WireError) {
        try message.pack(payload: payload, into: &self)
    }

    /// Appends a frame with a payload. The message has to carry the payload's format. A large payload is kept, and not copied.
    public mutating func append(_ message: borrowing Message, payload: Payload) throws(WireError) {
        if let detachedSize, payload.bytes.count >= detachedSize {
            try append(message, payload, .put(payload.bytes))
        } else if payload.bytes.count >= Self.attachedSize {
            try append(message, payload, .attached(payload.bytes))
        } else {
            try append(message, payload, .copied)
        }
    }

    /// Appends a frame with a payload that the receiver will take from this process's memory. It must not be empty, and be kept
    /// and not changed until it was taken.
    public mutating func append(_ message: borrowing Message, lent payload: Payload) throws(WireError) {
        precondition(!payload.bytes.isEmpty, "FrameBuffer.append: an empty payload cannot be lent")
        let address = payload.bytes.withUnsafeBytes { UInt64(UInt(bitPattern: $0.baseAddress)) }
        try append(message, payload, .lent(address: address))
    }

    private mutating func append(
        _ message: borrowing Message, _ payload: Payload, _ way: PayloadWay
    ) throws(WireError) {
        self.way = way
        defer { self.way = .copied }
        try payload.bytes.span.bytes.withUnsafeBytes { bytes throws(WireError) in try append(message, payload: bytes) }
    }

    /// Appends a frame whose message protobuf-c packs in place. `message` points at a protobuf-c structure.
    mutating func append<M>(
        _ kind: FrameKind, _ message: inout M, payload: UnsafeRawBufferPointer
    ) throws(WireError) {
        try withUnsafePointer(to: &message) { pointer throws(WireError) in
            let message = UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self)
            let size = protobuf_c_message_get_packed_size(message)
            // Before room is made for it.
            try checkMessageSize(size, kind)
            try append(kind, room: size, payload) { protobuf_c_message_pack(message, $0) }
        }
    }

    /// Appends a frame whose message is these fields.
    mutating func append(
        _ kind: FrameKind, _ fields: FuturesFields, payload: UnsafeRawBufferPointer
    ) throws(WireError) {
        try withUnsafePointer(to: fields) { fields throws(WireError) in
            try append(kind, room: Int(FUTURES_FIELDS_MAX), payload) { futures_write_fields(fields, $0) }
        }
    }

    private func checkMessageSize(_ size: Int, _ kind: FrameKind) throws(WireError) {
        let limit = min(maxMessageSize, UInt64(UInt32.max))
        guard size <= limit else { throw .messageTooLarge(kind: kind, size: UInt64(size), limit: limit) }
    }

    /// - Parameters:
    ///   - room: how many bytes the message takes at most.
    ///   - pack: writes the message and returns how many bytes it has.
    @inline(__always)
    private mutating func append(
        _ kind: FrameKind, room: Int, _ payload: UnsafeRawBufferPointer, pack: (UnsafeMutablePointer<UInt8>) -> Int
    ) throws(WireError) {
        guard payload.count <= maxPayloadSize else {
            throw .payloadTooLarge(kind: kind, size: UInt64(payload.count), limit: maxPayloadSize)
        }
        let (isDetached, own) =
            switch way {
            case .copied: (false, payload.count)
            case .attached: (false, 0)
            case .put, .lent: (true, FrameHeader.detachedSize)
            }
        makeRoom(FrameHeader.size + room + own)
        let target = base + end
        let body = target + FrameHeader.size
        let size = pack(body.assumingMemoryBound(to: UInt8.self))
        try checkMessageSize(size, kind)
        FrameHeader(
            kind: kind, isDetached: isDetached, messageLength: UInt32(size), payloadLength: UInt64(payload.count)
        ).write(to: target)
        end += FrameHeader.size + size
        switch way {
        case .copied:
            if let source = payload.baseAddress, payload.count > 0 {
                futures_copy(body + size, source, payload.count)
            }
        case .attached(let bytes):
            attachments.append(Attachment(position: ownEnd, bytes: bytes, isDetached: false))
            attachedCount += bytes.count
        case .put(let bytes):
            attachments.append(Attachment(position: ownEnd, bytes: bytes, isDetached: true))
            (body + size).storeBytes(of: 0, as: UInt64.self)
        case .lent(let address):
            (body + size).storeBytes(of: address.littleEndian, as: UInt64.self)
        }
        end += own
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
