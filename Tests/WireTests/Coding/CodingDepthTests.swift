import Testing
import Wire

/// A chain of structures, each of which has the next one.
private final class Chain: Codable {
    var next: Chain?
    init(length: Int) { next = length > 1 ? Chain(length: length - 1) : nil }
    var length: Int {
        var count = 1
        var link = next
        while let current = link {
            count += 1
            link = current.next
        }
        return count
    }
}

/// Containers within containers, made by one value.
private struct Nested: Codable {
    var depth: Int
    var isKeyed: Bool

    enum Key: CodingKey { case a }

    init(depth: Int, isKeyed: Bool) {
        self.depth = depth
        self.isKeyed = isKeyed
    }
    init(from decoder: any Decoder) { fatalError("only encoded") }

    func encode(to encoder: any Encoder) throws {
        if isKeyed {
            var container = encoder.container(keyedBy: Key.self)
            for _ in 1..<depth { container = container.nestedContainer(keyedBy: Key.self, forKey: .a) }
            return
        }
        var container = encoder.unkeyedContainer()
        for _ in 1..<depth { container = container.nestedUnkeyedContainer() }
    }
}

/// Encodes itself again, without an end.
private struct Endless: Codable {
    init() {}
    init(from decoder: any Decoder) throws { self = try decoder.singleValueContainer().decode(Endless.self) }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Endless())
    }
}

@Suite struct CodingDepthTests {
    @Test("values nest as deep as the limit, and no deeper, when they are encoded", arguments: [1, 10, 128, 256])
    func encoding(limit: Int) throws {
        let limits = WireLimits(maxDepth: limit)
        let payload = try encode(Chain(length: limit), limits: limits)
        #expect(try decode(Chain.self, from: payload, limits: limits).length == limit)
        #expect(
            errorText { try encode(Chain(length: limit + 1), limits: limits) }
                == "The value nests deeper than \(limit) levels.")
        #expect(
            errorText { try encode(Chain(length: 5000), limits: limits) }
                == "The value nests deeper than \(limit) levels.")
    }

    @Test("a receiver with a lower limit refuses what is deeper")
    func decoding() throws {
        let payload = try encode(Chain(length: 100))
        #expect(
            errorText { try decode(Chain.self, from: payload, limits: WireLimits(maxDepth: 98)) }
                .hasPrefix(
                    "The bytes are not the values of a payload: values nest deeper than the limit of 98 (at byte "))
    }

    @Test("containers that one value nests count as well", arguments: [true, false])
    func nestedContainers(isKeyed: Bool) throws {
        let limits = WireLimits(maxDepth: 20)
        #expect(try encode(Nested(depth: 20, isKeyed: isKeyed), limits: limits).bytes.isEmpty == false)
        #expect(
            errorText { try encode(Nested(depth: 21, isKeyed: isKeyed), limits: limits) }
                == "The value nests deeper than 20 levels.")
        #expect(
            errorText { try encode(Nested(depth: 100_000, isKeyed: isKeyed)) }
                == "The value nests deeper than 128 levels.")
    }

    @Test("a type that encodes or decodes itself without an end is refused")
    func endless() {
        #expect(errorText { try encode(Endless()) } == "The value nests deeper than 128 levels.")
        #expect(errorText { try decode(Endless.self, from: encode(1)) } == "The value nests deeper than 128 levels.")
    }
}
