internal import CProto

/// Collects the values of one payload, in order.
public struct PayloadEncoder {
    private var bytes: [UInt8] = []
    /// Numbers that came first: an array is made when it is known how large.
    private var numbers = Numbers()
    /// The only value so far, if it is an array of bytes: it may become the payload as it is.
    private var raw: [UInt8]?

    /// How many values have been appended.
    public private(set) var valueCount = 0

    /// Deepest nesting of values; see `WireLimits.maxDepth`.
    let maxDepth: Int

    /// An encoder without values.
    public init(limits: WireLimits = .default) {
        maxDepth = limits.maxDepth
    }

    /// The payload of all values so far; the encoder is empty afterwards and can be used again.
    ///
    /// If the only value is an array of bytes the payload is that array, shared and not copied.
    public mutating func finish() -> Payload {
        valueCount = 0
        if let raw {
            self.raw = nil
            return Payload(bytes: raw, format: .raw)
        }
        if numbers.count > 0 { moveNumbers(room: 0) }
        let result = bytes
        bytes = []
        return Payload(bytes: result, format: .values)
    }

    /// Appends a value that is bytes.
    mutating func append(bytes array: [UInt8]) throws(WireError) {
        if valueCount == 0 {
            valueCount = 1
            raw = array
            return
        }
        try array.span.bytes.withUnsafeBytes { content throws(WireError) in
            try append(kind: FUTURES__WIRE__V1__VALUE__KIND_BYTES, isArray: false, content, type: "[UInt8]")
        }
    }

    /// Appends a value of that kind whose content is the given bytes: text or bytes, or the elements of an array.
    mutating func append(
        kind: Futures__Wire__V1__Value__KindCase, isArray: Bool, _ content: UnsafeRawBufferPointer,
        type: @autoclosure () -> String
    ) throws(WireError) {
        try flushRaw()
        // Before any memory is taken for it.
        guard content.count < Int(Int32.max) - Int(FUTURES_ARGUMENT_PREFIX_MAX) else {
            throw .valueTooLarge(type: type())
        }
        // Room for the longest prefix is taken; it is a few bytes more than needed at most.
        let room = Int(FUTURES_ARGUMENT_PREFIX_MAX) + content.count
        extend(by: room) { target in
            let prefix = futures_argument_prefix(
                kind.rawValue, isArray, content.count, target.assumingMemoryBound(to: UInt8.self))
            if let source = content.baseAddress, content.count > 0 {
                futures_copy(target + prefix, source, content.count)
            }
            return prefix + content.count
        }
        valueCount += 1
    }

    /// Appends a value of at most `FUTURES_NUMBER_ARGUMENT_MAX` bytes, which `write` writes with all that goes before it.
    @inline(__always)
    mutating func appendNumber(_ write: (UnsafeMutablePointer<UInt8>) -> Int) throws(WireError) {
        if raw != nil { try flushRaw() }
        if !bytes.isEmpty || !numbers.append(write) {
            extend(by: Int(FUTURES_NUMBER_ARGUMENT_MAX)) { write($0.assumingMemoryBound(to: UInt8.self)) }
        }
        valueCount += 1
    }

    /// Appends a value that protobuf-c packs.
    mutating func append(_ value: UnsafePointer<CValue>, type: @autoclosure () -> String) throws(WireError) {
        try flushRaw()
        let size = futures_argument_size(value)
        guard size > 0 else { throw .valueTooLarge(type: type()) }
        extend(by: size) { futures_argument_pack(value, $0.assumingMemoryBound(to: UInt8.self)) }
        valueCount += 1
    }

    /// Makes the array of bytes that came first a value like the others.
    private mutating func flushRaw() throws(WireError) {
        guard let first = raw else { return }
        raw = nil
        do throws(WireError) {
            try append(bytes: first)
            valueCount -= 1
        } catch {
            raw = first
            throw error
        }
    }

    /// Makes the array, with room for as much more.
    @inline(__always)
    private mutating func moveNumbers(room: Int) {
        guard bytes.isEmpty else { return }
        bytes.reserveCapacity(numbers.count + room)
        if numbers.count > 0 { numbers.move(to: &bytes) }
    }

    @inline(__always)
    private mutating func extend(by room: Int, _ write: (UnsafeMutableRawPointer) -> Int) {
        moveNumbers(room: room)
        bytes.append(addingCapacity: room) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { buffer, count in
                count += write(UnsafeMutableRawPointer(buffer.baseAddress! + count))
            }
        }
    }
}

/// A few serialised numbers, in place.
private struct Numbers {
    private var space: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private(set) var count = 0

    /// - Returns: false if there is no room.
    @inline(__always)
    mutating func append(_ write: (UnsafeMutablePointer<UInt8>) -> Int) -> Bool {
        guard count + Int(FUTURES_NUMBER_ARGUMENT_MAX) <= MemoryLayout.size(ofValue: space) else { return false }
        let start = count
        count += withUnsafeMutableBytes(of: &space) {
            write($0.baseAddress!.assumingMemoryBound(to: UInt8.self) + start)
        }
        return true
    }

    /// All of them, at the end of `bytes`, which has room for them.
    mutating func move(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: &space) { space in
            bytes.append(addingCapacity: count) { (target: inout OutputSpan<UInt8>) in
                target.withUnsafeMutableBufferPointer { buffer, initialized in
                    UnsafeMutableRawPointer(buffer.baseAddress! + initialized).copyMemory(
                        from: space.baseAddress!, byteCount: count)
                    initialized += count
                }
            }
        }
        count = 0
    }
}
