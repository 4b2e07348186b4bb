import Testing
import Wire

private struct Inner: Codable, Equatable { var number: Int }
private struct Outer: Codable, Equatable { var list: [Inner], lookup: [String: Inner] }

/// Writes lists, and then some numbers behind them; at once, or by two containers.
private struct ListAndMore: Codable {
    var count: Int
    var isAtOnce: Bool

    func encode(to encoder: any Encoder) throws {
        let lists = (0..<count).map { [$0] }
        if !isAtOnce {
            var single = encoder.singleValueContainer()
            try single.encode(lists)
        }
        var list = encoder.unkeyedContainer()
        if isAtOnce { for element in lists { try list.encode(element) } }
        for number in 0..<40 { try list.encode(number) }
    }
}

/// A value with the same names and other types.
private struct Wrong<T: Codable>: Codable { var list: [[String: T]], lookup: [String: [String: T]] }

@Suite struct CodingErrorTests {
    /// Where the error is and what it says.
    private func refusal<R>(_ body: () throws -> R) -> String {
        do {
            return "no error, but \(try body())"
        } catch let error as DecodingError {
            switch error {
            case .typeMismatch(let type, let context): return "\(type) at \(path(context)): \(context.debugDescription)"
            case .valueNotFound(let type, let context):
                return "no \(type) at \(path(context)): \(context.debugDescription)"
            case .keyNotFound(let key, let context):
                return "no key \(key.stringValue) at \(path(context)): \(context.debugDescription)"
            case .dataCorrupted(let context): return "at \(path(context)): \(context.debugDescription)"
            @unknown default: return "\(error)"
            }
        } catch {
            return "\(error)"
        }
    }

    private func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
    }

    private func decodeWrong<T: Codable>(_ value: T, inList: Bool) throws -> Outer {
        let good = ["number": value]
        return try decode(
            Outer.self, from: encode(Wrong(list: inList ? [good] : [], lookup: inList ? [:] : ["key": good])))
    }

    @Test("what is added to a list by a second container is behind it", arguments: 1...20)
    func listsThatGrow(count: Int) throws {
        #expect(
            try encode(ListAndMore(count: count, isAtOnce: false)).bytes
                == encode(ListAndMore(count: count, isAtOnce: true)).bytes)
    }

    @Test("a value of the wrong type is refused with the path to it and both types")
    func wrongTypes() {
        #expect(
            refusal { try decodeWrong("5", inList: true) }
                == "Int at list.[0].number: The value is text and should be an integer.")
        #expect(
            refusal { try decodeWrong(1.5, inList: false) }
                == "Int at lookup.key.number: The value is a double and should be an integer.")
        #expect(
            refusal { try decodeWrong([1], inList: true) }
                == "Int at list.[0].number: The value is an array of signed 64-bit integers and should be an integer.")
        #expect(
            refusal { try decodeWrong([1: [2]], inList: true) }
                == "Int at list.[0].number: The value is a record and should be an integer.")
        #expect(
            refusal { try decodeWrong([1, nil] as [Int?], inList: true) }
                == "Int at list.[0].number: The value is a list and should be an integer.")
        #expect(
            refusal { try decodeWrong(true, inList: true) }
                == "Int at list.[0].number: The value is a Bool and should be an integer.")
        #expect(
            refusal { try decodeWrong(1.5 as Float, inList: true) }
                == "Int at list.[0].number: The value is a float and should be an integer.")
        #expect(
            refusal { try decodeWrong(UInt.max, inList: true) }
                == "at list.[0].number: The number 18446744073709551615 does not fit into Int.")
        #expect(
            refusal { try decodeWrong(nil as Int?, inList: true) }
                == "no Int at list.[0].number: The value is nil and should be an integer.")
    }

    @Test("a container of the wrong kind is refused with the path to it")
    func wrongContainers() throws {
        #expect(
            refusal { try decode(Outer.self, from: encode(["list": [1], "lookup": []])) }
                == "Dictionary<String, Any> at list.[0]: The value is a signed integer and should be a record.")
        #expect(
            refusal { try decode(Outer.self, from: encode(["list": "x"])) }
                == "Array<Any> at list: The value is text and should be a list.")
        #expect(
            refusal { try decode(Outer.self, from: encode("x")) }
                == "Dictionary<String, Any> at : The value is text and should be a record.")
    }

    @Test("a key that is missing is named")
    func missingKeys() {
        #expect(
            refusal { try decode(Outer.self, from: encode(["list": [["other": 1]]])) }
                == "no key number at list.[0]: There is no value for this key.")
    }

    @Test("a list that ends early is an error with the index")
    func listEnds() {
        struct Two: Codable {
            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                for _ in 0..<2 { _ = try list.decode(Inner.self) }
            }
            func encode(to encoder: any Encoder) { fatalError("only decoded") }
        }
        #expect(
            refusal { try decode(Two.self, from: encode([Inner(number: 1)])) }
                == "no Inner at [1]: The list has 1 elements, and all have been decoded.")
        #expect(
            refusal { try decode(Two.self, from: encode([] as [Inner])) }
                == "no Inner at [0]: The list has 0 elements, and all have been decoded.")
    }

    @Test("an element of a column that is wrong is named by its index")
    func columns() throws {
        var encoder = PayloadEncoder()
        try ValueCodec<[String: Int?]>().encodeColumn([["number": 1], ["number": nil]], into: &encoder)
        var decoder = try PayloadDecoder(payload: encoder.finish())
        #expect(
            refusal { try ValueCodec<Inner>().decodeColumn(count: 2, from: &decoder) }
                == "no Int at [1].number: The value is nil and should be an integer.")
    }

    @Test("a value that encodes itself twice, or in two ways, is refused")
    func twice() {
        struct Twice: Codable {
            var asContainers: Bool
            func encode(to encoder: any Encoder) throws {
                if asContainers {
                    _ = encoder.unkeyedContainer()
                    _ = encoder.container(keyedBy: Key.self)
                } else {
                    var value = encoder.singleValueContainer()
                    try value.encode(1)
                    try value.encode(2)
                }
            }
            enum Key: CodingKey { case a }
        }
        for asContainers in [true, false] {
            #expect(
                errorText { try encode([Twice(asContainers: asContainers)]) }
                    == "A value asked its encoder for containers of different kinds, or encoded twice.")
        }
    }

    @Test("what a type throws while it is encoded or decoded arrives as it is")
    func ownErrors() {
        struct Refusing: Codable {
            init() {}
            init(from decoder: any Decoder) throws { throw CancellationError() }
            func encode(to encoder: any Encoder) throws { throw CancellationError() }
        }
        #expect(throws: CancellationError.self) { try encode([Refusing()]) }
        #expect(throws: CancellationError.self) { try decode([Refusing].self, from: encode([[1]])) }
    }
}
