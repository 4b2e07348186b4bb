internal import CProto

/// Takes bytes in any pieces and gives whole frames.
///
/// The buffer is one piece of memory, so that a frame is handed out in place; a large payload arrives in an array of its own,
/// which can be kept. A header that claims a large payload alone takes no memory: what is reserved for it, at most 32 MiB or four
/// times what has arrived, is the system's until it is written to. After the first bad header the stream cannot be trusted any
/// more, and every further call throws the same error.
public struct FrameDecoder: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    /// The bytes not yet handed out are `start..<end`.
    private var start = 0
    private var end = 0
    /// The header at `start`, once it has arrived and was found good.
    private var header: FrameHeader?
    /// The payload of that frame, as far as it has arrived, if it is large and its message is there.
    private var large: [UInt8]?
    /// That of a detached frame.
    private var detached: DetachedPayload?
    private var failure: WireError?

    /// What the header of a frame may claim.
    public let limits: WireLimits

    /// How detached payloads come.
    public enum DetachedWay: Sendable {
        /// Not at all: such a frame is of an unknown kind.
        case refused
        /// The sender puts them where this side says: see ``FrameDecoder/takeRoom()``.
        case put
        /// This side takes them from where the sender says: see ``FrameDecoder/fillDetached(_:)``.
        case taken
    }

    /// How detached payloads come from now on.
    public var detachedWay = DetachedWay.refused

    /// The array is as long as the payload from the beginning; its memory is the system's to give when it is written to.
    private struct DetachedPayload {
        var bytes: [UInt8]
        /// Where the sender has them; nil while that has not arrived.
        var source: UInt64?
        /// How many of them are there.
        var filled = 0
        var isRoomTold = false
    }

    /// Free space that is offered to a reader at the least.
    static let readSize = 64 * 1024
    /// Room for a payload of so many bytes is reserved at once: arrays that grow and are freed have malloc give memory back to the
    /// system and take it again, each page for more than it takes to fill it. Larger ones grow fourfold.
    static let reservedSize = 32 * 1024 * 1024
    /// Memory that an empty decoder keeps.
    static let keptSize = 4 * 1024 * 1024

    /// A decoder at the beginning of a stream.
    public init(limits: WireLimits = .default) {
        self.limits = limits
    }

    deinit {
        futures_free(base)
    }

    /// Bytes that have arrived and are not part of a frame handed out yet.
    public var bufferedCount: Int { end - start + (large?.count ?? 0) }

    /// Memory held by the buffer, in bytes: while a frame arrives at most about twice what has arrived of it, and some
    /// 100 KiB; once it was taken out at most 4 MiB, or eight times the bytes that wait. Room that a large payload has not filled
    /// yet does not count: it is the system's until it is written to.
    package var memory: Int { capacity + (large?.count ?? 0) }

    /// Room of the large payload that is arriving, in bytes.
    package var room: Int { large?.capacity ?? 0 }

    /// Whether the end of the input here would leave a frame unfinished.
    public var isMidFrame: Bool { end > start }

    /// Where the payload of the frame that is arriving may be put; once for each frame that wants it.
    ///
    /// The bytes may be written there, by whatever means, until the rest of the frame has arrived.
    public mutating func takeRoom() -> UInt64? {
        guard detachedWay == .put, detached?.isRoomTold == false else { return nil }
        detached!.isRoomTold = true
        // The elements of an array stay where they are while nobody else holds it and it is not changed.
        return detached!.bytes.withUnsafeMutableBytes { UInt64(UInt(bitPattern: $0.baseAddress)) }
    }

    /// Whether the payload of a frame is still to be taken from the sender's memory.
    public var awaitsDetached: Bool { detached.map { $0.source != nil && $0.filled < $0.bytes.count } ?? false }

    /// Lets `body` copy the next bytes of a detached payload from an address of the sender's, and say how many it has copied.
    public mutating func fillDetached<E: Error>(
        _ body: (_ source: UInt64, _ space: UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        guard awaitsDetached, let source = detached?.source, let filled = detached?.filled else { return }
        var outcome = Result<Int, E>.success(0)
        detached!.bytes.withUnsafeMutableBytes { bytes in
            let space = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
            outcome = Result { () throws(E) in try body(source &+ UInt64(filled), space) }
        }
        let count = try outcome.get()
        precondition(
            count >= 0 && count <= detached!.bytes.count - filled, "FrameDecoder.fillDetached: \(count) bytes copied")
        detached!.filled += count
    }

    /// Takes a copy of bytes that have arrived.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes
        let rest = min(missingCount, bytes.count)
        if large != nil, rest > 0 {
            appendToLarge(UnsafeRawBufferPointer(rebasing: bytes[..<rest]))
            bytes = UnsafeRawBufferPointer(rebasing: bytes[rest...])
        }
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        makeRoom(bytes.count)
        (base! + end).copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    /// Lets `body` write bytes that arrive straight into the buffer, as read(2) does, and returns its result.
    ///
    /// The space is at least 64 KiB, and more while a large frame arrives, but what that frame lacks at most. `body` says how
    /// many bytes it has written, from the beginning of the space.
    public mutating func withFreeSpace<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> (count: Int, result: R)
    ) throws(E) -> R {
        if large != nil, missingCount > 0 { return try withFreeSpaceOfLarge(body) }
        makeRoom(max(Self.readSize, min(missingCount, end - start)))
        let space = UnsafeMutableRawBufferPointer(start: base! + end, count: capacity - end)
        let (count, result) = try body(space)
        precondition(count >= 0 && count <= space.count, "withFreeSpace: \(count) of \(space.count) bytes written")
        end += count
        return result
    }

    /// Calls `body` with the next frame if all of it has arrived; false if more bytes are needed.
    ///
    /// The frame is gone afterwards, also when `body` throws. What the view points at is valid within `body` only.
    public mutating func withNextFrame<E: Error>(_ body: (FrameView) throws(E) -> Void) throws -> Bool {
        guard let header = try nextHeader(), let length = header.frameLength else { return false }
        if header.isDetached {
            guard try hasDetached(header) else { return false }
        } else if UInt64(bufferedCount) < length {
            beginLarge(header)
            return false
        }
        let message = UnsafeRawBufferPointer(
            start: base! + start + FrameHeader.size, count: Int(header.messageLength))
        self.header = nil
        defer { giveBackMemory() }
        if let array = detached?.bytes {
            detached = nil
            start += Int(length)
            return try handOut(header, message, array, body)
        }
        guard let array = large else {
            start += Int(length)
            let payload = UnsafeRawBufferPointer(
                start: message.baseAddress! + message.count, count: Int(header.payloadLength))
            try body(FrameView(kind: header.kind, message: message, payload: payload))
            return true
        }
        large = nil
        start += FrameHeader.size + message.count
        return try handOut(header, message, array, body)
    }

    private func handOut<E: Error>(
        _ header: FrameHeader, _ message: UnsafeRawBufferPointer, _ array: [UInt8],
        _ body: (FrameView) throws(E) -> Void
    ) throws -> Bool {
        // The elements of an array stay where they are as long as somebody holds the array and nobody changes it.
        let payload = array.withUnsafeBytes { $0 }
        try withExtendedLifetime(array) {
            try body(FrameView(kind: header.kind, message: message, payload: payload, array: array))
        }
        return true
    }

    /// Whether the detached payload of a frame, whose header is there, has arrived. Makes room for it.
    private mutating func hasDetached(_ header: FrameHeader) throws(WireError) -> Bool {
        let before = FrameHeader.size + Int(header.messageLength)
        guard end - start >= before else { return false }
        if detached == nil {
            let count = Int(header.payloadLength)
            // Swift's arrays end the program where memory is refused.
            guard futures_can_allocate(count) != 0 else {
                let error = WireError.outOfMemory(kind: header.kind, size: header.payloadLength)
                failure = error
                throw error
            }
            // Without room, the initialiser writes the count of the empty array that all threads share.
            var bytes = count == 0 ? [] : [UInt8](unsafeUninitializedCapacity: count) { $1 = count }
            bytes.withUnsafeMutableBytes { futures_advise_large_pages($0.baseAddress, $0.count) }
            detached = DetachedPayload(bytes: bytes)
        }
        guard end - start >= before + FrameHeader.detachedSize else { return false }
        guard detachedWay == .taken else { return true }
        if detached!.source == nil {
            detached!.source = UInt64(
                littleEndian: UnsafeRawPointer(base! + start + before).loadUnaligned(as: UInt64.self))
        }
        return detached!.filled == detached!.bytes.count
    }

    /// Has the rest of a large payload arrive in an array of its own.
    private mutating func beginLarge(_ header: FrameHeader) {
        let before = FrameHeader.size + Int(header.messageLength)
        guard large == nil, header.payloadLength >= UInt64(FrameBuffer.attachedSize), end - start >= before else {
            return
        }
        let arrived = end - start - before
        end = start + before
        large = []
        appendToLarge(UnsafeRawBufferPointer(start: base! + end, count: arrived))
    }

    /// By way of the buffer, which the processor has at hand: where an array begins is not ours to choose, and there are places
    /// that are slow to read into (docs/decisions/copies.md).
    private mutating func withFreeSpaceOfLarge<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> (count: Int, result: R)
    ) throws(E) -> R {
        let line = Int(FUTURES_CACHE_LINE)
        makeRoom(line + min(missingCount, Self.readSize))
        let first = (end + line - 1) / line * line
        let space = UnsafeMutableRawBufferPointer(start: base! + first, count: min(missingCount, capacity - first))
        let (count, result) = try body(space)
        precondition(count >= 0 && count <= space.count, "withFreeSpace: \(count) of \(space.count) bytes written")
        appendToLarge(UnsafeRawBufferPointer(rebasing: space[..<count]))
        return result
    }

    /// Takes a copy of bytes of the large payload, none of which is behind it.
    private mutating func appendToLarge(_ bytes: UnsafeRawBufferPointer) {
        let count = large!.count
        if large!.capacity < count + bytes.count {
            // What is more than at once is moved a third of a time for each byte, on average.
            let room = max(4 * count, count + bytes.count, Self.reservedSize)
            large!.reserveCapacity(min(count + missingCount, room))
            let capacity = large!.capacity
            large!.withUnsafeMutableBytes { futures_advise_large_pages($0.baseAddress, capacity) }
        }
        large!.append(elementsOf: bytes)
    }

    /// What is wrong if the input ends here: nil between two frames.
    public func truncationError() -> WireError? {
        if let failure { return failure }
        let received = UInt64(bufferedCount)
        if received == 0 { return nil }
        // The header may have arrived and not been looked at yet.
        guard end - start >= FrameHeader.size, let base else {
            return .truncatedFrame(kind: nil, received: received, expected: UInt64(FrameHeader.size))
        }
        do throws(WireError) {
            let header: FrameHeader
            if let known = self.header {
                header = known
            } else {
                header = try FrameHeader.read(
                    from: base + start, limits: limits, takesDetached: detachedWay != .refused)
            }
            let length = header.frameLength ?? .max
            return received < length
                ? .truncatedFrame(kind: header.kind, received: received, expected: length) : nil
        } catch {
            return error
        }
    }

    /// The header of the frame at `start`, read once.
    private mutating func nextHeader() throws(WireError) -> FrameHeader? {
        if let failure { throw failure }
        if let header { return header }
        guard end - start >= FrameHeader.size else { return nil }
        do throws(WireError) {
            let read = try FrameHeader.read(
                from: base! + start, limits: limits, takesDetached: detachedWay != .refused)
            header = read
            return read
        } catch {
            failure = error
            throw error
        }
    }

    /// Bytes that the current frame lacks, if its header is known.
    private var missingCount: Int {
        guard let length = header?.frameLength, length > UInt64(bufferedCount) else { return 0 }
        return Int(length) - bufferedCount
    }

    /// After a frame was taken out: a large one's memory is kept only as long as much of it is needed.
    private mutating func giveBackMemory() {
        let used = end - start
        if capacity > Self.keptSize, used <= capacity / 8 {
            let smaller = used == 0 ? 0 : max(Self.readSize, 2 * used)
            let moved = smaller == 0 ? nil : futures_allocate(smaller)
            if let moved { moved.copyMemory(from: base! + start, byteCount: used) }
            futures_free(base)
            base = moved
            capacity = smaller
        } else if used > 0 {
            return
        }
        start = 0
        end = used
    }

    /// Makes at least `count` bytes free behind `end`.
    private mutating func makeRoom(_ count: Int) {
        if capacity - end >= count { return }
        let used = end - start
        // Moving the rest to the front is cheap while it is shorter than the way it moves; else the buffer grows by a
        // factor. Either way each byte is moved a bounded number of times.
        if start >= used, capacity - used >= count, let base {
            base.copyMemory(from: base + start, byteCount: used)
        } else {
            let (needed, overflow) = used.addingReportingOverflow(count)
            precondition(!overflow, "FrameDecoder: more bytes than memory can hold")
            let larger = max(needed, capacity + capacity / 2, Self.readSize)
            let moved = futures_allocate(larger)!
            if let base { moved.copyMemory(from: base + start, byteCount: used) }
            futures_free(base)
            base = moved
            capacity = larger
        }
        start = 0
        end = used
    }
}
