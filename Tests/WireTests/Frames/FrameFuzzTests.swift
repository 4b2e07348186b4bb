import Testing
import Wire

@Suite struct FrameFuzzTests {
    /// What a peer may do with any bytes: give messages, or say in one sentence what is wrong.
    private func check(_ bytes: [UInt8], _ random: inout SeededGenerator, _ seed: UInt64, _ round: Int) {
        var decoder = FrameDecoder()
        var frames: [ReceivedFrame] = []
        var rest = bytes[...]
        do {
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...rest.count, using: &random))
                rest = rest.dropFirst(piece.count)
                piece.withUnsafeBytes { decoder.append($0) }
                try takeFrames(from: &decoder, into: &frames)
            }
        } catch let error as WireError {
            expectClear(error, "seed \(seed), round \(round)")
        } catch {
            Issue.record("\(error) is no error of the wire; seed \(seed), round \(round)")
        }
        // A frame takes at least a header, and the memory is that of the bytes that came.
        #expect(frames.count <= bytes.count / 16, "seed \(seed), round \(round)")
        expectAtMost(decoder.memory, 3 * bytes.count + 200 * 1024, "seed \(seed), round \(round)")
    }

    @Test("ten thousand random byte strings end in messages or a clear error", arguments: testSeeds)
    func randomBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<10_000 {
            let count = Int.random(in: 0..<200, using: &random)
            check(random.bytes(count), &random, seed, round)
        }
    }

    @Test("ten thousand good headers with random messages end in messages or a clear error", arguments: testSeeds)
    func randomMessages(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<10_000 {
            let kind = UInt8.random(in: 1...15, using: &random)
            let message = randomFields(&random)
            check(frame(kind: kind, message: message) + random.bytes(3), &random, seed, round)
        }
    }

    @Test("ten thousand damaged streams end in messages or a clear error", arguments: testSeeds)
    func damagedStreams(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let frames = try sampleMessages.map { try frame($0, payload: [1, 2, 3]) }
        for round in 0..<10_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) { bytes += frames.randomElement(using: &random)! }
            for _ in 0..<Int.random(in: 1...3, using: &random) { damage(&bytes, &random) }
            check(bytes, &random, seed, round)
        }
    }

    @Test("ten thousand damaged messages behind good headers end in messages or a clear error", arguments: testSeeds)
    func damagedMessages(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let messages = try sampleMessages.map { (kind: $0.kind.rawValue, bytes: Array(try frame($0)[16...])) }
        for round in 0..<10_000 {
            var (kind, bytes) = messages.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...3, using: &random) { damage(&bytes, &random) }
            check(frame(kind: kind, message: bytes), &random, seed, round)
        }
    }
}

/// Changes, removes, doubles or inserts bytes somewhere.
func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else {
        bytes = random.bytes(4)
        return
    }
    let start = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, start + Int.random(in: 1...8, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[start] = UInt8.random(in: .min ... .max, using: &random)
    case 2: bytes.removeSubrange(start..<end)
    case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
    case 4: bytes.insert(contentsOf: random.bytes(end - start), at: start)
    default: bytes.removeSubrange(start...)
    }
}

/// Fields as protobuf has them, with numbers that messages have, and any content.
func randomFields(_ random: inout SeededGenerator, depth: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 0..<6, using: &random) {
        let field = UInt64.random(in: 1...18, using: &random)
        let wireType = [0, 1, 2, 2, 2, 5].randomElement(using: &random)!
        bytes += RawMessage.varint(field << 3 | UInt64(wireType))
        switch wireType {
        case 0:
            bytes += RawMessage.varint(
                UInt64.random(in: .min ... .max, using: &random) >> UInt64.random(in: 0..<64, using: &random))
        case 1: bytes += random.bytes(8)
        case 5: bytes += random.bytes(4)
        default:
            let content =
                depth < 6 && Bool.random(using: &random)
                ? randomFields(&random, depth: depth + 1) : random.bytes(Int.random(in: 0..<12, using: &random))
            bytes += RawMessage.varint(UInt64(content.count)) + content
        }
    }
    return bytes
}
