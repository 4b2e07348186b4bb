/// The rest of a map's asynchronous sequences.
///
/// `@unchecked Sendable`: made by `map`, used by the map's reading task alone.
final class AsyncMapInput: @unchecked Sendable {
    /// Reads up to so many elements and gives what submits them; nil at the end.
    private var readChunk: ((Int) async throws -> (() throws -> [MapPart])?)?
    /// As ``MapTarget/prescribedSize``.
    private let prescribedSize: ((Int) -> Int)?

    init<each Input, each Source: AsyncSequence>(
        _ sequence: repeat each Source, prescribedSize: ((Int) -> Int)? = nil,
        submit: @escaping (repeat [each Input]) throws -> [MapPart]
    ) where repeat (each Source).Element == each Input {
        let columns = (repeat AsyncColumnReader(each sequence))
        self.prescribedSize = prescribedSize
        var hasSequence = false
        for _ in repeat each columns { hasSequence = true }
        var failure: (any Error)?
        readChunk = { [hasSequence] chunkSize in
            if let failure { throw failure }
            guard hasSequence else { return nil }
            var count = 0
            do {
                while count < chunkSize {
                    // Row by row, so that all stop at the shortest.
                    for column in repeat each columns { try await column.read() }
                    for column in repeat each columns { column.keep() }
                    count += 1
                }
            } catch is EndOfSequence {
                if count == 0 { return nil }
            } catch {
                // It comes at its position: after what was read before it.
                if count == 0 { throw error }
                failure = error
            }
            let pieces = (repeat (each columns).takePiece())
            return { try submit(repeat each pieces) }
        }
    }

    /// Reads the next elements, and gives what submits them; nil at the end.
    ///
    /// - Throws: what a sequence throws.
    func readNext(_ sizer: ChunkSizer) async throws -> (() throws -> [MapPart])? {
        let size = sizer.next(remaining: nil)
        return try await readChunk?(prescribedSize?(size) ?? size)
    }

    /// Lets go of the sequences and of what they are submitted to; nothing is read any more.
    func finish() { readChunk = nil }
}

private struct EndOfSequence: Error {}

/// Reads one of a map's asynchronous sequences.
///
/// `@unchecked Sendable`: as ``AsyncMapInput``.
private final class AsyncColumnReader<Element>: @unchecked Sendable {
    private let nextElement: () async throws -> Element?
    private var element: Element?
    private var piece: [Element] = []

    init<Source: AsyncSequence>(_ source: Source) where Source.Element == Element {
        var iterator = source.makeAsyncIterator()
        nextElement = { try await iterator.next() }
    }

    func read() async throws {
        element = try await nextElement()
        if element == nil { throw EndOfSequence() }
    }

    /// All sequences had an element: this one counts.
    func keep() {
        if let element { piece.append(element) }
        element = nil
    }

    func takePiece() -> [Element] {
        defer { piece = [] }
        return piece
    }
}
