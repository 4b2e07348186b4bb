import Wire

extension Shape {
    /// Values of every kind that the wire has, and types of every way to be Codable.
    nonisolated(unsafe) static let all: [Shape] = [
        // Numbers, text and bytes, in forms of their own.
        Shape([0, 1, -1, .max, .min] as [Int]),
        Shape([0, 127, -128] as [Int8]),
        Shape([0, 32767, -32768] as [Int16]),
        Shape([0, 1, .min] as [Int32]),
        Shape([0, .max, .min] as [Int64]),
        Shape([0, .max] as [UInt]),
        Shape([0, 255] as [UInt8]),
        Shape([0, 65535] as [UInt16]),
        Shape([0, .max] as [UInt32]),
        Shape([0, .max] as [UInt64]),
        Shape([0, -1.5, .infinity, .nan] as [Double]),
        Shape([0, -1.5, .infinity, .nan] as [Float]),
        Shape([true, false]),
        Shape(["", "text", "\0 \u{1F9F5} é"]),
        Shape(ValueCodec<Void>.void, [(), ()]),
        // Arrays and optionals of them.
        Shape([[], [1, -1]] as [[Int]]),
        Shape([[], [1, -1]] as [[Int8]]),
        Shape([[], [1, -1]] as [[Int16]]),
        Shape([[], [1, -1]] as [[Int32]]),
        Shape([[], [1, 2]] as [[UInt]]),
        Shape([[], [1, 2, 3]] as [[UInt8]]),
        Shape([[], [1, 2]] as [[UInt16]]),
        Shape([[], [1, 2]] as [[UInt32]]),
        Shape([[], [1.5, .nan]] as [[Double]]),
        Shape([[], [1.5, .nan]] as [[Float]]),
        Shape([[], [true, false]] as [[Bool]]),
        Shape([[], ["", "a", "bc"]] as [[String]]),
        Shape([[], [[1], []], [[2, 3]]] as [[[Int]]]),
        Shape([[[], [[1, 2], []]], []] as [[[[UInt8]]]]),
        Shape([nil, 1] as [Int?]),
        Shape([.none, .some(.none), .some(.some(.none)), 5] as [Int???]),
        Shape([[nil, "a"], nil, []] as [[String?]?]),
        Shape([[[1], nil], []] as [[[UInt8]?]]),
        // Codable.
        Shape([Point(x: 1, y: 2), Point(x: .nan, y: 3, label: "far", weight: .some(nil))]),
        Shape([Wide(), Wide(a: 1, b: "b", c: [1, 2], d: Point(x: 0, y: 0), e: true, f: 1.5)]),
        Shape([Point(x: 1, y: 1), nil] as [Point?]),
        Shape([.none, .some(.none), Point(x: 1, y: 1)] as [Point??]),
        Shape([Event.nothing, .count(3), .moved(Point(x: 1, y: 2), by: 2.5), .named(nil), .named("n")]),
        Shape([Tree.leaf(1), .node([.leaf(2), .node([])])]),
        Shape([Link(value: 1, next: Link(value: 2, next: nil))]),
        Shape([Colour.red, .blue]),
        Shape([Exact(exponent: -2, isNegative: true, mantissa: [1, 2, 3, 4, 5, 6, 7, 8])]),
        Shape([Wrapped(value: 3)]),
        Shape([Circle(radius: 2)]),
        Shape([ByHand(numbers: [1, nil, 3], flags: [true], rest: ["a", "b"])]),
        Shape(
            [.null, .number(1.5), .text("t"), .list([.truth(true)]), .record(["k": .text("v")])] as [Anything]),
        Shape([Empty(), Empty()]),
        Shape([[Empty()], []] as [[Empty]]),
        // Several encodings have the same value.
        Shape([["a": 1, "b": 2], [:]] as [[String: Int]], areSame: ==),
        Shape([[1: "a", -2: "b"], [:]] as [[Int: String]], areSame: ==),
        Shape([[.red: [1]], [:]] as [[Colour: [Int]]], areSame: ==),
        Shape([[[1, 2]: true], [:]] as [[[Int]: Bool]], areSame: ==),
        Shape([[1, 2, 255], []] as [Set<UInt8>], areSame: ==),
        Shape([["a": ["b": nil]], [:]] as [[String: [String: Int?]]], areSame: ==),
        Shape([1..<2, 0..<0] as [Range<Int>]),
        Shape([1...2] as [ClosedRange<Int32>]),
        Shape([.seconds(1), .nanoseconds(-1)] as [Duration]),
        // No encoder of ours can, so that a decoder must not.
        Shape([] as [Int128]),
    ]
}

