import Testing
import Wire

private enum Shape: Codable, Hashable {
    case point
    case circle(radius: Double)
    case polygon([[Double]], closed: Bool?)
    indirect case group(Shape, Shape)
}

private enum Suit: String, Codable { case hearts, spades }
private enum Level: Int, Codable, CaseIterable { case low = -1, high = 1 }

/// A wrapper that is coded as what it wraps, as dates are.
private struct Instant: Codable, Hashable {
    var seconds: Double

    init(seconds: Double) { self.seconds = seconds }
    init(from decoder: any Decoder) throws { seconds = try decoder.singleValueContainer().decode(Double.self) }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(seconds)
    }
}

private struct Everything: Codable, Equatable {
    var bool = true
    var int = -1, int8 = Int8.min, int16 = Int16.min, int32 = Int32.min, int64 = Int64.min
    var uint = UInt.max, uint8 = UInt8.max, uint16 = UInt16.max, uint32 = UInt32.max, uint64 = UInt64.max
    var float: Float = 1.5, double = -0.0
    var text = "ü\u{0}"
    var ints = [1, 2], texts = ["a"], bytes: [UInt8] = [1]
    var shape = Shape.polygon([[1, 2], []], closed: nil)
    var suit = Suit.spades
    var level = Level.low
    var instant = Instant(seconds: 1.25)
    var lookup = [3: [Instant(seconds: 0)]]
    var present: Int? = 5
    var absent: Int?
    var nested: Instant??
}

private class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
}

private final class Dog: Animal {
    var tricks: [String]
    init(name: String, tricks: [String]) {
        self.tricks = tricks
        super.init(name: name)
    }

    private enum CodingKeys: CodingKey { case tricks }
    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tricks = try container.decode([String].self, forKey: .tricks)
        try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tricks, forKey: .tricks)
        try super.encode(to: container.superEncoder())
    }
}

@Suite struct CodableTests {
    @Test("a structure of every plain type arrives, and is a record with a key for each that is not nil")
    func everything() throws {
        let value = Everything()
        #expect(try roundTrip(value) == value)
        #expect(try roundTrip([value, value]) == [value, value])
        #expect(try roundTripColumn([value]) == [value])
        #expect(try roundTrip(value).double.sign == .minus)
        let keys = try decode(Keys.self, from: encode(value)).names
        #expect(keys.count == Mirror(reflecting: value).children.count - 2)
        #expect(keys.contains("present") && !keys.contains("absent") && !keys.contains("nested"))
    }

    @Test("enums with and without values arrive")
    func enums() throws {
        let shapes: [Shape] = [
            .point, .circle(radius: 1.5), .polygon([], closed: nil), .polygon([[1]], closed: true),
            .group(.point, .group(.circle(radius: 0), .point)),
        ]
        #expect(try roundTrip(shapes) == shapes)
        #expect(try roundTripColumn(shapes) == shapes)
        for level in Level.allCases { #expect(try roundTrip(level) == level) }
        #expect(try roundTrip([Suit.hearts: Shape.point]) == [.hearts: .point])
        #expect(
            errorText { try decode(Level.self, from: encode(7)) }
                == "Cannot initialize Level from invalid Int value 7")
    }

