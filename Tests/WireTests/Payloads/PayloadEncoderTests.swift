import CProto
import Glibc
import TestSupport
import Testing

@testable import Wire

@Suite struct PayloadEncoderTests {
    private func encoded(_ build: (inout PayloadEncoder) throws -> Void) throws -> Payload {
        var encoder = PayloadEncoder()
        try build(&encoder)
        return encoder.finish()
    }

    @Test("an array of bytes alone is the payload itself")
    func raw() throws {
        #expect(try encode([1, 2, 3] as [UInt8]) == Payload(bytes: [1, 2, 3], format: .raw))
        #expect(try encode([] as [UInt8]) == Payload(bytes: [], format: .raw))
    }

    @Test("an array of bytes among other values is a value like the others")
    func bytesAmongOthers() throws {
        let bytes = ValueCodec<[UInt8]>()
        let number = ValueCodec<Int>()
        for order in ["bn", "nb", "bb", "bnb"] {
            let payload = try encoded { encoder in
                for value in order {
                    if value == "b" {
                        try bytes.encode([7, 8], into: &encoder)
                    } else {
                        try number.encode(-1, into: &encoder)
                    }
                }
                #expect(encoder.valueCount == order.count)
            }
            let parts: [Character: [UInt8]] = ["b": [0x0A, 4, 0x32, 2, 7, 8], "n": [0x0A, 2, 0x10, 1]]
            #expect(payload == Payload(bytes: order.flatMap { parts[$0]! }, format: .values))
        }
    }

    @Test(
        "values are serialised as Arguments",
        arguments: [
            (0, [0x0A, 2, 0x10, 0]), (-1, [0x0A, 2, 0x10, 1]), (1, [0x0A, 2, 0x10, 2]), (64, [0x0A, 3, 0x10, 0x80, 1]),
            (.min, [0x0A, 11, 0x10] + [UInt8](repeating: 0xFF, count: 9) + [1]),
            (.max, [0x0A, 11, 0x10, 0xFE] + [UInt8](repeating: 0xFF, count: 8) + [1]),
        ] as [(Int, [UInt8])])
    func integers(value: Int, bytes: [UInt8]) throws {
        #expect(try encode(value) == Payload(bytes: bytes, format: .values))
    }

    @Test("any number of numbers may come first, whatever follows", arguments: 0...8)
    func numbersFirst(count: Int) throws {
        for number in [0, Int.max] {
            let numbers = [[UInt8]](repeating: try encode(number).bytes, count: count).flatMap { $0 }
            let rest: [(bytes: [UInt8], encode: (inout PayloadEncoder) throws -> Void)] = [
                ([], { _ in }),
                (try encode("text").bytes, { try ValueCodec<String>().encode("text", into: &$0) }),
                (try encode([1.5]).bytes, { try ValueCodec<[Double]>().encode([1.5], into: &$0) }),
                (try encode(["a": 1]).bytes, { try ValueCodec<[String: Int]>().encode(["a": 1], into: &$0) }),
            ]
            for rest in rest {
                var encoder = PayloadEncoder()
                // An encoder can be used again.
                for _ in 0..<2 {
                    for _ in 0..<count { try ValueCodec<Int>().encode(number, into: &encoder) }
                    try rest.encode(&encoder)
                    try ValueCodec<Int>().encode(number, into: &encoder)
                    #expect(encoder.valueCount == count + (rest.bytes.isEmpty ? 1 : 2))
                    let last = try encode(number).bytes
                    #expect(encoder.finish() == Payload(bytes: numbers + rest.bytes + last, format: .values))
                }
            }
        }
    }

