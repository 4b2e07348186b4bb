import Wire

/// The values of one payload, as one type or two.
///
/// The first byte chooses the type, the second has the limits and what to take, the third is the number of elements of
/// a column, and how far from the first type the second one is. The payload follows.
enum ValuesTarget: Target {
    static let name = "values"
    static let longestInput = 8 << 10

    private static let isColumn: UInt8 = 8
    private static let isRaw: UInt8 = 16
    private static let hasSecond: UInt8 = 32

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for (index, shape) in Shape.all.enumerated() {
            for (payload, count) in try shape.seeds() {
                let choice = (count == nil ? 0 : isColumn) | (payload.format.encoding == .raw ? isRaw : 0)
                seeds.append([UInt8(index), choice, UInt8(count ?? 0)] + payload.bytes)
            }
        }
        return seeds
    }

    static func run(_ input: inout Input) {
        let first = Int(input.byte())
        let choice = input.byte()
        let third = input.byte()
        var shapes = [Shape.all[first % Shape.all.count]]
        if choice & hasSecond != 0 { shapes.append(Shape.all[(first + Int(third)) % Shape.all.count]) }
        read(
            Payload(bytes: input.bytes, format: choice & isRaw != 0 ? .raw : .values), shapes,
            count: choice & isColumn != 0 ? Int(third) : nil, WireLimits.profile(choice))
    }

    /// Takes the values of a payload, one for each shape. Returns whether the payload holds them and no others.
    @discardableResult
    static func read(_ payload: Payload, _ shapes: [Shape], count: Int?, _ limits: WireLimits) -> Bool {
        var content = payload.bytes.count
        if payload.format.compression == .zlib {
            let claimed = min(payload.format.decompressedSize, limits.maxDecompressedSize)
            content = min(mostInflated(content), Int(clamping: claimed))
        }
        let most = limits.mostMemory(unpacking: max(content, payload.bytes.count))
        do {
            var decoder = try PayloadDecoder(payload: payload, limits: limits)
            require(decoder.valueCount <= max(1, Int(clamping: limits.maxCount)), "there are more values than allowed")
            for shape in shapes where !shape.check(&decoder, count: count, limits: limits, memoryLimit: most) {
                return false
            }
            try decoder.finish()
            return true
        } catch {
            check(error)
            return false
        }
    }
}
