/// How far a map that reads its input lazily may be ahead of the consumer: a number of elements, or bytes.
///
/// ```swift
/// pool.map(parse, rows, bufferSize: 10_000)
/// pool.map(parse, rows, bufferSize: .bytes(64 << 20))
/// pool.map(parse, rows, bufferSize: .elements(10_000, bytes: 64 << 20))
/// ```
public protocol BufferSize: Sendable {
    /// The most elements that have been read and not handed out as results; nil for any number.
    var elementLimit: Int? { get }
    /// The most bytes that they take; nil for any number.
    var byteLimit: Int? { get }
}

extension Int: BufferSize {
    /// The number itself.
    public var elementLimit: Int? { self }
    /// Nil: elements are counted.
    public var byteLimit: Int? { nil }
}

/// See ``BufferSize/bytes(_:)`` and ``BufferSize/elements(_:bytes:)``.
public struct MemoryBufferSize: BufferSize, Hashable {
    /// The most elements; nil for any number.
    public let elementLimit: Int?
    /// The most bytes.
    public let byteLimit: Int?
    /// Whether the consumer keeps the arguments of what it has not taken the results of, so that they count until then.
    let keepsArguments: Bool

    init(elementLimit: Int?, byteLimit: Int?, keepsArguments: Bool = false) {
        self.elementLimit = elementLimit
        self.byteLimit = byteLimit
        self.keepsArguments = keepsArguments
    }
}

extension BufferSize where Self == MemoryBufferSize {
    /// So many bytes, at least 1.
    ///
    /// What counts is what the map has in this process: the encoded arguments of the elements that no worker has finished, the
    /// results that nobody has taken, as long as they were when they came (an order that is kept waits for its slowest element:
    /// the results behind it count), and 400 bytes for each message. What is on its way to workers is counted with the results
    /// that it will have, by the average of those before; so the bytes are exceeded where results suddenly become larger, and
    /// by a single chunk that is larger itself. Until the first results are there three chunks for each worker are on their way.
    ///
    /// On threads and inline, where nothing is encoded, nobody knows the bytes: there it means 64 elements, or four for each
    /// thread if that is more.
    public static func bytes(_ count: Int) -> MemoryBufferSize {
        MemoryBufferSize(elementLimit: nil, byteLimit: count)
    }

    /// So many elements, but no more than so many bytes, each at least 1; see ``bytes(_:)``.
    public static func elements(_ count: Int, bytes: Int) -> MemoryBufferSize {
        MemoryBufferSize(elementLimit: count, byteLimit: bytes)
    }

    /// So many bytes, with the arguments of those elements whose results nobody has taken: for a consumer that keeps them.
    package static func bytes(_ count: Int, keepsArguments: Bool) -> MemoryBufferSize {
        MemoryBufferSize(elementLimit: nil, byteLimit: count, keepsArguments: keepsArguments)
    }
}
