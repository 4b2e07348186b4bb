import CMeter
import Wire

/// A value of very many parts, or within very many others: what takes more memory or time than it may.
///
/// The first byte chooses the type, the second has the limits and the form, the third is the kind of the value, the
/// fourth how many parts there are. The part follows, as it is on the wire; each "#" in it becomes a digit of the
/// part's number, so that names are different.
enum BulkTarget: Target {
    static let name = "bulk"
    static let longestInput = 64

    private static let isNested: UInt8 = 8
    private static let isRaw: UInt8 = 16
    private static let mostBytes = 256 << 10

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        let parts: [(kind: UInt8, part: [UInt8])] = [
            (12, [10, 2, 8, 1]), (12, [10, 0]), (12, [10, 2, 98, 0]), (13, [10, 0]),
            (11, [10, 1, 107, 18, 2, 8, 1]), (6, [1]), (9, [10, 8, 1, 0, 0, 0, 0, 0, 0, 0]), (12, [80, 1]),
        ]
        let numbered: [(kind: UInt8, part: [UInt8])] = [
            (11, [10, 5] + Array("#####".utf8) + [18, 2, 16, 2]), (12, [10, 7, 42, 5] + Array("#####".utf8)),
        ]
        for index in 0..<Shape.all.count {
            for (number, (kind, part)) in parts.enumerated() where (index + number) % 3 == 0 {
                seeds.append([UInt8(index), UInt8((index + number) & 7), kind, index & 1 == 0 ? 250 : 40] + part)
            }
            // Few enough that there is time for four times as many.
            for (kind, part) in numbered { seeds.append([UInt8(index), 0, kind, 30] + part) }
        }
        for index in 28..<Shape.all.count { seeds.append([UInt8(index), isNested, 12, 60, 10, 2, 8, 1]) }
        return seeds
    }

    static func run(_ input: inout Input) {
        let shape = Shape.all[Int(input.byte()) % Shape.all.count]
        let choice = input.byte()
        let kind = input.byte() & 31
        let amount = Int(input.byte()) + 1
        let part = input.bytes
        guard !part.isEmpty else { return }
        let limits = WireLimits.profile(choice)
        if choice & isNested != 0 {
            var value = part
            for _ in 0..<amount * 2 { value = field(kind, field(1, value)) }
            _ = read(Payload(bytes: field(1, value), format: .values), shape, limits)
            return
        }
        func payload(of count: Int) -> Payload {
            var content: [UInt8] = []
            for index in 0..<min(count, mostBytes / part.count) { append(part, numbered: index, to: &content) }
            if choice & isRaw != 0 { return Payload(bytes: content, format: .raw) }
            return Payload(bytes: field(1, field(kind, content)), format: .values)
        }
        let count = amount * 48
        let once = read(payload(of: count), shape, limits)
        // Four times as much takes about four times as long, and sixteen times if something grows with the square. Less
        // than some milliseconds cannot be told from the noise, and more would take too long.
        guard once > 0.01, once < 0.15, 4 * count * part.count <= mostBytes else { return }
        let more = payload(of: 4 * count)
        for _ in 0..<3 where read(more, shape, limits) < 10 * once { return }
        broken("\(shape.name) takes \(once) s for \(count) parts, and ten times as long for four times as many")
    }

    private static func append(_ part: [UInt8], numbered index: Int, to content: inout [UInt8]) {
        var rest = index
        for byte in part {
            guard byte == UInt8(ascii: "#") else {
                content.append(byte)
                continue
            }
            content.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
    }

    /// The processor time that it takes to read the payload, in seconds.
    private static func read(_ payload: Payload, _ shape: Shape, _ limits: WireLimits) -> Double {
        let begin = meter_seconds()
        ValuesTarget.read(payload, [shape], count: nil, limits)
        return meter_seconds() - begin
    }

    /// A field of protobuf with a length.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in [Int(number) << 3 | 2, content.count] {
            var rest = start
            while rest > 0x7F {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes + content
    }
}