    @Test("the kinds have the numbers that the document gives")
    func kinds() throws {
        struct Point: Codable { var x = 1, y: Bool? }
        #expect(try encode(nil as Int?).bytes == [0x0A, 2, 0x08, 1])
        #expect(try encode(3 as UInt8).bytes == [0x0A, 9, 0x19, 3, 0, 0, 0, 0, 0, 0, 0])
        #expect(try encode(1.5).bytes == [0x0A, 9, 0x21, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        #expect(try encode("é").bytes == [0x0A, 4, 0x2A, 2, 0xC3, 0xA9])
        #expect(try encode([true, false]).bytes == [0x0A, 4, 0x32, 2, 1, 0])
        #expect(try encode([-1, 1] as [Int8]).bytes == [0x0A, 4, 0x32, 2, 0xFF, 1])
        #expect(try encode(true).bytes == [0x0A, 2, 0x38, 1])
        #expect(try encode(1.5 as Float).bytes == [0x0A, 5, 0x45, 0, 0, 0xC0, 0x3F])
        #expect(try encode([1]).bytes == [0x0A, 12, 0x4A, 10, 0x0A, 8, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try encode([1.5]).bytes == [0x0A, 12, 0x52, 10, 0x0A, 8, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        #expect(try encode(Point()).bytes == [0x0A, 9, 0x5A, 7, 0x0A, 1, 0x78, 0x12, 2, 0x10, 2])
        #expect(try encode([[1.5] as Set<Float>]).bytes.prefix(4) == [0x0A, 13, 0x62, 11])
        #expect(try encode(["a", ""]).bytes == [0x0A, 7, 0x6A, 5, 0x0A, 1, 0x61, 0x0A, 0])
        #expect(try encode([1.5] as [Float]).bytes == [0x0A, 8, 0x72, 6, 0x0A, 4, 0, 0, 0xC0, 0x3F])
        #expect(try encode([3] as [UInt]).bytes == [0x0A, 12, 0x7A, 10, 0x0A, 8, 3, 0, 0, 0, 0, 0, 0, 0])
        #expect(try encode([-2] as [Int16]).bytes == [0x0A, 9, 0x82, 1, 6, 0x0A, 4, 0xFE, 0xFF, 0xFF, 0xFF])
        #expect(try encode([2] as [UInt32]).bytes == [0x0A, 9, 0x8A, 1, 6, 0x0A, 4, 2, 0, 0, 0])
        #expect(try encode([] as [Int]).bytes == [0x0A, 2, 0x4A, 0])
    }

    @Test("an encoder is empty after it has given its payload, and can be used again")
    func reuse() throws {
        var encoder = PayloadEncoder()
        #expect(encoder.finish() == .empty)
        for value in ["a", "b"] {
            try ValueCodec<String>().encode(value, into: &encoder)
            #expect(encoder.valueCount == 1)
            #expect(encoder.finish() == (try encode(value)))
            #expect(encoder.valueCount == 0)
        }
        try ValueCodec<[UInt8]>().encode([1], into: &encoder)
        #expect(encoder.finish() == Payload(bytes: [1], format: .raw))
        #expect(encoder.finish() == .empty)
    }

    @Test("a value of 2 GiB is refused before memory is taken, unless it is an array of bytes alone")
    func tooLarge() throws {
        let size = Int(Int32.max)
        // Memory that nobody touches takes none.
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { $1 = size }
        let text = "A value of type [UInt8] takes 2 GiB or more when encoded; only [UInt8] alone may be as large."
        let growth = try peakGrowth {
            var encoder = PayloadEncoder()
            try ValueCodec<[UInt8]>().encode(bytes, into: &encoder)
            #expect(errorText { try ValueCodec<Int>().encode(1, into: &encoder) } == text)
            // What was there is still there.
            #expect(encoder.valueCount == 1)
            #expect(encoder.finish().bytes.count == size)
            try ValueCodec<Int>().encode(1, into: &encoder)
            #expect(errorText { try ValueCodec<[UInt8]>().encode(bytes, into: &encoder) } == text)
            #expect(encoder.finish() == (try encode(1)))
        }
        #expect(growth < 64 << 20)
    }

    @Test("a tree of 2 GiB is refused")
    func treeTooLarge() throws {
        let arena = futures_arena_acquire()!
        defer { futures_arena_release(arena) }
        let text = futures_bytes_copy(arena, [UInt8](repeating: 0x61, count: 1 << 20), 1 << 20)
        let value = futures_value_new(arena)!
        let texts = futures_value_make_texts(arena, value, 2048)!
        for index in 0..<2048 { texts[index] = text }
        var encoder = PayloadEncoder()
        #expect(throws: WireError.valueTooLarge(type: "Order")) { try encoder.append(value, type: "Order") }
        #expect(encoder.finish() == .empty)
    }
}
