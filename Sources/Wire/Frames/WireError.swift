/// What is wrong with bytes that a peer sent, or with values that cannot be sent. Its description is one sentence or two.
public enum WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first byte of a frame is not the magic number 0xF7.
    case badMagic(found: UInt8)
    /// The checksum of a frame's header is not the one that its other bytes have.
    case badChecksum(expected: UInt16, found: UInt16)
    /// A frame of a kind that this version does not know.
    case unknownFrameKind(UInt8)
    /// A frame that does not belong where it came, such as a first frame that is no hello.
    case unexpectedFrame(kind: FrameKind, expected: String)
    /// The message part of a frame is larger than the limit.
    case messageTooLarge(kind: FrameKind, size: UInt64, limit: UInt64)
    /// The payload part of a frame is larger than the limit.
    case payloadTooLarge(kind: FrameKind, size: UInt64, limit: UInt64)
    /// There is no memory for the payload of a frame.
    case outOfMemory(kind: FrameKind, size: UInt64)
    /// The input ended within a frame. `kind` is nil, and `expected` the header's size, if it ended within its header.
    case truncatedFrame(kind: FrameKind?, received: UInt64, expected: UInt64)
    /// The bytes of a message or of a payload's values are not what `what` has to be.
    case malformed(what: String, reason: String)
    /// A compressed payload claims to be larger than the limit.
    case decompressedTooLarge(claimed: UInt64, limit: UInt64)
    /// A compressed payload that cannot be decompressed.
    case decompressionFailed(reason: String)
    /// A value of another kind than the type needs.
    case unexpectedValue(expected: String, found: String)
    /// A number that the type cannot hold.
    case numberOutOfRange(value: String, type: String)
    /// Text that is not valid UTF-8.
    case invalidText(what: String)
    /// There are fewer values in a payload than the callable has arguments, or none where there has to be a result.
    case missingValue(position: Int, count: Int)
    /// There are more values in a payload than were asked for.
    case leftoverValues(used: Int, count: Int)
    /// A column has another number of elements than the frame says.
    case wrongColumnCount(expected: Int, found: Int)
    /// A value to be sent takes 2 GiB or more, which only one array of bytes alone can.
    case valueTooLarge(type: String)
    /// A value to be sent nests deeper than the limit.
    case valueTooDeep(limit: Int)

    /// One sentence or two, with the numbers.
    public var description: String {
        switch self {
        case .badMagic(let found):
            return "The stream is out of step: a frame begins with 0xF7, not with \(hex(UInt64(found), digits: 2))."
        case .badChecksum(let expected, let found):
            return """
                The header of a frame is damaged: its checksum is \(hex(UInt64(found), digits: 4)), and its other bytes \
                give \(hex(UInt64(expected), digits: 4)).
                """
        case .unknownFrameKind(let kind):
            return "A frame is of kind \(kind), which this version does not know; the kinds are 1 to 15."
        case .unexpectedFrame(let kind, let expected):
            return "A frame of kind \(kind) came where \(expected) was expected."
        case .messageTooLarge(let kind, let size, let limit):
            return "A frame of kind \(kind) has a message of \(size) bytes; the limit is \(limit)."
        case .payloadTooLarge(let kind, let size, let limit):
            return "A frame of kind \(kind) has a payload of \(size) bytes; the limit is \(limit)."
        case .outOfMemory(let kind, let size):
            return "A frame of kind \(kind) has a payload of \(size) bytes, for which there is no memory."
        case .truncatedFrame(nil, let received, let expected):
            return "The input ended within the header of a frame, after \(received) of \(expected) bytes."
        case .truncatedFrame(let kind?, let received, let expected):
            return """
                The input ended within a frame of kind \(kind), after \(received) of \(expected) bytes; \
                \(expected - min(received, expected)) are missing.
                """
        case .malformed(let what, let reason):
            return "The bytes are not \(what): \(reason)."
        case .decompressedTooLarge(let claimed, let limit):
            return "A compressed payload claims to hold \(claimed) bytes; the limit is \(limit)."
        case .decompressionFailed(let reason):
            return "A compressed payload cannot be decompressed: \(reason)."
        case .unexpectedValue(let expected, let found):
            return "The value is \(found) and should be \(expected)."
        case .numberOutOfRange(let value, let type):
            return "The number \(value) does not fit into \(type)."
        case .invalidText(let what):
            return "The bytes of \(what) are not valid UTF-8."
        case .missingValue(let position, let count):
            return "Value \(position) is missing: the payload holds \(count)."
        case .leftoverValues(let used, let count):
            return "The payload holds \(count) values, and only \(used) are expected."
        case .wrongColumnCount(let expected, let found):
            return "A column holds \(found) elements where the frame says \(expected)."
        case .valueTooLarge(let type):
            return "A value of type \(type) takes 2 GiB or more when encoded; only [UInt8] alone may be as large."
        case .valueTooDeep(let limit):
            return "The value nests deeper than \(limit) levels."
        }
    }
}

private func hex(_ number: UInt64, digits: Int) -> String {
    let text = String(number, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
