/// The rest of a map's asynchronous sequences.
///
/// `@unchecked Sendable`: made by `map`, used by the map's reading task alone, but for ``finish()``.
final class AsyncMapInput: @unchecked Sendable {
    /// Reads up to so many elements; false at the end. Only who reads has it: a sequence that waits, whatever happens, holds itself
    /// and nothing else.
    private var readChunk: ((Int) async throws -> Bool)?
    /// Submits what was read last; gone when nobody wants it any more.
    private let submission: Mutex<Submission?>

    init<each Input, each Source: AsyncSequence>(
        _ sequence: repeat each Source, prescribedSize: ((Int) -> Int)? = nil,
        submit: @escaping (repeat [each Input]) throws -> [MapPart]
    ) where repeat (each Source).Element == each Input {
        let columns = (repeat AsyncColumnReader(each sequence))
        let submission = Submission(prescribedSize) {
            // Named, since Swift 6.3.1 crashes on it as an argument.
            let pieces = (repeat (each columns).piece)
            let parts = try submit(repeat each pieces)
            for column in repeat each columns { column.piece = [] }
            return parts
        }
        self.submission = Mutex(submission)
        var hasSequence = false
        for _ in repeat each columns { hasSequence = true }
        var failure: (any Error)?
        readChunk = { [hasSequence] chunkSize in
            if let failure { throw failure }
            guard hasSequence else { return false }
            var count = 0
            do {
                while count < chunkSize {
                    // Row by row, so that all stop at the shortest.
                    for column in repeat each columns { try await column.read() }
                    for column in repeat each columns { column.keep() }
                    count += 1
                }
            } catch is EndOfSequence {
                if count == 0 { return false }
            } catch {
                // It comes at its position: after what was read before it.
                if count == 0 { throw error }
                failure = error
            }
            return true
        }
    }

    /// Reads the next elements; false at the end.
    ///
    /// - Throws: what a sequence throws.
    func readNext(_ sizer: ChunkSizer) async throws -> Bool {
        let size = sizer.next(remaining: nil)
        let prescribed = submission.withLock { $0 }?.prescribedSize?(size)
        return try await readChunk?(prescribed ?? size) ?? false
    }

    /// Submits what was read; nil when nobody wants it any more.
    ///
    /// - Throws: what submitting throws. After a ``BacklogFullError`` it can be called again.
    func submitNext() throws -> [MapPart]? {
        let submission = submission.withLock { $0 }
        return try submission?.submit()
    }

    /// Lets go of what the elements are submitted to: no more are wanted. Any thread, with no lock held.
    func finish() {
        let dropped = submission.withLock { submission in
            defer { submission = nil }
            return submission
        }
        withExtendedLifetime(dropped) {}
    }

    /// Lets go of the sequences, too: nothing is read any more. For who reads.
    func end() {
        readChunk = nil
        finish()
    }
}

/// What submits the elements that were read, and says how many are to be read.
///
/// `@unchecked Sendable`: called by the map's reading task alone.
private final class Submission: @unchecked Sendable {
    /// As ``MapTarget/prescribedSize``.
    let prescribedSize: ((Int) -> Int)?
    let submit: () throws -> [MapPart]

    init(_ prescribedSize: ((Int) -> Int)?, _ submit: @escaping () throws -> [MapPart]) {
        self.prescribedSize = prescribedSize
        self.submit = submit
    }
}

private struct EndOfSequence: Error {}

/// Reads one of a map's asynchronous sequences.
///
/// `@unchecked Sendable`: as ``AsyncMapInput``.
private final class AsyncColumnReader<Element>: @unchecked Sendable {
    private let nextElement: () async throws -> Element?
    private var element: Element?
    /// What was read and not submitted.
    var piece: [Element] = []

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
}
