import Wire

/// A whole conversation, from the bytes of a pipe to the values in the payloads.
///
/// The first byte has the limits, and how the bytes arrive; the second how long the pieces are; the stream follows.
enum FramesTarget: Target {
    static let name = "frames"
    static let longestInput = 16 << 10

    private static let repairs: UInt8 = 8
    private static let readsInPlace: UInt8 = 16

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
        return seeds
    }

    static func run(_ input: inout Input) {
        let choice = input.byte()
        let limits = WireLimits.profile(choice)
        let pieceSeed = input.byte()
        var stream = input.bytes
        if choice & repairs != 0 { repair(&stream) }

        let whole = receive(stream, pieceSeed: nil, inPlace: false, limits)
        let inPieces = receive(stream, pieceSeed: pieceSeed, inPlace: choice & readsInPlace != 0, limits)
        require(whole.frames == inPieces.frames, "frames depend on how their bytes arrive")
        require(whole.error == inPieces.error, "the error depends on how the bytes arrive")
        // Four times what has arrived, and some 100 KiB, is what the decoder says that it holds; while it grows it
        // has the old buffer, too.
        let most = 5 * stream.count + (512 << 10)
        require(inPieces.memory <= most, "\(stream.count) bytes took \(inPieces.memory) bytes of memory")
        var bytesOfFrames = 0
        for frame in whole.frames {
            require(
                UInt64(frame.message.count) <= limits.maxMessageSize
                    && UInt64(frame.payload.count) <= limits.maxPayloadSize, "a frame is larger than the limits")
            bytesOfFrames += 16 + frame.message.count + frame.payload.count
            read(frame, limits)
        }
        require(bytesOfFrames <= stream.count, "frames have more bytes than the stream")
    }

    private struct Frame: Equatable {
        var kind: FrameKind
        var message: [UInt8]
        var payload: [UInt8]
    }

    private struct Received {
        var frames: [Frame] = []
        var error: WireError?
        var memory = 0
    }

    /// All frames of a stream, in pieces of different lengths; in one without a seed.
    private static func receive(
        _ stream: [UInt8], pieceSeed: UInt8?, inPlace: Bool, _ limits: WireLimits
    ) -> Received {
        var received = Received()
        var decoder = FrameDecoder(limits: limits)
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
                while try decoder.withNextFrame({ view in
                    received.frames.append(
                        Frame(kind: view.kind, message: Array(view.message), payload: Array(view.payload)))
                }) {}
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
    private static func repair(_ stream: inout [UInt8]) {
        var start = 0
        while stream.count - start >= 16 {
            let left = stream.count - start - 16
            let kind = 1 + (stream[start + 1] &- 1) % 13
            let message = number(stream[start + 4..<start + 8]) % UInt64(left + 1)
            let payload = number(stream[start + 8..<start + 16]) % UInt64(left - Int(message) + 1)
            stream.replaceSubrange(start..<start + 16, with: header(kind: kind, message: message, payload: payload))
            start += 16 + Int(message + payload)
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
