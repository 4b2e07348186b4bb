import Wire

/// Compressed payloads: good ones, which give what the bytes within give, and damaged ones.
///
/// The first byte has the limits, whether the rest is a zlib stream or what is to be one, and the damage; the second
/// and third are the claimed size or how much damage; the fourth chooses the type.
enum CompressedTarget: Target {
    static let name = "compressed"
    /// zlib makes a thousand bytes of one at the most: what is tried here grows to 8 MiB.
    static let longestInput = 8 << 10

    private static let isStream: UInt8 = 8
    private static let isHugeClaim: UInt8 = 16
    private static let damageShift: UInt8 = 5

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for (index, shape) in Shape.all.enumerated() where index % 5 == 0 {
            let (payload, _) = try shape.seeds()[0]
            for damage: UInt8 in 0..<5 { seeds.append([damage << damageShift, 40, 1, UInt8(index)] + payload.bytes) }
        }
        for count in [10, 300, 100_000] {
            let zeros = Payload(bytes: Array(repeating: 0, count: count), format: .raw)
            let stream = zeros.compressed(by: .zlib(level: 9, threshold: 0))
            for choice in [isStream, isStream | 1, isStream | isHugeClaim, isStream | isHugeClaim | 6] {
                seeds.append([choice, UInt8(count & 0xFF), UInt8(count >> 8 & 0xFF), 16] + stream.bytes)
            }
        }
        return seeds
    }

    static func run(_ input: inout Input) {
        let choice = input.byte()
        let limits = WireLimits.profile(choice)
        let low = input.byte()
        let high = input.byte()
        let shape = Shape.all[Int(input.byte()) % Shape.all.count]
        if choice & isStream != 0 {
            let claimed: UInt64 =
                choice & isHugeClaim != 0 ? 1 << UInt64(low & 63) | UInt64(high) : UInt64(low) | UInt64(high) << 8
            inflate(input.bytes, claimed: claimed, shape, limits)
        } else {
            damage(input.bytes, kind: choice >> damageShift, amount: Int(low), repeats: Int(high), shape, limits)
        }
    }

    /// Any bytes as a stream of zlib.
    private static func inflate(_ bytes: [UInt8], claimed: UInt64, _ shape: Shape, _ limits: WireLimits) {
        let payload = Payload(
            bytes: bytes, format: PayloadFormat(encoding: .values, compression: .zlib, decompressedSize: claimed))
        let (_, memory) = meteredResult { _ = try PayloadDecoder(payload: payload, limits: limits) }
        // zlib's own state takes 50 KiB, and the buffer doubles.
        let grown = min(Int(clamping: claimed), mostInflated(bytes.count))
        let most = claimed > limits.maxDecompressedSize ? 16 << 10 : 3 * grown + 4 * bytes.count + (256 << 10)
        require(memory <= most, "\(bytes.count) bytes that claim \(claimed) took \(memory); \(most) are enough")
        ValuesTarget.read(payload, [shape], count: nil, limits)
    }

    /// A good stream: it gives what its content gives, and after each damage nothing.
    private static func damage(
        _ bytes: [UInt8], kind: UInt8, amount: Int, repeats: Int, _ shape: Shape, _ limits: WireLimits
    ) {
        // Content that repeats itself always shrinks, without which there is no compression.
        var content: [UInt8] = []
        for _ in 0...repeats where content.count < 256 << 10 { content += bytes }
        let plain = Payload(bytes: content, format: .values)
        var payload = plain.compressed(by: .zlib(level: 1 + amount % 9, threshold: 0))
        guard payload.format.compression == .zlib else { return }
        require(payload.bytes.count < content.count, "a payload has grown when it was compressed")
        require(payload.format.decompressedSize == UInt64(content.count), "a compressed payload has a wrong size")
        switch kind {
        case 1: payload.bytes.removeLast(min(1 + amount, payload.bytes.count))
        case 2: payload.bytes += Array(repeating: UInt8(amount), count: 1 + repeats)
        case 3: payload.format.decompressedSize += UInt64(1 + amount)
        case 4: payload.format.decompressedSize -= UInt64(min(1 + amount, content.count))
        default:
            guard content.count <= limits.maxDecompressedSize else { break }
            let direct = opens(plain, limits)
            let inflated = opens(payload, limits)
            require(direct == inflated, "a payload is \(direct ? "good" : "bad"), and not when compressed")
            ValuesTarget.read(payload, [shape], count: nil, limits)
            return
        }
        require(!opens(payload, limits), "a damaged payload was decompressed")
    }

    /// Whether the payload passes all checks that are made before values are taken.
    private static func opens(_ payload: Payload, _ limits: WireLimits) -> Bool {
        do {
            _ = try PayloadDecoder(payload: payload, limits: limits)
            return true
        } catch {
            check(error)
            return false
        }
    }
}

/// The most that zlib makes of `count` bytes: deflate cannot do better than 1032 to 1 (zlib's technical details).
func mostInflated(_ count: Int) -> Int { 1032 * count + 1024 }
