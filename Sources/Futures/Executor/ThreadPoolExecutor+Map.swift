extension ThreadPoolExecutor {
    /// Calls a closure for each element of the sequence, or for the elements of several sequences side by side; stops at
    /// the shortest.
    ///
    /// The sequences are read, and everything is submitted, at the call. Results come in the order of the elements,
    /// whichever is ready first.
    ///
    /// - Parameters:
    ///   - body: the closure, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: at least 1. Makes no difference on threads; it is there so that one executor can take another's place.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` below 1, and what `submit` throws. What the calls themselves throw
    ///   comes with the results.
    public func map<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat each Source,
        chunkSize: Int = 1, timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try map(functionName: nil, body, repeat each sequence, chunkSize: chunkSize, timeout: timeout)
    }

    /// Calls `callable` for each element of the sequence, or for the elements of several sequences side by side; stops at
    /// the shortest.
    ///
    /// Parameters and errors are those of the `map` over a closure.
    public func map<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source, chunkSize: Int = 1,
        timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try map(
            functionName: callable.name, { (argument: repeat each Input) in try callable.call(repeat each argument) },
            repeat each sequence, chunkSize: chunkSize, timeout: timeout)
    }

    private func map<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        functionName: String?, _ body: @escaping @Sendable (repeat each Input) throws -> Output,
        _ sequence: repeat each Source, chunkSize: Int, timeout: Duration?
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try InvalidArgumentError.check("chunkSize", chunkSize)
        let deadline = Deadline(after: timeout)
        let readers = (repeat ElementReader(each sequence))
        var chunks: [MapChunk<Output>] = []
        do {
            while true {
                let arguments: (repeat each Input)
                do { arguments = (repeat try (each readers).next()) } catch { break }
                chunks.append(try submitElement(functionName, body, repeat each arguments))
            }
        } catch {
            for chunk in chunks { chunk.future.cancel() }
            throw error
        }
        return MapResults(chunks, deadline: deadline, timeout: timeout)
    }

    private func submitElement<Output: Sendable, each Input: Sendable>(
        _ functionName: String?, _ body: @escaping @Sendable (repeat each Input) throws -> Output,
        _ argument: repeat each Input
    ) throws -> MapChunk<Output> {
        let future = Future<ChunkOutcome<Output>>(owner: nil, ticket: 0, functionName: functionName)
        try submit(future) { ChunkOutcome(values: [try body(repeat each argument)], failures: []) }
        return MapChunk(future: future, count: 1)
    }
}

private struct EndOfSequence: Error {}

/// Reads a sequence whose iterator's type does not matter.
private final class ElementReader<Element> {
    private let nextElement: () -> Element?

    init<Source: Sequence>(_ source: Source) where Source.Element == Element {
        var iterator = source.makeIterator()
        nextElement = { iterator.next() }
    }

    func next() throws(EndOfSequence) -> Element {
        guard let element = nextElement() else { throw EndOfSequence() }
        return element
    }
}
