import Testing
import Wire

@Suite struct CompressionTests {
    private func payload(_ bytes: [UInt8]) -> Payload { Payload(bytes: bytes, format: .raw) }

    private func zeros(_ count: Int) -> Payload { payload([UInt8](repeating: 0, count: count)) }

    @Test("no policy compresses nothing")
    func off() {
        #expect(zeros(1 << 20).compressed(by: .off) == zeros(1 << 20))
    }

    @Test("payloads below the threshold are left alone, from it on they are compressed")
    func threshold() {
        let policy = CompressionPolicy.zlib(level: 1, threshold: 1000)
        #expect(zeros(999).compressed(by: policy) == zeros(999))
        #expect(zeros(1000).compressed(by: policy).format == .zlib(1000, encoding: .raw))
        #expect(zeros(0).compressed(by: .zlib(threshold: 0)) == zeros(0))
        #expect(CompressionPolicy.zlib().threshold == 64 * 1024)
        #expect(CompressionPolicy.zlib().level == 1)
    }

    @Test("every level arrives; a higher one is not larger", arguments: [0, 64 * 1024])
    func levels(threshold: Int) throws {
        let values = (0..<50_000).map { "entry \($0 * $0 % 1000)" }
        let plain = try encode(values)
        var sizes: [Int] = []
        for level in 1...9 {
            let compressed = plain.compressed(by: .zlib(level: level, threshold: threshold))
            #expect(compressed.format == .zlib(plain.bytes.count))
            #expect(try decode([String].self, from: compressed) == values)
            sizes.append(compressed.bytes.count)
        }
        #expect(sizes[8] < sizes[0])
        #expect(sizes[0] < plain.bytes.count / 2)
    }

    @Test("levels beyond 1 to 9 and negative thresholds are brought into range")
    func ranges() {
        #expect(CompressionPolicy.zlib(level: 0, threshold: -5) == .zlib(level: 1, threshold: 0))
        #expect(CompressionPolicy.zlib(level: 100) == .zlib(level: 9))
        #expect(CompressionPolicy.zlib(level: .min).level == 1)
    }

    @Test("what does not compress is left alone", arguments: [1, 2, 16, 100, 5000, 64 * 1024, 1 << 20])
    func noise(count: Int) {
        var random = SeededGenerator(seed: 7)
        let noise = payload(random.bytes(count))
        #expect(noise.compressed(by: .zlib(level: 9, threshold: 0)) == noise)
    }

    @Test("what shrinks by less than a sixteenth is left alone")
    func littleGain() {
        var random = SeededGenerator(seed: 7)
        // Below the size from which samples are tried.
        let little = payload(random.bytes(40_000) + [UInt8](repeating: 0, count: 2000))
        #expect(little.compressed(by: .zlib(threshold: 0)) == little)
        let enough = payload(random.bytes(40_000) + [UInt8](repeating: 0, count: 4000))
        #expect(enough.compressed(by: .zlib(threshold: 0)).bytes.count < 44_000 * 15 / 16)
    }

    @Test("of a large payload samples decide: beginning, middle and end")
    func samples() {
        var random = SeededGenerator(seed: 7)
        let noise = random.bytes(100_000)
        let zeros = [UInt8](repeating: 0, count: 400_000)
        // All three samples are noise, though nearly all of the rest is not.
        var bytes = noise
        bytes.replaceSubrange(10_000..<40_000, with: zeros[..<30_000])
        bytes.replaceSubrange(60_000..<90_000, with: zeros[..<30_000])
        let hidden = payload(bytes)
        #expect(hidden.compressed(by: .zlib(threshold: 0)) == hidden)
        let seen = payload(zeros + noise)
        #expect(seen.compressed(by: .zlib(threshold: 0)).format.compression == .zlib)
    }

    @Test("a payload that is compressed already is left alone")
    func twice() {
        let once = zeros(100_000).compressed(by: .zlib())
        #expect(once.format.compression == .zlib)
        #expect(once.compressed(by: .zlib(level: 9, threshold: 0)) == once)
    }

    @Test("whatever the bytes, compressing never enlarges and is undone by decoding", arguments: testSeeds)
    func randomPayloads(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for round in 0..<40 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<6, using: &random) {
                let count = Int.random(in: 0..<40_000, using: &random)
                bytes += Bool.random(using: &random) ? random.bytes(count) : [UInt8](repeating: 9, count: count)
            }
            let plain = payload(bytes)
            let policy = CompressionPolicy.zlib(level: Int.random(in: 1...9, using: &random), threshold: 1)
            let sent = plain.compressed(by: policy)
            if sent != plain {
                #expect(sent.bytes.count < bytes.count - bytes.count / 16, "seed \(seed), round \(round)")
            }
            #expect(try decode([UInt8].self, from: sent) == bytes, "seed \(seed), round \(round)")
        }
    }
}
