import Testing
import Wire

/// Optionals, sets, dictionaries, nothing, and columns.
@Suite struct CollectionTests {
    private struct Wrapped: Codable, Hashable { var number: Int }

    @Test("every nil of nested optionals arrives as the one that was sent")
    func nestedOptionals() throws {
        for value in [nil, .some(nil), .some(.some(nil)), .some(.some(.some(7)))] as [Int???] {
            #expect(try roundTrip(value) == value)
            #expect(try roundTrip([value, value]) == [value, value])
        }
        for value in [nil, .some(nil), .some(.some(nil)), .some(.some(.some(Wrapped(number: 7))))] as [Wrapped???] {
            #expect(try roundTrip(value) == value)
            #expect(try roundTrip([value, value]) == [value, value])
            #expect(try roundTrip(["key": value]) == ["key": value])
        }
        let column: [Int??] = [nil, .some(nil), 1]
        #expect(try roundTripColumn(column) == column)
        let wrapped: [Wrapped??] = [nil, .some(nil), Wrapped(number: 1)]
        #expect(try roundTripColumn(wrapped) == wrapped)
    }

    @Test("lists, records and arrays of any length arrive")
    func lengths() throws {
        for count in Array(0...130) + [255, 256, 257, 1000, 4097] {
            let numbers = (0..<count).map { $0 % 3 == 0 ? nil : $0 }
            #expect(try roundTrip(numbers) == numbers)
            let records = (0..<count).map { Wrapped(number: $0) }
            #expect(try roundTrip(records) == records)
            let texts = (0..<count).map { "\($0)" }
            #expect(try roundTrip([texts, texts]) == [texts, texts])
            let lookup = Dictionary(uniqueKeysWithValues: texts.map { ($0, [$0.utf8.count]) })
            #expect(try roundTrip(lookup) == lookup)
        }
    }

    @Test("arrays of optionals, and optional arrays, arrive")
    func optionalArrays() throws {
        #expect(try roundTrip([1, nil, 3] as [Int?]) == [1, nil, 3])
        #expect(try roundTrip(["a", nil] as [String?]) == ["a", nil])
        #expect(try roundTrip([1.5, nil] as [Double?]) == [1.5, nil])
        #expect(try roundTrip([true, nil] as [Bool?]) == [true, nil])
        #expect(try roundTrip([[1], nil, []] as [[Int]?]) == [[1], nil, []])
        #expect(try roundTrip(nil as [Int]?) == nil)
        #expect(try roundTrip([] as [Int]?) == [])
        #expect(try roundTrip([nil, nil] as [Wrapped?]) == [nil, nil])
    }

    @Test("sets and dictionaries arrive, whatever their keys")
    func setsAndDictionaries() throws {
        #expect(try roundTrip([1, 2, 3] as Set<Int>) == [1, 2, 3])
        #expect(try roundTrip([] as Set<String>) == [])
        #expect(try roundTrip([Wrapped(number: 1)] as Set<Wrapped>) == [Wrapped(number: 1)])
        #expect(try roundTrip(["a": 1, "": 2, "\u{0}": 3]) == ["a": 1, "": 2, "\u{0}": 3])
        #expect(try roundTrip([1: "a", -5: "b", .max: "c"]) == [1: "a", -5: "b", .max: "c"])
        #expect(try roundTrip([1.5: [1], 2.5: []]) == [1.5: [1], 2.5: []])
        #expect(try roundTrip([Wrapped(number: 1): Wrapped(number: 2)]) == [Wrapped(number: 1): Wrapped(number: 2)])
        #expect(try roundTrip(["a": ["b": ["c": nil as Int?]]]) == ["a": ["b": ["c": nil]]])
        let large = Dictionary(uniqueKeysWithValues: (0..<5000).map { ("key \($0)", $0) })
        #expect(try roundTrip(large) == large)
    }

