import Testing
import Wire

/// All sample messages as one stream, each with a payload of another length.
struct SampleStream {
    let bytes: [UInt8]
    let frames: [ReceivedFrame]

    init() throws {
        var buffer = FrameBuffer()
        var frames: [ReceivedFrame] = []
        for (index, message) in sampleMessages.enumerated() {
            let payload = [UInt8](repeating: UInt8(index), count: index % 5 * 3)
            try payload.withUnsafeBytes { try buffer.append(message, payload: $0) }
            frames.append(ReceivedFrame(message: message, payload: payload))
        }
        bytes = buffer.withFirstBytes { Array($0) }
        self.frames = frames
    }
}

@Suite struct FrameDecoderTests {
    @Test("a stream cut in two anywhere gives the same frames")
    func everySplitPoint() throws {
        let stream = try SampleStream()
        for split in 0...stream.bytes.count {
            let frames = try receive([stream.bytes[..<split], stream.bytes[split...]])
            #expect(frames == stream.frames, "cut after \(split) bytes")
        }
    }

    @Test("a stream that arrives byte by byte gives the same frames, each as soon as its last byte is there")
    func byteByByte() throws {
        let stream = try SampleStream()
        var decoder = FrameDecoder()
        var frames: [ReceivedFrame] = []
        var ends: [Int] = []
        for (index, byte) in stream.bytes.enumerated() {
            decoder.withFreeSpace { space in
                space[0] = byte
                return (count: 1, result: ())
            }
            let before = frames.count
            try takeFrames(from: &decoder, into: &frames)
            if frames.count > before { ends.append(index + 1) }
        }
        #expect(frames == stream.frames)
        let sizes = try stream.frames.map { try frame($0.message, payload: $0.payload).count }
        let expected = sizes.indices.map { sizes[...$0].reduce(0, +) }
        #expect(ends == expected)
        expectEqual(decoder.truncationError(), nil)
    }

