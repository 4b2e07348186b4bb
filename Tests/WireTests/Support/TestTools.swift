import Wire

/// SplitMix64 (Steele, Lea, Flood 2014): a failure prints the seed that replays it.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}

/// A frame that was taken out of a stream, and what its message says.
struct ReceivedFrame: Equatable {
    var message: Message
    var payload: [UInt8]
}

/// The bytes of one frame.
func frame(_ message: Message, payload: [UInt8] = []) throws -> [UInt8] {
    var buffer = FrameBuffer()
    try payload.withUnsafeBytes { try buffer.append(message, payload: $0) }
    return buffer.withFirstBytes { Array($0) }
}

/// The bytes of a frame of any kind with any bytes as its message.
func frame(kind: UInt8, message: [UInt8], payload: [UInt8] = []) -> [UInt8] {
    header(kind: kind, messageLength: UInt32(message.count), payloadLength: UInt64(payload.count)) + message + payload
}

/// A header with a right checksum, computed the way the document says, word by word.
func header(kind: UInt8, messageLength: UInt32, payloadLength: UInt64) -> [UInt8] {
    var bytes: [UInt8] = [0xF7, kind, 0, 0]
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: messageLength >> shift)) }
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: payloadLength >> shift)) }
    var sum: UInt32 = 0
    for word in stride(from: 0, to: 16, by: 2) {
        sum += UInt32(bytes[word]) | UInt32(bytes[word + 1]) << 8
        sum = (sum & 0xFFFF) + (sum >> 16)
    }
    let check = ~UInt16(truncatingIfNeeded: sum)
    bytes[2] = UInt8(truncatingIfNeeded: check)
    bytes[3] = UInt8(truncatingIfNeeded: check >> 8)
    return bytes
}

/// Decodes all frames of a stream that arrives in the given pieces; throws if it ends within a frame.
func receive(_ pieces: [ArraySlice<UInt8>], limits: WireLimits = .default) throws -> [ReceivedFrame] {
    var decoder = FrameDecoder(limits: limits)
    var frames: [ReceivedFrame] = []
    for piece in pieces {
        piece.withUnsafeBytes { decoder.append($0) }
        try takeFrames(from: &decoder, into: &frames, limits: limits)
    }
    if let error = decoder.truncationError() { throw error }
    return frames
}

/// Decodes all frames of a stream that arrives in one piece.
func receive(_ bytes: [UInt8], limits: WireLimits = .default) throws -> [ReceivedFrame] {
    try receive([bytes[...]], limits: limits)
}

/// Takes out every whole frame that has arrived.
func takeFrames(
    from decoder: inout FrameDecoder, into frames: inout [ReceivedFrame], limits: WireLimits = .default
) throws {
    while try decoder.withNextFrame({ view in
        frames.append(
            ReceivedFrame(message: try Message(decoding: view, limits: limits), payload: Array(view.payload)))
    }) {}
}

/// The message as it arrives at the other side.
func roundTrip(_ message: Message) throws -> Message? {
    try receive(frame(message)).first?.message
}

/// The payload of one value.
func encode<T: Codable>(_ value: T, limits: WireLimits = .default) throws -> Payload {
    var encoder = PayloadEncoder(limits: limits)
    try ValueCodec<T>().encode(value, into: &encoder)
    return encoder.finish()
}

/// The one value of a payload, which has to hold no other.
func decode<T: Codable>(_ type: T.Type = T.self, from payload: Payload, limits: WireLimits = .default) throws -> T {
    var decoder = try PayloadDecoder(payload: payload, limits: limits)
    let value = try ValueCodec<T>().decode(from: &decoder)
    try decoder.finish()
    return value
}

/// The value as it arrives at the other side.
func roundTrip<T: Codable>(_ value: T) throws -> T {
    try decode(T.self, from: encode(value))
}

/// The column as it arrives at the other side.
func roundTripColumn<T: Codable>(_ values: [T]) throws -> [T] {
    let codec = ValueCodec<T>()
    var encoder = PayloadEncoder()
    try codec.encodeColumn(values, into: &encoder)
    var decoder = try PayloadDecoder(payload: encoder.finish())
    let received = try codec.decodeColumn(count: values.count, from: &decoder)
    try decoder.finish()
    return received
}

/// The text of the error that `body` throws; what it gave instead if it throws none.
func errorText<R>(_ body: () throws -> R) -> String {
    do {
        return "no error, but \(try body())"
    } catch let error as DecodingError {
        switch error {
        case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context):
            return context.debugDescription
        @unknown default: return "\(error)"
        }
    } catch let error as EncodingError {
        guard case .invalidValue(_, let context) = error else { return "\(error)" }
        return context.debugDescription
    } catch {
        return "\(error)"
    }
}

/// Serialised protobuf, field by field, as a peer might send it.
struct RawMessage {
    var bytes: [UInt8] = []

    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    func number(_ field: UInt64, _ value: UInt64) -> RawMessage {
        RawMessage(bytes: bytes + Self.varint(field << 3) + Self.varint(value))
    }

    func content(_ field: UInt64, _ content: [UInt8]) -> RawMessage {
        RawMessage(bytes: bytes + Self.varint(field << 3 | 2) + Self.varint(UInt64(content.count)) + content)
    }

    func content(_ field: UInt64, _ text: String) -> RawMessage { content(field, Array(text.utf8)) }

    func message(_ field: UInt64, _ message: RawMessage) -> RawMessage { content(field, message.bytes) }

    /// The payload of one value that is this message.
    var asPayload: Payload { Payload(bytes: RawMessage().content(1, bytes).bytes, format: .values) }
}