    @Test("a wrapper has the form of what it wraps")
    func wrappers() throws {
        #expect(try encode(Instant(seconds: 2.5)) == (try encode(2.5)))
        #expect(try roundTrip([Instant(seconds: 2.5), nil]) == [Instant(seconds: 2.5), nil])
        #expect(try encode(Suit.hearts) == (try encode("hearts")))
        #expect(try encode(Level.low) == (try encode(-1)))
        #expect(
            try decode(Set<Instant>.self, from: encode([1.5, 2.5])) == [Instant(seconds: 1.5), Instant(seconds: 2.5)])
    }

    @Test("a class arrives with what its superclass encodes")
    func superclasses() throws {
        let dog = try roundTrip(Dog(name: "Rex", tricks: ["sit"]))
        #expect(dog.name == "Rex")
        #expect(dog.tricks == ["sit"])
    }

    @Test("an optional that is absent and one that is nil within are told apart")
    func optionalFields() throws {
        struct Optionals: Codable, Equatable {
            var a: Int??
            var b: Instant??
            var c: [Int?]?
        }
        for value in [
            Optionals(a: nil, b: nil, c: nil), Optionals(a: .some(nil), b: .some(nil), c: []),
            Optionals(a: 1, b: Instant(seconds: 1), c: [nil]),
        ] {
            #expect(try roundTrip(value) == value)
        }
        struct Explicit: Codable { var a: Int? = 1 }
        // A null that another program sends for a field counts as absent.
        let null = RawMessage().message(11, RawMessage().content(1, "a").message(2, RawMessage().number(1, 1)))
        #expect(try decode(Explicit.self, from: null.asPayload).a == nil)
        #expect(try decode(Explicit.self, from: RawMessage().message(11, RawMessage()).asPayload).a == nil)
    }

    @Test("fields are found by name: in any order, with others among them")
    func fieldOrder() throws {
        struct Wide: Codable, Equatable { var a = 1, b = "x", c = [2.5], d: Bool? = true }
        struct Narrow: Codable, Equatable { var d: Bool?, b: String }
        struct Reversed: Codable, Equatable { var d: Bool?, c: [Double], b: String, a: Int }
        #expect(try decode(Narrow.self, from: encode(Wide())) == Narrow(d: true, b: "x"))
        #expect(try decode(Reversed.self, from: encode(Wide())) == Reversed(d: true, c: [2.5], b: "x", a: 1))
        #expect(
            errorText { try decode(Wide.self, from: encode(Narrow(d: nil, b: ""))) }
                == "There is no value for this key.")
    }

    @Test("nested containers of every kind arrive")
    func nestedContainers() throws {
        #expect(try roundTrip(ByHand()).isRight)
        #expect(try roundTrip([ByHand(), ByHand()]).allSatisfy(\.isRight))
    }

    @Test("a type that encodes nothing is a record without fields")
    func nothing() throws {
        struct Empty: Codable, Equatable {}
        #expect(try encode(Empty()).bytes == [0x0A, 2, 0x5A, 0])
        #expect(try roundTrip([Empty(), Empty()]) == [Empty(), Empty()])
        #expect(try roundTrip(["a": Empty()]) == ["a": Empty()])
    }

    @Test("types that are as wide as Codable knows arrive as far as it supports them")
    func wideTypes() throws {
        #if !(os(macOS) && arch(x86_64))
            #expect(try roundTrip(1.5 as Float16) == 1.5)
            #expect(try roundTrip([1.5, -.infinity, -0.0] as [Float16]) == [1.5, -.infinity, -0.0])
            #expect(try encode(1.5 as Float16) == (try encode(1.5 as Float)))
        #endif
        #expect(errorText { try encode(1 as Int128) }.contains("Int128"))
        #expect(errorText { try encode(1 as UInt128) }.contains("UInt128"))
        #expect(errorText { try decode(Int128.self, from: encode(1)) }.contains("Int128"))
        #expect(try roundTrip(1..<5) == 1..<5)
        #expect(try roundTrip(Duration.seconds(5)) == .seconds(5))
    }

    @Test("a type may keep its decoder and use it later")
    func keptDecoder() throws {
        struct Later: Codable {
            let decoder: any Decoder
            init(from decoder: any Decoder) { self.decoder = decoder }
            func encode(to encoder: any Encoder) { fatalError("only decoded") }
        }
        let later = try decode(Later.self, from: encode(Everything()))
        #expect(try Everything(from: later.decoder) == Everything())
        let raw = try decode(Later.self, from: encode([1, 2, 3] as [UInt8]))
        #expect(try Set<UInt8>(from: raw.decoder) == [1, 2, 3])
    }
}

/// The keys of a record.
private struct Keys: Codable {
    var names: [String]

    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
    }
    func encode(to encoder: any Encoder) { fatalError("only decoded") }
}

/// Uses every way to nest containers.
private struct ByHand: Codable {
    var isRight = true

    enum Key: CodingKey { case list, record, nothing, base, plain }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var list = try container.nestedUnkeyedContainer(forKey: .list)
        isRight =
            try list.count == 8 && list.decode(Int.self) == 1 && list.decodeNil() && list.decode(String.self) == "x"
        var inner = try list.nestedUnkeyedContainer()
        isRight = try isRight && inner.isAtEnd == false && inner.decode(Bool.self) && inner.isAtEnd
        let record = try list.nestedContainer(keyedBy: Key.self)
        isRight = try isRight && record.decode(UInt8.self, forKey: .plain) == 8
        let base = try list.superDecoder().singleValueContainer()
        isRight = try isRight && base.decode(Float.self) == 2.5 && !base.decodeNil()
        isRight = try isRight && list.decodeIfPresent(Int.self) == nil && list.decode([Int].self) == [1, 2]
        isRight = isRight && list.isAtEnd && list.currentIndex == 8
        let nested = try container.nestedContainer(keyedBy: Key.self, forKey: .record)
        isRight = try isRight && nested.decode(Double.self, forKey: .plain) == 0.5 && nested.allKeys.count == 2
        isRight = try isRight && nested.decodeNil(forKey: .nothing) && !nested.contains(.list)
        isRight = try isRight && container.superDecoder(forKey: .base).singleValueContainer().decode(Int16.self) == -3
        isRight = try isRight && container.superDecoder().singleValueContainer().decodeNil()
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var list = container.nestedUnkeyedContainer(forKey: .list)
        try list.encode(1)
        try list.encodeNil()
        try list.encode("x")
        var inner = list.nestedUnkeyedContainer()
        try inner.encode(true)
        var record = list.nestedContainer(keyedBy: Key.self)
        try record.encode(8 as UInt8, forKey: .plain)
        var base = list.superEncoder().singleValueContainer()
        try base.encode(2.5 as Float)
        try list.encode(nil as Int?)
        try list.encode([1, 2])
        var nested = container.nestedContainer(keyedBy: Key.self, forKey: .record)
        try nested.encode(0.5, forKey: .plain)
        try nested.encodeNil(forKey: .nothing)
        var other = container.superEncoder(forKey: .base).singleValueContainer()
        try other.encode(-3 as Int16)
        var last = container.superEncoder().singleValueContainer()
        try last.encodeNil()
    }
}
