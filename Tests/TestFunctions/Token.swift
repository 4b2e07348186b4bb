import Synchronization

/// A value whose copies are counted, in the process at hand: shows who still holds one.
public final class Token: Codable, Sendable {
    /// What it was made with.
    public let number: Int
    private static let alive = Atomic<Int>(0)

    /// How many there are.
    public static var count: Int { alive.load(ordering: .acquiring) }

    /// One more of them.
    public init(_ number: Int) {
        self.number = number
        Self.alive.add(1, ordering: .releasing)
    }

    /// What is done at the end of each.
    public static let ended = Mutex<(@Sendable () -> Void)?>(nil)

    deinit {
        Self.alive.subtract(1, ordering: .releasing)
        Self.ended.withLock { $0 }?()
    }

    /// One more: a copy that arrived.
    public convenience init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(Int.self))
    }

    /// Its number is all that travels.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}
