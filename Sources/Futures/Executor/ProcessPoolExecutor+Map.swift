import Wire

extension ProcessPoolExecutor {
    /// Calls `callable` for each element of the sequence, or for the elements of several sequences side by side; stops at
    /// the shortest.
    ///
    /// ```swift
    /// for try await prime in try pool.map(isPrime, numbers, chunkSize: 100) { ... }
    /// ```
    ///
    /// The sequences are read, and everything is submitted, at the call. Results come in the order of the elements,
    /// whichever is ready first.
    ///
    /// - Parameters:
    ///   - callable: the function, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: how many elements go to a worker in one message. A larger number costs less per element; with a
    ///     smaller one the workers finish together. At least 1.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` below 1, and what ``submit(_:_:)`` throws. What the calls
    ///   themselves throw comes with the results.
    public func map<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source, chunkSize: Int = 1,
        timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try InvalidArgumentError.check("chunkSize", chunkSize)
        let function = try functions.find(callable.name, callable.signature)
        let deadline = Deadline(after: timeout)
        var chunks: [MapChunk<Output>] = []
        let columns = (repeat ColumnReader(each sequence))
        do {
            while true {
                var count = min(chunkSize, Int(UInt32.max))
                for column in repeat each columns { count = column.read(count) }
                guard count > 0 else { break }
                try submitChunk(callable, function, 0..<count, to: &chunks, repeat each columns)
            }
        } catch {
            for chunk in chunks { chunk.future.cancel() }
            throw error
        }
        return MapResults(chunks, deadline: deadline, timeout: timeout)
    }

    /// Submits the elements of a chunk in one message, or, when they do not encode, in smaller ones: the element at fault
    /// then fails alone, at its position.
    private func submitChunk<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ function: PoolFunction, _ range: Range<Int>,
        to chunks: inout [MapChunk<Output>], _ column: repeat ColumnReader<each Input>
    ) throws {
        let future = Future<ChunkOutcome<Output>>(owner: nil, ticket: 0, functionName: callable.name)
        let payload: Payload
        do {
            payload = try callable.encodeColumns(repeat (each column).elements(range))
        } catch {
            if range.count > 1 {
                for index in range {
                    try submitChunk(callable, function, index..<index + 1, to: &chunks, repeat each column)
                }
            } else {
                future.fail(TransportError(.encodingArguments, functionName: callable.name, cause: error))
                chunks.append(MapChunk(future: future, count: range.count))
            }
            return
        }
        try driver.submit(
            ChunkJob(
                function: function, payload: payload, count: range.count, output: callable.output,
                errors: callable.errors, future: future))
        chunks.append(MapChunk(future: future, count: range.count))
    }
}

/// Reads one of a map's sequences in pieces.
private final class ColumnReader<Element> {
    private let nextPiece: (Int) -> [Element]
    private var piece: [Element] = []

    init<Source: Sequence>(_ source: Source) where Source.Element == Element {
        var iterator = source.makeIterator()
        nextPiece = { count in
            var piece: [Element] = []
            piece.reserveCapacity(min(count, 4096))
            while piece.count < count, let element = iterator.next() { piece.append(element) }
            return piece
        }
    }

    /// Reads up to `count` elements; returns how many there were.
    func read(_ count: Int) -> Int {
        piece = nextPiece(count)
        return piece.count
    }

    func elements(_ range: Range<Int>) -> [Element] {
        range == piece.indices ? piece : Array(piece[range])
    }
}
