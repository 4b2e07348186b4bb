import TestSupport
import Testing
import Wire

@Suite struct PayloadDecoderTests {
    private func payload(_ values: RawMessage...) -> Payload {
        Payload(bytes: values.reduce(RawMessage()) { $0.message(1, $1) }.bytes, format: .values)
    }

    private func refusal<T: Codable>(_ type: T.Type, _ payload: Payload, limits: WireLimits = .default) -> String {
        errorText { try decode(T.self, from: payload, limits: limits) }
    }

    /// A value that is `levels` lists within each other.
    private func nested(_ levels: Int) -> RawMessage {
        (0..<levels).reduce(RawMessage().number(2, 2)) { value, _ in
            RawMessage().message(12, RawMessage().message(1, value))
        }
    }

    @Test("values are taken in order; one too many or one too few is an error")
    func order() throws {
        let three = payload(RawMessage().number(2, 2), RawMessage().content(5, "x"), RawMessage().number(7, 1))
        var decoder = try PayloadDecoder(payload: three)
        #expect(decoder.valueCount == 3)
        #expect(try ValueCodec<Int>().decode(from: &decoder) == 1)
        #expect(
            errorText { try decoder.finish() } == "The payload holds 3 values, and only 1 are expected.")
        #expect(try ValueCodec<String>().decode(from: &decoder) == "x")
        #expect(try ValueCodec<Bool>().decode(from: &decoder))
        #expect(decoder.position == 3)
        try decoder.finish()
        #expect(
            errorText { try ValueCodec<Int>().decode(from: &decoder) } == "Value 4 is missing: the payload holds 3.")
        #expect(refusal(Int.self, .empty) == "Value 1 is missing: the payload holds 0.")
        #expect(refusal(Set<Int>.self, .empty) == "Value 1 is missing: the payload holds 0.")
    }

    @Test("a raw payload is one value of bytes, also for types that go through Codable")
    func raw() throws {
        let raw = Payload(bytes: [1, 0, 1], format: .raw)
        #expect(try decode([UInt8].self, from: raw) == [1, 0, 1])
        #expect(try decode([Bool].self, from: raw) == [true, false, true])
        #expect(try decode([Int8].self, from: raw) == [1, 0, 1])
        #expect(try decode([UInt8]?.self, from: raw) == [1, 0, 1])
        #expect(try decode(Set<Int>.self, from: raw) == [0, 1])
        #expect(refusal(Int.self, raw) == "The value is bytes and should be an integer.")
        #expect(refusal(String.self, raw) == "The value is bytes and should be text.")
        #expect(refusal([String].self, raw) == "The value is bytes and should be an array of text.")
        #expect(refusal([Int].self, raw) == "The value is bytes and should be an array of Int.")
        #expect(try decode([UInt8].self, from: Payload(bytes: [], format: .raw)) == [])
        var decoder = try PayloadDecoder(payload: raw)
        #expect(decoder.valueCount == 1)
        _ = try ValueCodec<[UInt8]>().decode(from: &decoder)
        #expect(
            errorText { try ValueCodec<[UInt8]>().decode(from: &decoder) } == "Value 2 is missing: the payload holds 1."
        )
    }

    // Shown by the thread sanitizer: the empty arrays of all threads are one.
    @Test("empty arrays of numbers are decoded by several threads at once")
    func emptyArraysInThreads() async throws {
        let empty = payload(RawMessage().content(16, []))
        let lengths = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try (0..<200).reduce(0) { sum, _ in try sum + decode([Int32].self, from: empty).count }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(lengths == 0)
    }

    @Test("numbers in other forms than the shortest are read")
    func longForms() throws {
        #expect(try decode(Int.self, from: RawMessage(bytes: [0x90, 0, 0x84, 0]).asPayload) == 2)
        #expect(try decode(Bool.self, from: RawMessage(bytes: [0x38, 0x81, 0]).asPayload))
        // Arrays of numbers that are not packed, in several pieces, and both.
        let numbers = RawMessage(bytes: [0x0D, 1, 0, 0, 0]).content(1, [2, 0, 0, 0, 3, 0, 0, 0]).content(
            1, [4, 0, 0, 0])
        #expect(try decode([Int32].self, from: RawMessage().message(16, numbers).asPayload) == [1, 2, 3, 4])
        #expect(try decode([UInt16].self, from: RawMessage().message(17, numbers).asPayload) == [1, 2, 3, 4])
    }

    @Test("fields that are not known are skipped on every level")
    func unknownFields() throws {
        let unknown: [RawMessage] = [
            RawMessage().number(99, 5), RawMessage().content(99, [1, 2]), RawMessage(bytes: [0x9D, 6, 1, 2, 3, 4]),
            RawMessage(bytes: [0x99, 6, 1, 2, 3, 4, 5, 6, 7, 8]),
        ]
        for field in unknown {
            func around(_ message: RawMessage) -> RawMessage {
                RawMessage(bytes: field.bytes + message.bytes + field.bytes)
            }
            let values: [(RawMessage, any Codable & Sendable)] = [
                (RawMessage().number(2, 2), 1), (RawMessage().content(5, "a"), "a"),
                (RawMessage().message(13, around(RawMessage().content(1, "a").content(1, "b"))), ["a", "b"]),
                (RawMessage().message(9, around(RawMessage().content(1, [1, 0, 0, 0, 0, 0, 0, 0]))), [1]),
                (RawMessage().message(12, around(RawMessage().message(1, around(RawMessage().number(2, 2))))), [1]),
            ]
            for (value, expected) in values {
                let sent = Payload(bytes: around(RawMessage().message(1, around(value))).bytes, format: .values)
                switch expected {
                case let number as Int: #expect(try decode(from: sent) == number)
                case let text as String: #expect(try decode(from: sent) == text)
                case let texts as [String]: #expect(try decode(from: sent) == texts)
                case let numbers as [Int]: #expect(try decode(from: sent) == numbers)
                default: Issue.record("\(expected)")
                }
            }
        }
    }

    @Test("a value without a kind, or of a kind that is not known, is refused by every type")
    func unknownKinds() {
        for value in [RawMessage(), RawMessage().number(18, 1), RawMessage().content(200, [1])] {
            let text = "The value is of a kind that this version does not know and should be "
            #expect(refusal(Int.self, value.asPayload) == text + "an integer.")
            #expect(refusal(String.self, value.asPayload) == text + "text.")
            #expect(refusal([Double].self, value.asPayload) == text + "an array of Double.")
            #expect(refusal([String: Int].self, value.asPayload) == text + "a record.")
            #expect(refusal(Set<Int>.self, value.asPayload) == text + "a list.")
        }
    }

    @Test("a value of two kinds is refused")
    func twoKinds() {
        #expect(
            refusal(Int.self, RawMessage().number(2, 2).number(7, 1).asPayload)
                == "The bytes are not the values of a payload: a field that can be there once is there twice (at byte 4)."
        )
        #expect(
            refusal(Int.self, RawMessage().number(2, 2).number(2, 4).asPayload)
                == "The bytes are not the values of a payload: a field that can be there once is there twice (at byte 4)."
        )
    }

    @Test("lengths that lie are refused before anything is decoded")
    func lengths() {
        let prefix = "The bytes are not the values of a payload: "
        let long = "a field is longer than what is left of the bytes"
        #expect(
            refusal(Int.self, Payload(bytes: [0x0A, 5, 0x10, 2], format: .values)) == prefix + long + " (at byte 0).")
        #expect(refusal(String.self, RawMessage(bytes: [0x2A, 9, 0x61]).asPayload) == prefix + long + " (at byte 2).")
        #expect(
            refusal([Int].self, RawMessage(bytes: [0x4A, 3, 0x0A, 0xFF, 0x7F]).asPayload) == prefix + long
                + " (at byte 4).")
        for (field, size) in [(9, 8), (10, 8), (14, 4), (15, 8), (16, 4), (17, 4)] as [(UInt64, Int)] {
            let array = RawMessage().content(1, [UInt8](repeating: 0, count: size + 1))
            #expect(
                refusal([Int].self, RawMessage().message(field, array).asPayload)
                    .hasPrefix(prefix + "an array of numbers ends within a number (at byte "))
        }
    }

    @Test("lists and records nest as deep as the limit says, and no deeper")
    func depth() throws {
        let limits = WireLimits(maxDepth: 10)
        let decoder = try PayloadDecoder(payload: nested(10).asPayload, limits: limits)
        expectEqual(decoder.valueCount, 1)
        // A type of its own at the innermost place counts, too.
        #expect(try decode(Tree.self, from: nested(9).asPayload, limits: limits) == Tree(depth: 9))
        #expect(refusal(Tree.self, nested(10).asPayload, limits: limits) == "The value nests deeper than 10 levels.")
        #expect(
            refusal(Tree.self, nested(11).asPayload, limits: limits)
                .hasPrefix(
                    "The bytes are not the values of a payload: values nest deeper than the limit of 10 (at byte "))
        #expect(
            refusal(Tree.self, nested(1000).asPayload)
                .hasPrefix("The bytes are not the values of a payload: values nest deeper than the limit of 128"))
        let greatest = WireLimits(maxDepth: .max)
        #expect(greatest.maxDepth == 256)
        #expect(try decode(Tree.self, from: nested(255).asPayload, limits: greatest) == Tree(depth: 255))
        #expect(refusal(Tree.self, nested(257).asPayload, limits: greatest).contains("deeper than the limit of 256"))
    }

    @Test("more fields than the limit are refused")
    func count() {
        let list = (0..<20).reduce(RawMessage()) { list, _ in list.message(1, RawMessage().number(2, 2)) }
        let sent = RawMessage().message(12, list).asPayload
        // One value, one list, and each element with its kind.
        #expect(refusal([Int].self, sent, limits: WireLimits(maxCount: 42)).hasPrefix("no error"))
        #expect(
            refusal([Int].self, sent, limits: WireLimits(maxCount: 41))
                == "The bytes are not the values of a payload: there are more fields than the limit of 41 (at byte 82)."
        )
    }

    @Test("what would take more memory than the limit is refused before it is taken")
    func memory() {
        // Two bytes for each element, some 150 bytes of memory.
        let list = RawMessage(
            bytes: [UInt8](repeating: 0, count: 2_000_000).enumerated().map { $0.offset % 2 == 0 ? 0x0A : 0 })
        let sent = RawMessage().message(12, list).asPayload
        let growth = peakGrowth {
            #expect(
                refusal([Int].self, sent, limits: WireLimits(maxMemory: 50 << 20))
                    .hasPrefix(
                        "The bytes are not the values of a payload: to unpack them takes more memory than the limit of "
                            + "52428800 bytes (at byte "))
        }
        #expect(growth < 16 << 20)
        // Arrays of bytes that are read one by one take as much.
        let bytes = Payload(bytes: [UInt8](repeating: 1, count: 1_000_000), format: .raw)
        #expect(
            refusal(Set<UInt8>.self, bytes, limits: WireLimits(maxMemory: 10 << 20))
                == "The bytes are not the values of a payload: 1000000 elements, read one by one, take more memory than "
                + "the limit allows.")
    }

    @Test("a nil has the level that was sent")
    func nilLevels() throws {
        #expect(try decode(Int?.self, from: RawMessage().number(1, 1).asPayload) == nil)
        #expect(try decode(Int?.self, from: RawMessage().number(1, 0).asPayload) == nil)
        #expect(try decode(Int??.self, from: RawMessage().number(1, 2).asPayload) == .some(nil))
        #expect(
            refusal(Int?.self, RawMessage().number(1, 2).asPayload) == "The value is nil and should be an integer.")
        #expect(refusal(Int.self, RawMessage().number(1, 1).asPayload) == "The value is nil and should be an integer.")
        #expect(
            refusal(Int??.self, RawMessage().number(1, 0xFFFF_FFFF).asPayload)
                == "The value is nil and should be an integer.")
    }

    @Test("a record has as many keys as values")
    func records() throws {
        let one = RawMessage().number(2, 2)
        let record = RawMessage().content(1, "a").content(1, "b").message(2, one).message(2, RawMessage().number(2, 4))
        #expect(try decode([String: Int].self, from: RawMessage().message(11, record).asPayload) == ["a": 1, "b": 2])
        #expect(
            refusal([String: Int].self, RawMessage().message(11, record.message(2, one)).asPayload)
                == "A record has 2 keys and 3 values.")
        #expect(try decode([String: Int].self, from: RawMessage().message(11, RawMessage()).asPayload) == [:])
    }

    @Test("a key that is not UTF-8 is refused where all keys are asked for")
    func invalidKeys() {
        let record = RawMessage().content(1, [0xFF]).message(2, RawMessage().number(2, 2))
        #expect(
            refusal([String: Int].self, RawMessage().message(11, record).asPayload)
                == "The bytes of a key of a record are not valid UTF-8.")
    }

    @Test("text that is not UTF-8 is refused wherever it is")
    func invalidText() {
        let bad: [UInt8] = [0x61, 0xFF]
        #expect(
            refusal(String.self, RawMessage().content(5, bad).asPayload) == "The bytes of a text are not valid UTF-8.")
        let texts = RawMessage().content(1, "a").content(1, bad)
        #expect(
            refusal([String].self, RawMessage().message(13, texts).asPayload)
                == "The bytes of text 1 of an array are not valid UTF-8.")
        #expect(
            refusal(
                [[String]].self,
                RawMessage().message(12, RawMessage().message(1, RawMessage().message(13, texts))).asPayload)
                == "The bytes of text 1 of an array are not valid UTF-8.")
        #expect(
            refusal(Set<String>.self, RawMessage().message(13, texts).asPayload)
                == "The bytes of text 1 of an array are not valid UTF-8.")
    }

    @Test("serialised Arguments one after the other are the Arguments of all of them")
    func concatenated() throws {
        let sent = Payload(bytes: try encode("a").bytes + encode([2.5]).bytes, format: .values)
        var decoder = try PayloadDecoder(payload: sent)
        #expect(try ValueCodec<String>().decode(from: &decoder) == "a")
        #expect(try ValueCodec<[Double]>().decode(from: &decoder) == [2.5])
        try decoder.finish()
    }

    @Test("bytes that lie elsewhere are read where they lie")
    func borrowedBytes() throws {
        let sent = try encode(["x", "y"])
        // At an odd address.
        let shifted = [0] + sent.bytes
        try shifted.withUnsafeBytes { bytes in
            var decoder = try PayloadDecoder(UnsafeRawBufferPointer(rebasing: bytes[1...]), format: sent.format)
            let texts = try ValueCodec<[String]>().decode(from: &decoder)
            #expect(texts == ["x", "y"])
        }
        let numbers = [7] + (try encode([1, 2, 3])).bytes
        try numbers.withUnsafeBytes { bytes in
            var decoder = try PayloadDecoder(UnsafeRawBufferPointer(rebasing: bytes[1...]), format: .values)
            let received = try ValueCodec<[Int]>().decode(from: &decoder)
            #expect(received == [1, 2, 3])
        }
    }
}

/// Lists within each other around a number.
struct Tree: Codable, Equatable {
    var depth: Int

    init(depth: Int) { self.depth = depth }

    init(from decoder: any Decoder) throws {
        guard var list = try? decoder.unkeyedContainer() else {
            depth = 0
            _ = try decoder.singleValueContainer().decode(Int.self)
            return
        }
        depth = try list.decode(Tree.self).depth + 1
    }

    func encode(to encoder: any Encoder) throws {
        if depth == 0 {
            var value = encoder.singleValueContainer()
            try value.encode(1)
            return
        }
        var list = encoder.unkeyedContainer()
        try list.encode(Tree(depth: depth - 1))
    }
}
