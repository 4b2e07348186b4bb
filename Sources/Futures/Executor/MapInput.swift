/// The rest of a map's sequences: what has not been read and submitted.
///
/// `@unchecked Sendable`: the sequences' iterators move on in `submitNext`, which one thread at a time calls: the one
/// that calls `map`, later the consumer whose turn it is by ``MapCursor``. They change threads only where `map` asks for
/// sequences that are `Sendable`.
final class MapInput<Output: Sendable>: @unchecked Sendable {
    /// Elements that go to a worker in one message: less than asked for if the buffer is smaller.
    let chunkSize: Int
    private let submitChunk: (_ chunkSize: Int) throws -> [MapChunk<Output>]

    /// - Parameter submitChunk: reads and submits up to so many elements; returns nothing at the end.
    /// - Throws: ``InvalidArgumentError`` for a number below 1.
    init(
        chunkSize: Int, bufferSize: Int?, submitChunk: @escaping (_ chunkSize: Int) throws -> [MapChunk<Output>]
    ) throws(InvalidArgumentError) {
        try InvalidArgumentError.check("chunkSize", chunkSize)
        if let bufferSize { try InvalidArgumentError.check("bufferSize", bufferSize) }
        self.chunkSize = min(chunkSize, bufferSize ?? .max)
        self.submitChunk = submitChunk
    }

    /// Reads and submits the next elements; nothing at the end.
    func submitNext() throws -> [MapChunk<Output>] { try submitChunk(chunkSize) }
}