struct Point: Codable, Hashable {
    var x: Double
    var y: Double
    var label: String?
    var weight: Int??
}

struct Wide: Codable {
    var a: Int64?
    var b: String?
    var c: [UInt16]?
    var d: Point?
    var e: Bool?
    var f: Float?
}

enum Event: Codable {
    case nothing
    case count(Int)
    case moved(Point, by: Double)
    case named(String?)
}

indirect enum Tree: Codable {
    case leaf(Int)
    case node([Tree])
}

final class Link: Codable {
    let value: UInt8
    let next: Link?

    init(value: UInt8, next: Link?) {
        self.value = value
        self.next = next
    }
}

enum Colour: String, Codable, CodingKeyRepresentable {
    case red, green, blue
}

struct Empty: Codable {}

/// A number of many digits, as Foundation's Decimal is encoded: named parts, and one list that is read by hand.
struct Exact: Codable {
    var exponent: Int32
    var isNegative: Bool
    var mantissa: [UInt16]

    enum CodingKeys: String, CodingKey { case exponent, length, isNegative, mantissa }

    init(exponent: Int32, isNegative: Bool, mantissa: [UInt16]) {
        self.exponent = exponent
        self.isNegative = isNegative
        self.mantissa = mantissa
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        exponent = try container.decode(Int32.self, forKey: .exponent)
        isNegative = try container.decode(Bool.self, forKey: .isNegative)
        let length = try container.decode(UInt8.self, forKey: .length)
        var list = try container.nestedUnkeyedContainer(forKey: .mantissa)
        mantissa = []
        for _ in 0..<length { mantissa.append(try list.decode(UInt16.self)) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(exponent, forKey: .exponent)
        try container.encode(isNegative, forKey: .isNegative)
        try container.encode(UInt8(mantissa.count), forKey: .length)
        var list = container.nestedUnkeyedContainer(forKey: .mantissa)
        for digit in mantissa { try list.encode(digit) }
    }
}

/// One value, without a name.
struct Wrapped: Codable {
    var value: Int16

    init(value: Int16) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Int16.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

class Figure: Codable {
    var name = "figure"
}

/// A subclass: what its superclass has is a value of its own within it.
final class Circle: Figure {
    var radius: Double

    enum CodingKeys: CodingKey { case radius }

    init(radius: Double) {
        self.radius = radius
        super.init()
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        radius = try container.decode(Double.self, forKey: .radius)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(radius, forKey: .radius)
        try super.encode(to: container.superEncoder())
    }
}

/// All that a container can do and compilers do not write: lists within lists, nil asked for by hand, keys that nobody
/// knew, an error that is caught.
struct ByHand: Codable {
    var numbers: [Int?]
    var flags: [Bool]
    var rest: [String]

    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(numbers: [Int?], flags: [Bool], rest: [String]) {
        self.numbers = numbers
        self.flags = flags
        self.rest = rest
    }

    init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        numbers = []
        flags = []
        rest = []
        var inner = try list.nestedUnkeyedContainer()
        while !inner.isAtEnd { numbers.append(try inner.decodeNil() ? nil : try inner.decode(Int.self)) }
        let record = try list.nestedContainer(keyedBy: Key.self)
        for key in record.allKeys {
            if key.stringValue == "flags", record.contains(key) {
                // Either form will do.
                flags = try (try? record.decode([Bool].self, forKey: key)) ?? [record.decode(Bool.self, forKey: key)]
            } else if try !record.decodeNil(forKey: key) {
                rest.append(try record.decode(String.self, forKey: key))
            }
        }
        if !list.isAtEnd { rest.append(try String(from: list.superDecoder())) }
    }

    func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        var inner = list.nestedUnkeyedContainer()
        for number in numbers { if let number { try inner.encode(number) } else { try inner.encodeNil() } }
        var record = list.nestedContainer(keyedBy: Key.self)
        try record.encode(flags, forKey: Key(stringValue: "flags"))
        for (index, text) in rest.enumerated() { try record.encode(text, forKey: Key(stringValue: "\(index)")) }
    }
}

/// Whatever there is, found out by trying, as many write it.
enum Anything: Codable {
    case null
    case truth(Bool)
    case number(Double)
    case text(String)
    indirect case list([Anything])
    indirect case record([String: Anything])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let truth = try? container.decode(Bool.self) {
            self = .truth(truth)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([Anything].self) {
            self = .list(list)
        } else {
            let record = try container.decode([String: Anything].self)
            // One at most: the order of a dictionary is its own business, and the encodings are compared.
            self = .record(record.count > 1 ? [:] : record)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .truth(let truth): try container.encode(truth)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list)
        case .record(let record): try container.encode(record)
        }
    }
}
