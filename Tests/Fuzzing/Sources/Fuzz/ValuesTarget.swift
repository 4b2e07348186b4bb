import Wire

/// The values of one payload, as one type or two.
///
/// The first byte chooses the type, the second has the limits and what to take, the third is the number of elements of a
/// column, and how far from the first type the second one is. The payload follows.
enum ValuesTarget: Target {
    static let name = "values"
    static let longestInput = 32 << 10

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
        // As many elements as an input can have: for what takes more memory or time than it may.
        let many: [(elements: [UInt8], kind: UInt8)] = [
            ([10, 2, 8, 1], 12), ([10, 0], 12), ([10, 2, 98, 0], 12), ([10, 0], 13), ([10, 1, 107, 18, 2, 8, 1], 11),
        ]
        for (elements, kind) in many {
            let count = 30_000 / elements.count
            let value = field(kind, Array(repeatElement(elements, count: count).joined()))
            for (index, shape) in Shape.all.enumerated() where shape.takesMany {
                seeds.append([UInt8(index), 0, 0] + field(1, value))
            }
        }
        for (index, shape) in Shape.all.enumerated() where shape.takesMany {
            seeds.append([UInt8(index), isRaw, 0] + Array(repeating: 1, count: 30_000))
        }
        return seeds
    }

    /// A field of protobuf with a length.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = content.count
        repeat {
            length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return [number << 3 | 2] + length + content
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
