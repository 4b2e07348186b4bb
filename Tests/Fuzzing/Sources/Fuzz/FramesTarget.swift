import Wire

/// A whole conversation, from the bytes of a pipe to the values in the payloads.
///
/// The first byte has the limits, and how the bytes arrive; the second how long the pieces are; the stream follows.
enum FramesTarget: Target {
    static let name = "frames"
    static let longestInput = 16 << 10

    private static let repairs: UInt8 = 8
    private static let readsInPlace: UInt8 = 16
    private static let detachedArePut: UInt8 = 32
    private static let detachedAreTaken: UInt8 = 64
    /// The largest payload that a frame may have elsewhere: there is memory for it before anything has arrived.
    private static let largestDetached: UInt64 = 1 << 16

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        var all = FrameBuffer()
        for (index, message) in sampleMessages.enumerated() {
            var one = FrameBuffer()
            let payload = message.payloadFormat == nil ? nil : try Shape.all[index % Shape.all.count].seeds().first
            if let payload = payload?.payload {
                try one.append(message, payload: payload)
                try all.append(message, payload: payload)
            } else {
                try one.append(message)
                try all.append(message)
            }
            seeds.append([repairs, 0] + one.withFirstBytes { Array($0) })
        }
        let conversation = all.withFirstBytes { Array($0) }
        for choice: UInt8 in [0, 1, 4, readsInPlace, readsInPlace | 1] { seeds.append([choice, 3] + conversation) }
        var detached = FrameBuffer()
        for size in [1, 3000, 60_000] {
            let payload = Payload(bytes: [UInt8](repeating: 0, count: size), format: .raw)
            try detached.append(.result(ResultMessage(id: 1, format: .raw)), lent: payload)
            try detached.append(.ping(Ping(nonce: 1)))
        }
        for choice in [detachedArePut, detachedAreTaken, detachedAreTaken | readsInPlace] {
            seeds.append([choice, 3] + detached.withFirstBytes { Array($0) })
        }
        // A header that claims much, and the first bytes of it; the first piece ends with the message.
        let claim = header(kind: FrameKind.result.rawValue, message: 3, payload: 40 << 20)
        for choice: UInt8 in [0, readsInPlace] { seeds.append([choice, 3] + claim + [UInt8](repeating: 0, count: 40)) }
        return seeds
    }

    static func run(_ input: inout Input) {
        let choice = input.byte()
        let way = way(choice)
        var limits = WireLimits.profile(choice)
        if way != .refused { limits.maxPayloadSize = min(limits.maxPayloadSize, largestDetached) }
        let pieceSeed = input.byte()
        var stream = input.bytes
        if choice & repairs != 0 { repair(&stream, way) }

        let whole = receive(stream, way, pieceSeed: nil, inPlace: false, limits)
        let inPieces = receive(stream, way, pieceSeed: pieceSeed, inPlace: choice & readsInPlace != 0, limits)
        require(whole.frames == inPieces.frames, "frames depend on how their bytes arrive")
        require(whole.error == inPieces.error, "the error depends on how the bytes arrive")
        var bytesOfFrames = 0
        for frame in whole.frames {
            require(
                UInt64(frame.message.count) <= limits.maxMessageSize
                    && UInt64(frame.payload.count) <= limits.maxPayloadSize, "a frame is larger than the limits")
            bytesOfFrames += 16 + frame.message.count + (way == .refused ? frame.payload.count : 0)
            read(frame, limits)
        }
        require(bytesOfFrames <= stream.count, "frames have more bytes than the stream")
        // Four times what has arrived, and some 100 KiB, is what the decoder says that it holds; while it grows it
        // has the old buffer, too.
        let most = 5 * stream.count + (512 << 10) + roomForRest(stream[bytesOfFrames...], way, whole.error)
        require(inPieces.memory <= most, "\(stream.count) bytes took \(inPieces.memory) bytes of memory")
    }

    /// What may be reserved for the payload of a frame that has begun to arrive: the memory is the system's until it is
    /// written to. That of a detached one is small here.
    private static func roomForRest(
        _ rest: ArraySlice<UInt8>, _ way: FrameDecoder.DetachedWay, _ error: WireError?
    ) -> Int {
        guard case .truncatedFrame = error, way == .refused, rest.count >= 16 else { return 0 }
        let claimed = number(rest[rest.startIndex + 8..<rest.startIndex + 16])
        return Int(min(claimed, 32 << 20))
    }

    private static func way(_ choice: UInt8) -> FrameDecoder.DetachedWay {
        if choice & detachedArePut != 0 { return .put }
        return choice & detachedAreTaken != 0 ? .taken : .refused
    }

    private struct Frame: Equatable {
        var kind: FrameKind
        var message: [UInt8]
        var payload: [UInt8]

        init(_ view: FrameView, _ way: FrameDecoder.DetachedWay) {
            kind = view.kind
            message = Array(view.message)
            // What nobody has put there is what happened to be in the memory.
            payload = way == .put ? [UInt8](repeating: 0, count: view.payload.count) : Array(view.payload)
        }
    }

    private struct Received {
        var frames: [Frame] = []
        var error: WireError?
        var memory = 0
    }

    /// All frames of a stream, in pieces of different lengths; in one without a seed.
    private static func receive(
        _ stream: [UInt8], _ way: FrameDecoder.DetachedWay, pieceSeed: UInt8?, inPlace: Bool, _ limits: WireLimits
    ) -> Received {
        var received = Received()
        var decoder = FrameDecoder(limits: limits)
        decoder.detachedWay = way
        var rest = stream[...]
        var state = UInt32(pieceSeed ?? 0)
        repeat {
            state = state &* 1_664_525 &+ 1_013_904_223
            let length = pieceSeed == nil ? rest.count : Int(state >> 24) % 41 + (state >> 16 & 7 == 0 ? 4000 : 0)
            let piece = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            // What this function keeps itself does not count.
            let (_, memory) = metered {
                if inPlace {
                    var left = piece[...]
                    while !left.isEmpty {
                        left = decoder.withFreeSpace { space in
                            let count = min(space.count, left.count)
                            space.copyBytes(from: left.prefix(count))
                            return (count, left.dropFirst(count))
                        }
                    }
                } else {
                    piece.withUnsafeBytes { decoder.append($0) }
                }
            }
            received.memory = max(received.memory, memory)
            do {
                var isLooking = true
                while isLooking {
                    while try decoder.withNextFrame({ received.frames.append(Frame($0, way)) }) {}
                    isLooking = decoder.awaitsDetached
                    copyDetached(&decoder, atMost: pieceSeed == nil ? .max : 1 + length * 50)
                }
            } catch {
                check(error)
                received.error = error as? WireError
                require(decoder.truncationError() == received.error, "a decoder that has failed forgets it")
                return received
            }
        } while !rest.isEmpty
        received.error = decoder.truncationError()
        require((received.error != nil) == decoder.isMidFrame, "the end of the input is no error within a frame")
        if let error = received.error { check(error) }
        return received
    }

    /// Puts zeros where there is room for a payload, or takes some from nowhere.
    private static func copyDetached(_ decoder: inout FrameDecoder, atMost count: Int) {
        if let room = decoder.takeRoom(), let address = UnsafeMutableRawPointer(bitPattern: UInt(room)) {
            // How much room there is only the decoder knows; what it has told is there until the frame is whole.
            address.storeBytes(of: 0, as: UInt8.self)
        }
        decoder.fillDetached { _, space in
            let piece = min(count, space.count)
            space[..<piece].initializeMemory(as: UInt8.self, repeating: 0)
            return piece
        }
    }

    /// Reads the message and the values of a frame as the peer does.
    private static func read(_ frame: Frame, _ limits: WireLimits) {
        guard let message = MessagesTarget.read(frame.kind, frame.message, payload: frame.payload, limits),
            let format = message.payloadFormat
        else { return }
        let count: Int?
        let choice: UInt64
        switch message {
        case .task(let task): (count, choice) = (nil, UInt64(task.function))
        case .chunk(let chunk): (count, choice) = (Int(chunk.count), UInt64(chunk.function))
        case .result(let result): (count, choice) = (nil, result.id)
        case .chunkResult(let result): (count, choice) = (Int(result.count) - result.failures.count, result.id)
        default: return
        }
        let shape = Shape.all[Int(choice % UInt64(Shape.all.count))]
        ValuesTarget.read(Payload(bytes: frame.payload, format: format), [shape], count: count, limits)
    }

    /// Makes frames of the stream, as far as it goes: with the right first byte and checksum, a kind that there is, and
    /// lengths that are there. Else nearly every change would end at the first header.
    private static func repair(_ stream: inout [UInt8], _ way: FrameDecoder.DetachedWay) {
        var start = 0
        while start + 16 <= stream.count {
            let left = stream.count - start - 16
            let detached = way == .refused ? 0 : stream[start + 1] & 0x80
            let kind = 1 + ((stream[start + 1] & 0x7F) &- 1) % 15 | detached
            let message = number(stream[start + 4..<start + 8]) % UInt64(left + 1)
            let payload = number(stream[start + 8..<start + 16]) % UInt64(left - Int(message) + 1)
            stream.replaceSubrange(start..<start + 16, with: header(kind: kind, message: message, payload: payload))
            start += 16 + Int(message) + (detached == 0 ? Int(payload) : 8)
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A header as docs/wire-protocol.md has it.
    private static func header(kind: UInt8, message: UInt64, payload: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0xF7, kind, 0, 0]
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: message >> shift)) }
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: payload >> shift)) }
        var sum = stride(from: 0, to: 16, by: 2).reduce(0) { $0 + UInt32(bytes[$1]) + UInt32(bytes[$1 + 1]) << 8 }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        bytes[2] = ~UInt8(truncatingIfNeeded: sum)
        bytes[3] = ~UInt8(truncatingIfNeeded: sum >> 8)
        return bytes
    }
}
