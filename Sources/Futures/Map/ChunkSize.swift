import Wire

/// How many elements of a map go to a worker in one message: a number, or ``automatic``.
///
/// ```swift
/// pool.map(isPrime, numbers, chunkSize: 100)
/// pool.map(isPrime, numbers, chunkSize: .automatic)
/// ```
public protocol ChunkSize: Sendable {
    /// The number of elements; nil to have it found out.
    var elementCount: Int? { get }
}

extension Int: ChunkSize {
    /// The number itself.
    public var elementCount: Int? { self }
}

/// See ``ChunkSize/automatic``.
public struct AutomaticChunkSize: ChunkSize {
    /// Nil: it is found out.
    public var elementCount: Int? { nil }
}

extension ChunkSize where Self == AutomaticChunkSize {
    /// As many elements as a worker takes about 5 ms for, by the time that the elements before took: so that messages are
    /// rarely tiny, and the workers finish together. The first chunks have one element each.
    public static var automatic: AutomaticChunkSize { AutomaticChunkSize() }
}

/// Decides how many elements the next chunk of a map has. A plain value: times come in, numbers go out.
struct ChunkSizer: Sendable {
    /// A chunk's time, in nanoseconds: a hundred times what sending it costs (20 to 50 µs), and short enough that workers
    /// which finish one chunk apart do not wait long for each other.
    static let targetTime = 5_000_000.0
    /// However short the elements, so that their results come in pieces.
    static let most = 65_536
    /// Whoever asks for more in a message gets so many: a worker takes no more.
    static let mostAccepted = Int(WireLimits.default.maxCount)
    /// From one chunk to the next; the first elements may say little about the others.
    static let growth = 8

    /// The number asked for; nil for automatic.
    private let fixed: Int?
    private let workers: Int
    private let bufferSize: Int
    /// So many elements have their share of the bytes that the map may take.
    private var share = Int.max
    private var timePerElement: Double?
    private var largest = 1
    /// Of the next chunk, wherever the input ends: asked for with each result.
    private var size: Int

    /// - Parameters:
    ///   - size: at least 1, or nil for automatic.
    ///   - bufferSize: the most elements that are taken ahead of the consumer; `Int.max` for all.
    init(_ size: Int?, workers: Int, bufferSize: Int) {
        fixed = size.map { min($0, bufferSize, Self.mostAccepted) }
        // A pool may be allowed any number of workers.
        self.workers = min(max(1, workers), 1 << 20)
        self.bufferSize = bufferSize
        self.size = fixed ?? 1
    }

    var isAutomatic: Bool { fixed == nil }

    /// How many chunks are kept on their way where nothing else limits them, and while they are growing: enough that no worker
    /// waits for the next.
    var chunksAhead: Int { 3 * workers }

    /// Whether nothing was measured yet, or chunks are to become much larger than those that were.
    var isGrowing: Bool { isAutomatic && (timePerElement == nil || size > 2 * largest) }

    /// A worker has taken so long, in nanoseconds, for a chunk of so many elements.
    mutating func measured(elements: Int, time: Int64) {
        guard isAutomatic, elements > 0 else { return }
        let sample = Double(max(time, 1)) / Double(elements)
        timePerElement = timePerElement.map { $0 + (sample - $0) / 4 } ?? sample
        largest = max(largest, elements)
        resize()
    }

    /// An element takes so many bytes, of all that may be taken.
    mutating func limit(bytesPerElement: Double, of bytes: Int) {
        let elements = Double(bytes) / Double(2 * workers) / max(bytesPerElement, 1)
        share = max(1, Int(min(elements, Double(Self.most))))
        resize()
    }

    private mutating func resize() {
        guard isAutomatic, let timePerElement else { return }
        size = min(Int(min(Self.targetTime / timePerElement, Double(Self.most))), largest * Self.growth, share)
        // What the consumer's buffer holds is shared.
        if bufferSize < .max { size = min(size, bufferSize / (2 * workers)) }
        size = max(1, size)
    }

    /// The size of the next chunk, at least 1.
    ///
    /// - Parameter remaining: how many elements are left, if that is known.
    func next(remaining: Int?) -> Int {
        guard isAutomatic, let remaining else { return size }
        // Each worker gets a few more, so that they finish together.
        return max(1, min(size, remaining / (2 * workers)))
    }
}
