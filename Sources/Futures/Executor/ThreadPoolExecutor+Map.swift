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
        let input = try mapInput(nil, body, repeat each sequence, chunkSize: chunkSize, bufferSize: nil)
        return try MapResults(input, bufferSize: nil, timeout: timeout)
    }

    /// Calls a closure for each element, reading the sequences only as far ahead as `bufferSize` says: for inputs that are
    /// endless, or larger than memory.
    ///
    /// At most `bufferSize` elements have been read and not been handed out as results at any time. The first are read and
    /// submitted at the call, the others as results are taken, in the thread that takes them. When submitting fails then,
    /// because the pool was shut down or is broken, the error comes after the results of what was submitted before.
    ///
    /// - Parameters:
    ///   - body: the closure, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: at least 1. Makes no difference on threads; it is there so that one executor can take another's place.
    ///   - bufferSize: how many elements are taken ahead of the consumer. At least 1; to keep all threads busy it takes a few
    ///     for each.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1, and what `submit` throws. What the calls
    ///   themselves throw comes with the results.
    public func map<Output: Sendable, each Input: Sendable, each Source: Sequence & Sendable>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat each Source,
        chunkSize: Int = 1, bufferSize: Int, timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        let input = try mapInput(nil, body, repeat each sequence, chunkSize: chunkSize, bufferSize: bufferSize)
        return try MapResults(input, bufferSize: bufferSize, timeout: timeout)
    }

    /// Calls `callable` for each element of the sequence, or for the elements of several sequences side by side; stops at
    /// the shortest.
    ///
    /// Parameters and errors are those of the `map` over a closure.
    public func map<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source, chunkSize: Int = 1,
        timeout: Duration? = nil
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        let input = try mapInput(callable, repeat each sequence, chunkSize: chunkSize, bufferSize: nil)
        return try MapResults(input, bufferSize: nil, timeout: timeout)
    }

    /// Calls `callable` for each element, reading the sequences only as far ahead as `bufferSize` says.
    ///
    /// Parameters and errors are those of the `map` with a buffer size over a closure.
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
        try mapInput(
            callable.name, { (argument: repeat each Input) in try callable.call(repeat each argument) },
            repeat each sequence, chunkSize: chunkSize, bufferSize: bufferSize)
    }

    private func mapInput<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ functionName: String?, _ body: @escaping @Sendable (repeat each Input) throws -> Output,
        _ sequence: repeat each Source, chunkSize: Int, bufferSize: Int?
    ) throws -> MapInput<Output> where repeat (each Source).Element == each Input {
        // Checked as given; an element is a task of its own here.
        try InvalidArgumentError.check("chunkSize", chunkSize)
        let readers = (repeat ElementReader(each sequence))
        // Without a sequence there are no elements, as with one that is empty.
        var hasSequence = false
        for _ in repeat each sequence { hasSequence = true }
        return try MapInput(chunkSize: 1, bufferSize: bufferSize) { [hasSequence] _ in
            guard hasSequence else { return [] }
            let arguments: (repeat each Input)
            do { arguments = (repeat try (each readers).next()) } catch { return [] }
            return [try self.submitElement(functionName, body, repeat each arguments)]
        }
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
