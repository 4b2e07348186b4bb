import Testing
import Wire

@Suite struct FrameHeaderTests {
    /// What a decoder says to these bytes alone.
    private func refusal(_ bytes: [UInt8], limits: WireLimits = .default) -> String {
        var decoder = FrameDecoder(limits: limits)
        bytes.withUnsafeBytes { decoder.append($0) }
        let text = errorText { try decoder.withNextFrame { _ in } }
        // A refusal needs no memory for what the header claims.
        expectAtMost(decoder.memory, 64 * 1024)
        return text
    }

    @Test("the header is 16 bytes, little-endian, with the checksum that the document gives")
    func layout() throws {
        let bytes = try frame(.ping(Ping(nonce: 0x0807_0605_0403_0201)), payload: [0xAA, 0xBB])
        #expect(bytes[..<16] == header(kind: 10, messageLength: 9, payloadLength: 2)[...])
        #expect(bytes[16...] == [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0xAA, 0xBB])
        #expect(frame(kind: 10, message: [0x09, 1, 2, 3, 4, 5, 6, 7, 8], payload: [0xAA, 0xBB]) == bytes)
    }

    @Test("another first byte than the magic one is refused")
    func magic() {
        #expect(
            refusal([0x0A] + header(kind: 1, messageLength: 0, payloadLength: 0)[1...])
                == "The stream is out of step: a frame begins with 0xF7, not with 0x0A.")
    }

    @Test("a wrong checksum is refused, with both")
    func checksum() {
        var bytes = header(kind: 1, messageLength: 0, payloadLength: 0)
        #expect(bytes[2...3] == [0x08, 0xFE])
        bytes[2] = 0x09
        #expect(
            refusal(bytes)
                == "The header of a frame is damaged: its checksum is 0xFE09, and its other bytes give 0xFE08.")
    }

    @Test("kinds that are not known are refused", arguments: [0, 16, 0x83, 255] as [UInt8])
    func kinds(kind: UInt8) {
        #expect(
            refusal(header(kind: kind, messageLength: 0, payloadLength: 0))
                == "A frame is of kind \(kind), which this version does not know; the kinds are 1 to 15.")
    }

    @Test("a message beyond the limit is refused, one at the limit is not")
    func messageSize() {
        let limits = WireLimits(maxMessageSize: 100)
        #expect(refusal(header(kind: 3, messageLength: 100, payloadLength: 0), limits: limits) == "no error, but false")
        #expect(
            refusal(header(kind: 3, messageLength: 101, payloadLength: 0), limits: limits)
                == "A frame of kind task (3) has a message of 101 bytes; the limit is 100.")
        #expect(
            refusal(header(kind: 13, messageLength: .max, payloadLength: 0))
                == "A frame of kind goodbye (13) has a message of 4294967295 bytes; the limit is 16777216.")
    }

    @Test("a payload beyond the limit is refused, one at the limit is not")
    func payloadSize() {
        let limits = WireLimits(maxPayloadSize: 1000)
        #expect(
            refusal(header(kind: 5, messageLength: 9, payloadLength: 1000), limits: limits) == "no error, but false")
        #expect(
            refusal(header(kind: 5, messageLength: 9, payloadLength: 1001), limits: limits)
                == "A frame of kind result (5) has a payload of 1001 bytes; the limit is 1000.")
        #expect(
            refusal(header(kind: 4, messageLength: 0, payloadLength: .max))
                == "A frame of kind chunk (4) has a payload of 18446744073709551615 bytes; the limit is 1073741824.")
    }

    @Test(
        "a frame that no machine can hold is refused even without limits",
        arguments: [.max, .max - 20, 1 << 62] as [UInt64])
    func totalSize(payloadLength: UInt64) {
        let limits = WireLimits(maxMessageSize: .max, maxPayloadSize: .max)
        #expect(
            refusal(header(kind: 3, messageLength: .max, payloadLength: payloadLength), limits: limits)
                == "A frame of kind task (3) has a payload of \(payloadLength) bytes; the limit is \(UInt64.max).")
    }

    @Test("a flipped bit anywhere in a header is noticed", arguments: sampleMessages)
    func flippedBits(message: Message) throws {
        let bytes = try frame(message, payload: [1, 2, 3])
        for bit in 0..<128 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            let expected =
                bit < 8 ? "The stream is out of step" : "The header of a frame is damaged"
            #expect(refusal(damaged).hasPrefix(expected), "bit \(bit)")
        }
    }

    @Test("a flipped bit in a message gives an error or another message", arguments: sampleMessages)
    func flippedBitsInMessages(message: Message) throws {
        let bytes = try frame(message, payload: [1, 2, 3])
        for bit in 128..<(bytes.count - 3) * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            do {
                let frames = try receive(damaged)
                #expect(frames.map(\.message.kind) == [message.kind], "bit \(bit)")
                #expect(frames.map(\.payload) == [[1, 2, 3]], "bit \(bit)")
            } catch {
                #expect(error is WireError, "bit \(bit)")
            }
        }
    }
}
