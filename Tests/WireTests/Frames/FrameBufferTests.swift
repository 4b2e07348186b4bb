import CProto
import Testing
import Wire

extension FrameBuffer {
    fileprivate var bytes: [UInt8] { withFirstBytes { Array($0) } }
}

@Suite struct FrameBufferTests {
    private let ping = Message.ping(Ping(nonce: 0x1122_3344_5566_7788))

    @Test("frames lie one behind the other, and what was sent is dropped from the front")
    func appendAndRemove() throws {
        var buffer = FrameBuffer(capacity: 64)
        expectEqual(buffer.isEmpty, true)
        expectEqual(buffer.count, 0)
        let first = try frame(ping)
        let second = try frame(.drain(Drain(reason: "enough")), payload: [1])
        try buffer.append(ping)
        try [1 as UInt8].withUnsafeBytes { try buffer.append(.drain(Drain(reason: "enough")), payload: $0) }
        expectEqual(buffer.bytes, first + second)
        buffer.removeFirst(0)
        expectEqual(buffer.count, first.count + second.count)
        buffer.removeFirst(10)
        expectEqual(buffer.bytes, Array((first + second)[10...]))
        try buffer.append(ping)
        expectEqual(buffer.bytes, Array((first + second + first)[10...]))
        buffer.removeFirst(buffer.count)
        expectEqual(buffer.isEmpty, true)
        expectEqual(buffer.bytes, [])
    }

    @Test("it keeps its bytes in order while it grows and is emptied, at any pace", arguments: testSeeds)
    func randomPace(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var buffer = FrameBuffer(capacity: 0)
        var expected: [UInt8] = []
        for round in 0..<2000 {
            if Int.random(in: 0..<3, using: &random) > 0 {
                let payload = random.bytes(Int.random(in: 0..<300, using: &random))
                try payload.withUnsafeBytes { try buffer.append(ping, payload: $0) }
                expected += try frame(ping, payload: payload)
            } else {
                let count = Int.random(in: 0...expected.count, using: &random)
                buffer.removeFirst(count)
                expected.removeFirst(count)
            }
            expectEqual(buffer.count, expected.count)
            if round % 50 == 0 { expectEqual(buffer.bytes, expected, "round \(round)") }
        }
        expectEqual(buffer.bytes, expected)
    }

    @Test("large payloads are sent from where they are, in order with what is around them", arguments: testSeeds)
    func attachments(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var buffer = FrameBuffer()
        var expected: [UInt8] = []
        var sent: [UInt8] = []
        func send(_ count: Int) {
            var left = count
            while left > 0 {
                let piece = buffer.withFirstBytes { Array($0.prefix(left)) }
                guard !piece.isEmpty else { return }
                sent += piece
                buffer.removeFirst(piece.count)
                left -= piece.count
            }
        }
        for round in 0..<60 {
            let size = [0, 10, 262_143, 262_144, 400_000].randomElement(using: &random)!
            let payload = Payload(bytes: [UInt8](repeating: UInt8(round), count: size), format: .raw)
            try buffer.append(.task(TaskMessage(id: UInt64(round), function: 0, format: .raw)), payload: payload)
            expected += try frame(
                .task(TaskMessage(id: UInt64(round), function: 0, format: .raw)), payload: payload.bytes)
            if size == 10 {
                buffer.withLastBytes(10) { last in #expect(last.elementsEqual(payload.bytes)) }
            }
            send([0, 5, 1000, 300_000].randomElement(using: &random)!)
            expectEqual(buffer.count, expected.count - sent.count)
        }
        // The rest in one go, past the ends of several.
        if !buffer.isEmpty {
            let rest = expected.count - sent.count
            buffer.removeFirst(rest / 2)
            sent = Array(expected.prefix(sent.count + rest / 2))
        }
        send(.max)
        #expect(sent == expected)
        expectEqual(buffer.isEmpty, true)
    }

    @Test("a large payload takes no other memory, and is let go when it was sent")
    func attachedMemory() throws {
        var buffer = FrameBuffer()
        var bytes = [UInt8](repeating: 1, count: 8 << 20)
        let address = bytes.withUnsafeBytes { $0.baseAddress }
        try buffer.append(
            .task(TaskMessage(id: 1, function: 0, format: .raw)), payload: Payload(bytes: bytes, format: .raw))
        expectAtMost(buffer.memory, 8192)
        expectEqual(buffer.count > 8 << 20, true)
        buffer.removeFirst(buffer.count)
        // Nobody else holds it: it is changed where it is.
        bytes[0] = 2
        #expect(bytes.withUnsafeBytes { $0.baseAddress } == address)
    }

    @Test("a buffer that is emptied and filled over and over does not grow")
    func reuse() throws {
        var buffer = FrameBuffer(capacity: 256)
        for _ in 0..<1000 {
            for _ in 0..<4 { try buffer.append(ping) }
            buffer.removeFirst(30)
            buffer.removeFirst(buffer.count)
        }
        expectEqual(buffer.memory, 256)
    }

    @Test("a buffer that is never quite empty does not grow either")
    func reuseWithoutGettingEmpty() throws {
        var buffer = FrameBuffer(capacity: 256)
        let size = try frame(ping).count
        try buffer.append(ping)
        for _ in 0..<1000 {
            try buffer.append(ping)
            buffer.removeFirst(size)
        }
        expectEqual(buffer.memory, 256)
    }

    @Test("the memory of a large frame is given back when it has been sent")
    func largeFrame() throws {
        var buffer = FrameBuffer()
        let payload = [UInt8](repeating: 1, count: 32 << 20)
        try payload.withUnsafeBytes { try buffer.append(ping, payload: $0) }
        expectAtMost(32 << 20, buffer.memory)
        buffer.removeFirst(buffer.count)
        expectAtMost(buffer.memory, 4 << 20)
        try buffer.append(ping)
        expectEqual(buffer.bytes, try frame(ping))
    }

    @Test("everything can be dropped at once, with or without the memory")
    func removeAll() throws {
        var buffer = FrameBuffer(capacity: 1000)
        try buffer.append(ping)
        buffer.removeAll()
        expectEqual(buffer.isEmpty, true)
        expectEqual(buffer.memory, 1000)
        try buffer.append(ping)
        buffer.removeAll(keepingCapacity: false)
        expectEqual(buffer.isEmpty, true)
        expectAtMost(buffer.memory, 999)
        try buffer.append(ping)
        expectEqual(buffer.bytes, try frame(ping))
    }

    @Test("a payload travels with the format that its message tells")
    func payloads() throws {
        var buffer = FrameBuffer()
        let payload = try encode([1, 2, 3])
        try buffer.append(.result(ResultMessage(id: 4, format: payload.format)), payload: payload)
        let frames = try receive(buffer.bytes)
        #expect(frames.map(\.payload) == [payload.bytes])
        #expect(frames.first?.message.payloadFormat == payload.format)
    }
}
