/// What one side is willing to take from the other. Every limit is checked before memory is taken for what it limits.
public struct WireLimits: Sendable, Hashable {
    /// Largest message part of a frame, in bytes.
    public var maxMessageSize: UInt64
    /// Largest payload part of a frame, in bytes as sent.
    public var maxPayloadSize: UInt64
    /// Largest payload after decompression, in bytes.
    public var maxDecompressedSize: UInt64
    /// Most memory that unpacking one message or payload may take, in bytes, beyond the bytes received. Small
    /// elements take far more memory than bytes: a two-byte value takes about 150.
    public var maxMemory: UInt64
    /// Most lists and records within each other, 1...256. Codable types within each other count the same, also those that
    /// are encoded as a single value. Holds for encoding as well.
    public var maxDepth: Int {
        didSet { maxDepth = min(max(maxDepth, 1), Self.greatestDepth) }
    }
    /// Most fields in one message or payload, and most elements in a chunk. Elements of arrays of numbers and bytes
    /// within a payload are not counted: they take no more memory than bytes.
    public var maxCount: UInt64

    /// The depth that the stack of any thread bears, at about 4 KiB for each level.
    public static let greatestDepth = 256

    /// Limits that no honest program meets and that a machine with some GiB of memory survives: messages of 16 MiB,
    /// payloads of 1 GiB, 2 GiB of memory to unpack, depth 128, 16 Mi fields.
    public static let `default` = WireLimits()

    /// For what this program has encoded itself, or whoever started it: nothing is refused but nesting.
    public static let trusting = WireLimits(
        maxPayloadSize: .max, maxDecompressedSize: .max, maxMemory: .max, maxCount: .max)

    /// The default limits but for what is given. A depth beyond 1...256 is brought into that range.
    public init(
        maxMessageSize: UInt64 = 16 << 20, maxPayloadSize: UInt64 = 1 << 30, maxDecompressedSize: UInt64 = 1 << 30,
        maxMemory: UInt64 = 2 << 30, maxDepth: Int = 128, maxCount: UInt64 = 16 << 20
    ) {
        self.maxMessageSize = maxMessageSize
        self.maxPayloadSize = maxPayloadSize
        self.maxDecompressedSize = maxDecompressedSize
        self.maxMemory = maxMemory
        self.maxDepth = min(max(maxDepth, 1), Self.greatestDepth)
        self.maxCount = maxCount
    }
}
