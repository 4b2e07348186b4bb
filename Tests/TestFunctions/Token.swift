import struct Synchronization.Atomic

/// A value whose copies are counted, in the process at hand: shows who still holds one.
public final class Token: Codable, Sendable {
    public let number: Int
    private static let alive = Atomic<Int>(0)

    /// How many there are.
    public static var count: Int { alive.load(ordering: .acquiring) }

    public init(_ number: Int) {
        self.number = number
        Self.alive.add(1, ordering: .releasing)
    }

    deinit { Self.alive.subtract(1, ordering: .releasing) }

    public convenience init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(Int.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}
