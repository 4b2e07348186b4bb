import Synchronization

/// Has something done when it is decoded.
public struct Hooked: Codable, Sendable {
    /// What is done.
    public static let decoded = Mutex<(@Sendable () -> Void)?>(nil)

    init() {}

    /// Writes nothing.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(true)
    }

    /// Does what was asked for.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        _ = try container.decode(Bool.self)
        Self.decoded.withLock { $0 }?()
    }
}