    @Test("nothing arrives as nothing")
    func void() throws {
        let codec = ValueCodec<Void>.void
        var encoder = PayloadEncoder()
        try codec.encode((), into: &encoder)
        let payload = encoder.finish()
        #expect(payload == Payload(bytes: [0x0A, 2, 0x08, 1], format: .values))
        var decoder = try PayloadDecoder(payload: payload)
        try codec.decode(from: &decoder)
        try decoder.finish()
        var wrong = try PayloadDecoder(payload: encode(5))
        #expect(
            errorText { try codec.decode(from: &wrong) } == "The value is a signed integer and should be nothing.")
    }

    @Test("a column of nothing is its number of elements")
    func voidColumns() throws {
        let codec = ValueCodec<Void>.void
        for count in [0, 1, 1000] {
            var encoder = PayloadEncoder()
            try codec.encodeColumn(Array(repeating: (), count: count), into: &encoder)
            let payload = encoder.finish()
            #expect(payload == (try encode(UInt64(count))))
            var decoder = try PayloadDecoder(payload: payload)
            #expect(try codec.decodeColumn(count: count, from: &decoder).count == count)
            var other = try PayloadDecoder(payload: payload)
            #expect(
                errorText { try codec.decodeColumn(count: count + 1, from: &other) }
                    == "A column holds \(count) elements where the frame says \(count + 1).")
        }
        var huge = try PayloadDecoder(payload: encode(UInt64.max))
        #expect(
            errorText { try codec.decodeColumn(count: 5, from: &huge) }
                == "A column holds 9223372036854775807 elements where the frame says 5.")
    }

    /// What reading a column of so many elements as one of `count` says.
    private func refusal<T: Codable>(_ values: [T], as count: Int) throws -> String {
        let codec = ValueCodec<T>()
        var encoder = PayloadEncoder()
        try codec.encodeColumn(values, into: &encoder)
        var decoder = try PayloadDecoder(payload: encoder.finish())
        return errorText { try codec.decodeColumn(count: count, from: &decoder) }
    }

    @Test("a column with another number of elements than the frame says is refused", arguments: [0, 2, 4, 1 << 40])
    func wrongCount(count: Int) throws {
        let text = "A column holds 3 elements where the frame says \(count)."
        #expect(try refusal([1, 2, 3], as: count) == text)
        #expect(try refusal([1, 2, 3] as [UInt8], as: count) == text)
        #expect(try refusal([true, true, true], as: count) == text)
        #expect(try refusal(["a", "b", "c"], as: count) == text)
        #expect(try refusal([1.5, 2.5, 3.5], as: count) == text)
        #expect(try refusal([1, nil, 3] as [Int?], as: count) == text)
        #expect(try refusal([[1], [2], [3]], as: count) == text)
        #expect(try refusal([Wrapped](repeating: Wrapped(number: 1), count: 3), as: count) == text)
    }

    @Test("a column of another type is refused")
    func wrongColumn() throws {
        var decoder = try PayloadDecoder(payload: encode("text"))
        #expect(
            errorText { try ValueCodec<Wrapped>().decodeColumn(count: 1, from: &decoder) }
                == "The value is text and should be a column of Wrapped.")
        var other = try PayloadDecoder(payload: encode(["a"]))
        #expect(
            errorText { try ValueCodec<Int>().decodeColumn(count: 1, from: &other) }
                == "The value is an array of text and should be an array of Int.")
    }

    @Test("several columns lie one behind the other, bytes among them")
    func columns() throws {
        var encoder = PayloadEncoder()
        try ValueCodec<UInt8>().encodeColumn([1, 2], into: &encoder)
        try ValueCodec<String>().encodeColumn(["a", "b"], into: &encoder)
        try ValueCodec<Wrapped>().encodeColumn([Wrapped(number: 1), Wrapped(number: 2)], into: &encoder)
        var decoder = try PayloadDecoder(payload: encoder.finish())
        #expect(try ValueCodec<UInt8>().decodeColumn(count: 2, from: &decoder) == [1, 2])
        #expect(try ValueCodec<String>().decodeColumn(count: 2, from: &decoder) == ["a", "b"])
        #expect(try ValueCodec<Wrapped>().decodeColumn(count: 2, from: &decoder).map(\.number) == [1, 2])
        try decoder.finish()
    }
}
