/// What a frame is about; the number on the wire is the raw value.
public enum FrameKind: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Parent to worker, the first frame.
    case hello = 1
    /// Worker to parent, the answer to hello.
    case welcome
    /// Parent to worker: run a function once.
    case task
    /// Parent to worker: run a function once for each element.
    case chunk
    /// Worker to parent: a task's result.
    case result
    /// Worker to parent: a chunk's results.
    case chunkResult
    /// Worker to parent: a task or chunk failed.
    case failure
    /// Parent to worker: give a task back, or interrupt it.
    case cancel
    /// Worker to parent: whether a task was given back.
    case cancelReply
    /// Either way: are you there?
    case ping
    /// The answer to a ping.
    case pong
    /// Parent to worker: finish what you have and exit.
    case drain
    /// Worker to parent, its last frame.
    case goodbye
    /// Worker to parent: where the payload of the detached frame that it is receiving may be put.
    case room
    /// Parent to worker: one more payload may be detached.
    case taken

    /// Whether there is a payload behind its message.
    var hasPayload: Bool {
        switch self {
        case .task, .chunk, .result, .chunkResult: true
        default: false
        }
    }

    /// Its name and number, such as `task (3)`.
    public var description: String {
        let name =
            switch self {
            case .hello: "hello"
            case .welcome: "welcome"
            case .task: "task"
            case .chunk: "chunk"
            case .result: "result"
            case .chunkResult: "chunkResult"
            case .failure: "failure"
            case .cancel: "cancel"
            case .cancelReply: "cancelReply"
            case .ping: "ping"
            case .pong: "pong"
            case .drain: "drain"
            case .goodbye: "goodbye"
            case .room: "room"
            case .taken: "taken"
            }
        return "\(name) (\(rawValue))"
    }
}

/// One whole frame, seen in place: the pointers are valid only where the view was handed over.
public struct FrameView {
    /// What it is about.
    public let kind: FrameKind
    /// The serialised protobuf message.
    public let message: UnsafeRawBufferPointer
    /// The bytes after the message, as sent.
    public let payload: UnsafeRawBufferPointer
    /// The array that is the payload, where it has arrived in one; otherwise empty. An optional would be copied by way of its type.
    let array: [UInt8]

    /// The payload to keep: without a copy if it is large.
    public var payloadArray: [UInt8] { array.isEmpty ? Array(copying: payload) : array }

    /// A view of bytes that the caller keeps alive.
    public init(kind: FrameKind, message: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        self.init(kind: kind, message: message, payload: payload, array: [])
    }

    init(kind: FrameKind, message: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, array: [UInt8]) {
        self.kind = kind
        self.message = message
        self.payload = payload
        self.array = array
    }
}

/// The 16 bytes before each frame, little-endian: magic, kind, checksum (u16), message length (u32), payload length (u64).
struct FrameHeader {
    static let size = 16
    static let magic: UInt8 = 0xF7
    /// The bit of the kind that says that the payload is not in the stream.
    static let detached: UInt8 = 0x80
    /// Bytes that a detached payload has in the stream: its address, or that it is there.
    static let detachedSize = 8

    var kind: FrameKind
    var isDetached = false
    var messageLength: UInt32
    var payloadLength: UInt64

    /// Bytes of the whole frame in the stream, header included, or nil if there is no such number.
    var frameLength: UInt64? {
        let payload = isDetached ? UInt64(Self.detachedSize) : payloadLength
        let (length, overflow) = payload.addingReportingOverflow(UInt64(messageLength) + UInt64(Self.size))
        return overflow ? nil : length
    }

    func write(to target: UnsafeMutableRawPointer) {
        let kind = isDetached ? kind.rawValue | Self.detached : kind.rawValue
        let check = Self.checksum(kind: kind, messageLength: messageLength, payloadLength: payloadLength)
        let first = UInt64(Self.magic) | UInt64(kind) << 8 | UInt64(check) << 16 | UInt64(messageLength) << 32
        target.storeBytes(of: first.littleEndian, as: UInt64.self)
        target.storeBytes(of: payloadLength.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Reads a header and checks all of it against the limits.
    ///
    /// - Parameter takesDetached: whether the payload may be elsewhere.
    static func read(
        from source: UnsafeRawPointer, limits: WireLimits, takesDetached: Bool = false
    ) throws(WireError) -> FrameHeader {
        let first = UInt64(littleEndian: source.loadUnaligned(as: UInt64.self))
        let payloadLength = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let messageLength = UInt32(truncatingIfNeeded: first >> 32)
        let found = UInt16(truncatingIfNeeded: first >> 16)
        let kindByte = UInt8(truncatingIfNeeded: first >> 8)
        guard UInt8(truncatingIfNeeded: first) == magic else {
            throw .badMagic(found: UInt8(truncatingIfNeeded: first))
        }
        let expected = checksum(kind: kindByte, messageLength: messageLength, payloadLength: payloadLength)
        guard found == expected else { throw .badChecksum(expected: expected, found: found) }
        let isDetached = takesDetached && kindByte & Self.detached != 0
        guard let kind = FrameKind(rawValue: isDetached ? kindByte & ~Self.detached : kindByte),
            !isDetached || kind.hasPayload
        else { throw .unknownFrameKind(kindByte) }
        guard messageLength <= limits.maxMessageSize else {
            throw .messageTooLarge(kind: kind, size: UInt64(messageLength), limit: limits.maxMessageSize)
        }
        let header = FrameHeader(
            kind: kind, isDetached: isDetached, messageLength: messageLength, payloadLength: payloadLength)
        // Beyond what this machine can address a limit set too high must not help either.
        guard payloadLength <= min(limits.maxPayloadSize, UInt64(Int.max / 4)), let length = header.frameLength,
            length <= UInt64(Int.max / 4)
        else { throw .payloadTooLarge(kind: kind, size: payloadLength, limit: limits.maxPayloadSize) }
        return header
    }

    /// RFC 1071: the complement of the ones' complement sum of the header's other seven 16-bit words.
    static func checksum(kind: UInt8, messageLength: UInt32, payloadLength: UInt64) -> UInt16 {
        // The sum of 16-bit words is the sum of 32-bit words folded afterwards (RFC 1071, section 2).
        var sum = UInt64(magic) | UInt64(kind) << 8
        sum &+= UInt64(messageLength)
        sum &+= payloadLength & 0xFFFF_FFFF
        sum &+= payloadLength >> 32
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        sum = (sum & 0xFFFF) &+ (sum >> 16)
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
