/// The rest of a map's sequences: what has not been read and submitted.
///
/// `@unchecked Sendable`: the sequences' iterators move on in `submitNext`, which one thread at a time calls: the one
/// that calls `map`, later the consumer whose turn it is by ``MapBuffer``. They change threads only where `map` takes
/// sequences that are sent to it, or has read them into arrays.
final class MapInput: @unchecked Sendable {
    /// Reads and submits up to so many elements; returns nothing at the end.
    private let submitChunk: (Int) throws -> [MapPart]
    /// How many elements are left, where that is known.
    private var remaining: Int?
    /// As ``MapTarget/prescribedSize``.
    private let prescribedSize: ((Int) -> Int)?

    init<each Input>(
        _ column: repeat ColumnReader<each Input>, remaining: Int? = nil, prescribedSize: ((Int) -> Int)? = nil,
        submit: @escaping (repeat [each Input]) throws -> [MapPart]
    ) {
        let columns = (repeat each column)
        // Read, and refused by a full backlog.
        var held: Int?
        self.remaining = remaining
        self.prescribedSize = prescribedSize
        submitChunk = { chunkSize in
            // Without a sequence there are no elements, as with one that is empty.
            var count = held
            if count == nil {
                for column in repeat each columns { count = column.read(count ?? chunkSize) }
            }
            guard let count, count > 0 else { return [] }
            held = count
            let parts = try submit(repeat (each columns).elements(count))
            held = nil
            return parts
        }
    }

    /// Reads and submits the next elements; nothing at the end.
    ///
    /// - Throws: what submitting throws. After a ``BacklogFullError`` the same elements are submitted by the next call.
    func submitNext(_ sizer: ChunkSizer) throws -> [MapPart] {
        let size = sizer.next(remaining: remaining)
        let parts = try submitChunk(prescribedSize?(size) ?? size)
        if let remaining { self.remaining = remaining - parts.reduce(0) { $0 + $1.count } }
        return parts
    }
}
