import TestSupport
import Testing
import Wire

/// Payloads that do not go through the stream. Both sides are this process here: what one side's means would copy, the test does.
@Suite struct DetachedPayloadTests {
    private func task(_ id: UInt64) -> Message { .task(TaskMessage(id: id, function: 0, format: .raw)) }

    private func payload(_ size: Int, _ id: UInt64) -> Payload {
        Payload(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(id)) }, format: .raw)
    }

    /// Moves bytes from the one to the other as long as there are some that may be sent, in pieces of at most so many.
    private func move(_ buffer: inout FrameBuffer, _ decoder: inout FrameDecoder, piece: Int = .max) {
        while !buffer.isEmpty, !buffer.awaitsDetached {
            let count = buffer.withFirstBytes { bytes in
                let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(piece))
                decoder.append(bytes)
                return bytes.count
            }
            buffer.removeFirst(count)
        }
    }

    @Test("what is behind a payload that is put waits until it is there", arguments: [1, 7, 1 << 20])
    func put(piece: Int) throws {
        var buffer = FrameBuffer()
        buffer.detachedSize = 1000
        var decoder = FrameDecoder()
        decoder.detachedWay = .put
        let sizes = [5, 1000, 3000, 999]
        for (id, size) in sizes.enumerated() { try buffer.append(task(UInt64(id)), payload: payload(size, UInt64(id))) }
        var received: [[UInt8]] = []
        var rooms = 0
        while !buffer.isEmpty {
            move(&buffer, &decoder, piece: piece)
            while try decoder.withNextFrame({ received.append($0.payloadArray) }) {}
            guard buffer.awaitsDetached else { continue }
            #expect(received.count == rooms + 1)
            let (waiting, told, again) = (buffer.detachedPayload, decoder.takeRoom(), decoder.takeRoom())
            let bytes = try #require(waiting)
            let room = try #require(told)
            #expect(again == nil)
            rooms += 1
            UnsafeMutableRawPointer(bitPattern: UInt(room))!.copyMemory(from: bytes, byteCount: bytes.count)
            expectEqual(try decoder.withNextFrame { _ in }, false)
            buffer.detachedPayloadIsThere()
        }
        #expect(rooms == 2)
        #expect(received == sizes.enumerated().map { payload($1, UInt64($0)).bytes })
        expectEqual(decoder.truncationError(), nil)
    }

    @Test("a payload that is lent is taken from where it lies, in any pieces", arguments: [1, 7, 1 << 20])
    func lent(piece: Int) throws {
        var buffer = FrameBuffer()
        var decoder = FrameDecoder()
        decoder.detachedWay = .taken
        let sent = payload(3000, 1)
        try buffer.append(task(1), lent: sent)
        try buffer.append(.ping(Ping(nonce: 1)))
        // The header, the message and the address; no payload.
        expectAtMost(buffer.count, 100)
        move(&buffer, &decoder, piece: piece)
        var received: [[UInt8]] = []
        expectEqual(try decoder.withNextFrame { _ in }, false)
        while decoder.awaitsDetached {
            expectEqual(try decoder.withNextFrame { _ in }, false)
            decoder.fillDetached { source, space in
                let count = min(space.count, 700)
                space.copyMemory(
                    from: UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(source)), count: count))
                return count
            }
        }
        while try decoder.withNextFrame({ received.append($0.payloadArray) }) {}
        #expect(received == [sent.bytes, []])
        withExtendedLifetime(sent) {}
    }

    @Test("a failure to copy is passed on, and what was copied before stays")
    func failedCopy() throws {
        struct Gone: Error {}
        var buffer = FrameBuffer()
        var decoder = FrameDecoder()
        decoder.detachedWay = .taken
        try buffer.append(task(1), lent: payload(100, 1))
        move(&buffer, &decoder)
        _ = try decoder.withNextFrame { _ in }
        decoder.fillDetached { _, space in
            space.copyBytes(from: [UInt8](repeating: 9, count: 60))
            return 60
        }
        #expect(errorText { try decoder.fillDetached { _, _ throws(Gone) in throw Gone() } } == "\(Gone())")
        decoder.fillDetached { _, space in
            #expect(space.count == 40)
            space.copyBytes(from: [UInt8](repeating: 9, count: 40))
            return 40
        }
        var received: [UInt8] = []
        expectEqual(try decoder.withNextFrame { received = $0.payloadArray }, true)
        #expect(received == [UInt8](repeating: 9, count: 100))
    }

    @Test("who did not ask for detached payloads refuses them as a kind that is not known")
    func refused() throws {
        var buffer = FrameBuffer()
        try buffer.append(task(1), lent: payload(100, 1))
        var decoder = FrameDecoder()
        move(&buffer, &decoder)
        let text = errorText { _ = try decoder.withNextFrame { _ in } }
        #expect(text == "A frame is of kind 131, which this version does not know; the kinds are 1 to 15.")
    }

    @Test("a detached payload beyond the limit, or beyond memory, is refused before there is room for it")
    func limits() throws {
        for (limits, text) in [
            (WireLimits(maxPayloadSize: 99), "A frame of kind task (3) has a payload of 100 bytes; the limit is 99."),
            (WireLimits(maxPayloadSize: .max), "no error"),
        ] {
            var buffer = FrameBuffer()
            try buffer.append(task(1), lent: payload(100, 1))
            var decoder = FrameDecoder(limits: limits)
            decoder.detachedWay = .put
            move(&buffer, &decoder)
            #expect(errorText { _ = try decoder.withNextFrame { _ in } }.hasPrefix(text))
        }
        let claimed = header(kind: 0x83, messageLength: 0, payloadLength: 1 << 60)
        var decoder = FrameDecoder(limits: WireLimits(maxPayloadSize: .max))
        decoder.detachedWay = .taken
        claimed.withUnsafeBytes { decoder.append($0) }
        for _ in 0..<2 {
            #expect(
                errorText { _ = try decoder.withNextFrame { _ in } }
                    == "A frame of kind task (3) has a payload of \(1 << 60) bytes, for which there is no memory.")
        }
    }

    @Test("room takes no memory before something is put there")
    func untouched() throws {
        var decoder = FrameDecoder()
        decoder.detachedWay = .put
        let before = ProcFiles.residentMemory()
        header(kind: 0x83, messageLength: 0, payloadLength: 1 << 30).withUnsafeBytes { decoder.append($0) }
        expectEqual(try decoder.withNextFrame { _ in }, false)
        expectEqual(decoder.takeRoom() != nil, true)
        #expect(ProcFiles.residentMemory() < before + (64 << 20))
        expectEqual(decoder.isMidFrame && decoder.truncationError() != nil, true)
    }
}
