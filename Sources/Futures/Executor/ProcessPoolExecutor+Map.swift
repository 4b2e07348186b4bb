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
        let input = try mapInput(callable, repeat each sequence, chunkSize: chunkSize, bufferSize: nil)
        return try MapResults(input, bufferSize: nil, timeout: timeout)
    }

    /// Calls `callable` for each element, reading the sequences only as far ahead as `bufferSize` says: for inputs that
    /// are endless, or larger than memory.
    ///
    /// At most `bufferSize` elements have been read and not been handed out as results at any time. The first are read and
    /// submitted at the call, the others as results are taken, in the thread that takes them. When submitting fails then,
    /// because the pool was shut down or is broken, the error comes after the results of what was submitted before.
    ///
    /// ```swift
    /// for try await count in try pool.map(countWords, chunksOfLines, bufferSize: 2 * pool.maxWorkers) { ... }
    /// ```
    ///
    /// - Parameters:
    ///   - callable: the function, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: how many elements go to a worker in one message; no more than `bufferSize` do. At least 1.
    ///   - bufferSize: how many elements are taken ahead of the consumer. At least 1; to keep all workers busy it takes a
    ///     few chunks for each.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1, and what ``submit(_:_:)`` throws. What
    ///   the calls themselves throw comes with the results.
    public func map<Output, each Input, each Source: Sequence & Sendable>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source, chunkSize: Int = 1,
        bufferSize: Int, timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        let input = try mapInput(callable, repeat each sequence, chunkSize: chunkSize, bufferSize: bufferSize)
        return try MapResults(input, bufferSize: bufferSize, timeout: timeout)
    }

    private func mapInput<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source, chunkSize: Int,
        bufferSize: Int?
    ) throws -> MapInput<Output> where repeat (each Source).Element == each Input {
        let function = try functions.find(callable.name, callable.signature)
        let columns = (repeat ColumnReader(each sequence))
        return try MapInput(chunkSize: chunkSize, bufferSize: bufferSize) { chunkSize in
            // Without a sequence there are no elements, as with one that is empty.
            var count: Int?
            for column in repeat each columns { count = column.read(count ?? min(chunkSize, Int(UInt32.max))) }
            var chunks: [MapChunk<Output>] = []
            guard let count, count > 0 else { return chunks }
            do {
                try self.submitChunk(callable, function, 0..<count, to: &chunks, repeat each columns)
            } catch {
                // Not by a key path: within these parameter packs Swift 6.3.1 cannot demangle its type, and traps.
                AnyFuture.cancelAll(chunks.lazy.map { $0.future })
                throw error
            }
            return chunks
        }
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
            payload = try callable.encodeColumns(repeat (each column).elements(range)).compressed(
                by: driver.compression)
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