    @Test("a stream cut at random gives the same frames", arguments: testSeeds)
    func randomSplits(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let stream = try SampleStream()
        for _ in 0..<200 {
            var pieces: [ArraySlice<UInt8>] = []
            var rest = stream.bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 200), using: &random)
                pieces.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(try receive(pieces) == stream.frames)
        }
    }

    @Test("a frame without its last bytes is waited for, and the end of the input there is an error")
    func truncated() throws {
        let bytes = try frame(.drain(Drain(reason: "walltime")), payload: [1, 2, 3])
        for count in 1..<bytes.count {
            var decoder = FrameDecoder()
            bytes[..<count].withUnsafeBytes { decoder.append($0) }
            var frames: [ReceivedFrame] = []
            try takeFrames(from: &decoder, into: &frames)
            #expect(frames.isEmpty)
            expectEqual(decoder.isMidFrame, true)
            expectEqual(decoder.bufferedCount, count)
            let expected =
                count < 16
                ? "The input ended within the header of a frame, after \(count) of 16 bytes."
                : "The input ended within a frame of kind drain (12), after \(count) of \(bytes.count) bytes; "
                    + "\(bytes.count - count) are missing."
            expectEqual(decoder.truncationError()?.description, expected)
            bytes[count...].withUnsafeBytes { decoder.append($0) }
            try takeFrames(from: &decoder, into: &frames)
            #expect(frames == [ReceivedFrame(message: .drain(Drain(reason: "walltime")), payload: [1, 2, 3])])
            expectEqual(decoder.isMidFrame, false)
        }
    }

    @Test("the end of the input is judged also before anybody asked for a frame")
    func truncationWithoutReading() throws {
        let bytes = try frame(.ping(Ping(nonce: 1)))
        var decoder = FrameDecoder()
        bytes.withUnsafeBytes { decoder.append($0) }
        expectEqual(decoder.truncationError(), nil)
        var damaged = FrameDecoder()
        [UInt8](repeating: 0, count: 16).withUnsafeBytes { damaged.append($0) }
        expectEqual(damaged.truncationError(), .badMagic(found: 0))
    }

    @Test("after a bad header every call throws the same error, whatever arrives")
    func badForEver() throws {
        var decoder = FrameDecoder()
        let bytes = [UInt8](repeating: 0x41, count: 16) + (try frame(.ping(Ping(nonce: 1))))
        bytes.withUnsafeBytes { decoder.append($0) }
        for _ in 0..<3 {
            #expect(throws: WireError.badMagic(found: 0x41)) { try decoder.withNextFrame { _ in } }
        }
        try frame(.ping(Ping(nonce: 2))).withUnsafeBytes { decoder.append($0) }
        #expect(throws: WireError.badMagic(found: 0x41)) { try decoder.withNextFrame { _ in } }
        expectEqual(decoder.truncationError(), .badMagic(found: 0x41))
    }

    @Test("a frame whose reader throws is gone, and the next one follows")
    func throwingReader() throws {
        var decoder = FrameDecoder()
        let bytes = try frame(.ping(Ping(nonce: 1)), payload: [1]) + frame(.ping(Ping(nonce: 2)))
        bytes.withUnsafeBytes { decoder.append($0) }
        #expect(throws: CancellationError.self) { try decoder.withNextFrame { _ in throw CancellationError() } }
        var frames: [ReceivedFrame] = []
        try takeFrames(from: &decoder, into: &frames)
        #expect(frames == [ReceivedFrame(message: .ping(Ping(nonce: 2)), payload: [])])
    }

    @Test("a header that claims a large payload takes no memory by itself")
    func claimedPayload() throws {
        var decoder = FrameDecoder()
        header(kind: 3, messageLength: 16 << 20, payloadLength: 1 << 30).withUnsafeBytes { decoder.append($0) }
        expectEqual(try decoder.withNextFrame { _ in }, false)
        for _ in 0..<4 {
            decoder.withFreeSpace { space in
                #expect(space.count <= 256 * 1024)
                space[0] = 0
                return (count: 1, result: ())
            }
        }
        expectAtMost(decoder.memory, 256 * 1024)
    }

    @Test("what is reserved for a large payload is bounded by what has arrived, whatever its header claims")
    func reservedRoom() throws {
        var decoder = FrameDecoder()
        header(kind: 3, messageLength: 0, payloadLength: 1 << 30).withUnsafeBytes { decoder.append($0) }
        expectEqual(try decoder.withNextFrame { _ in }, false)
        var sent = 0
        while sent < 80 << 20 {
            sent += decoder.withFreeSpace { space in
                space.initializeMemory(as: UInt8.self, repeating: 1)
                return (count: space.count, result: space.count)
            }
            expectAtMost(decoder.room, max(33 << 20, 4 * sent + 4096))
            expectAtMost(decoder.memory, sent + 200 * 1024)
        }
        expectAtMost(80 << 20, decoder.room)
    }

    @Test("a large frame takes memory as it arrives, which is given back")
    func largeFrame() throws {
        let payload = [UInt8](repeating: 7, count: 32 << 20)
        let bytes = try frame(.task(TaskMessage(id: 1, function: 0)), payload: payload)
        var decoder = FrameDecoder()
        var sent = 0
        var reads = 0
        while sent < bytes.count {
            sent += decoder.withFreeSpace { space in
                let count = min(space.count, bytes.count - sent)
                bytes.withUnsafeBytes {
                    space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[sent..<sent + count]))
                }
                return (count: count, result: count)
            }
            reads += 1
            if sent < bytes.count { expectEqual(try decoder.withNextFrame { _ in }, false) }
            expectAtMost(decoder.memory, 2 * sent + 200 * 1024)
        }
        #expect(reads < 600)
        var received = 0
        expectEqual(try decoder.withNextFrame { received = $0.payload.count }, true)
        #expect(received == payload.count)
        expectAtMost(decoder.memory, 4 << 20)
    }

    @Test(
        "a large payload arrives in an array that can be kept without a copy, however its bytes come",
        arguments: testSeeds)
    func largeArrays(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var stream: [UInt8] = []
        var payloads: [[UInt8]] = []
        for id in 0..<12 as Range<UInt64> {
            let sizes = [0, 5, 262_143, 262_144, 300_000, 1_500_000]
            let size = sizes.randomElement(using: &random)!
            payloads.append((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(id)) })
            stream += try frame(.task(TaskMessage(id: id, function: 0)), payload: payloads.last!)
        }
        for inPlace in [false, true] {
            var decoder = FrameDecoder()
            var taken = 0
            var sent = 0
            while sent < stream.count {
                let piece = stream[sent..<min(sent + Int.random(in: 1...200_000, using: &random), stream.count)]
                sent +=
                    inPlace
                    ? decoder.withFreeSpace { space in
                        let count = min(space.count, piece.count)
                        space.copyBytes(from: piece.prefix(count))
                        return (count: count, result: count)
                    }
                    : piece.withUnsafeBytes { bytes in
                        decoder.append(bytes)
                        return bytes.count
                    }
                while try decoder.withNextFrame({ view in
                    let array = view.payloadArray
                    #expect(array == payloads[taken] && array.elementsEqual(view.payload))
                    let isShared = array.withUnsafeBytes { $0.baseAddress == view.payload.baseAddress }
                    // One that had come before its header was looked at is copied.
                    #expect(array.count < 262_144 || isShared || piece.count > 100)
                    taken += 1
                }) {}
            }
            #expect(taken == payloads.count)
            expectEqual(decoder.isMidFrame, false)
            expectEqual(decoder.truncationError(), nil)
        }
    }

    @Test("a stream that ends within a large payload says how much of it was there")
    func truncatedLarge() throws {
        let bytes = try frame(.task(TaskMessage(id: 1, function: 0)), payload: [UInt8](repeating: 7, count: 1 << 20))
        var decoder = FrameDecoder()
        for piece in [bytes[..<1000], bytes[1000..<500_000]] {
            piece.withUnsafeBytes { decoder.append($0) }
            expectEqual(try decoder.withNextFrame { _ in }, false)
        }
        expectEqual(decoder.bufferedCount, 500_000)
        expectEqual(
            decoder.truncationError(),
            .truncatedFrame(kind: .task, received: 500_000, expected: UInt64(bytes.count)))
    }

    @Test(
        "an empty decoder reads to the beginning of a cache line, and the rest of a large payload, too: see docs/decisions/copies.md"
    )
    func cacheLines() throws {
        for size in [70_000, 300_000, 1_000_000, 5_000_000] {
            let bytes = try frame(.task(TaskMessage(id: 1, function: 0)), payload: [UInt8](repeating: 7, count: size))
            var decoder = FrameDecoder()
            for round in 0..<2 {
                var sent = 0
                while sent < bytes.count {
                    let isLine = sent == 0 || size >= 262_144
                    sent += decoder.withFreeSpace { space in
                        if isLine {
                            expectEqual(
                                Int(bitPattern: space.baseAddress) % 64, 0, "byte \(sent) of \(size), round \(round)")
                        }
                        // As a pipe gives it: not always as much as could be.
                        let count = min(space.count, bytes.count - sent, 65_536)
                        bytes[sent..<sent + count].withUnsafeBytes { space.copyMemory(from: $0) }
                        return (count: count, result: count)
                    }
                    let isWhole = try decoder.withNextFrame { #expect($0.payload.allSatisfy { $0 == 7 }) }
                    #expect(isWhole == (sent == bytes.count))
                }
            }
        }
    }

    @Test("the memory of a large frame is given back also when the next one is already half there")
    func largeFrameInAStream() throws {
        var decoder = FrameDecoder()
        let large = try frame(.task(TaskMessage(id: 1, function: 0)), payload: [UInt8](repeating: 7, count: 32 << 20))
        let small = try frame(.ping(Ping(nonce: 5)))
        large.withUnsafeBytes { decoder.append($0) }
        for round in 0..<10 {
            // One byte of the next frame always is there, so that the decoder is never empty.
            small[..<1].withUnsafeBytes { decoder.append($0) }
            expectEqual(try decoder.withNextFrame { _ in }, true, "round \(round)")
            small[1...].withUnsafeBytes { decoder.append($0) }
        }
        expectAtMost(decoder.memory, 4 << 20)
    }
}
