extension Executor {
    /// Calls `callable` for each element of the sequence, or for the elements of several sequences side by side; stops at the
    /// shortest.
    ///
    /// ```swift
    /// for try await prime in try pool.map(isPrime, numbers, chunkSize: 100) { ... }
    /// ```
    ///
    /// The sequences are read, and everything is submitted, at the call; on a process pool with an automatic chunk size
    /// everything is read at the call, and submitted as the workers get on. Results come in the order of the elements.
    ///
    /// An element fails for itself, also within a chunk: with what the function throws for it, a ``TransportError`` when it does
    /// not travel, or what the loss of its worker comes to (``WorkerLossPolicy``; by default all of the pool's calls fail).
    ///
    /// - Parameters:
    ///   - callable: the function, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: how many elements go to a worker process in one message, at least 1, or `.automatic`. A larger number
    ///     costs less per element; with a smaller one the workers finish together. Makes no difference on threads.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` below 1, and what `submit` throws. What the calls themselves throw
    ///   comes with the results.
    public func map<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source,
        chunkSize: some ChunkSize = 1, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            callable, repeat ColumnReader(each sequence), order: .ofInput, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls `callable` for each element, reading the sequences only as far ahead as `bufferSize` says: for inputs that are
    /// endless, or larger than memory. Results come in the order of the elements.
    ///
    /// At most `bufferSize` elements have been read and not been handed out as results at any time. The first are read and
    /// submitted at the call, the others as results are taken, in the thread that takes them. When submitting fails then,
    /// because the pool was shut down or is broken, the error comes after the results of what was submitted before. While
    /// the executor's backlog is full it waits.
    ///
    /// - Parameters:
    ///   - callable: the function, with one parameter for each sequence.
    ///   - sequence: its arguments. The map reads them from any thread: nobody else may use them any more.
    ///   - chunkSize: how many elements go to a worker process in one message, at least 1, or `.automatic`. One above
    ///     `bufferSize` counts as that. Makes no difference on threads.
    ///   - bufferSize: how many elements are taken ahead of the consumer, at least 1, or how many bytes (``BufferSize``). To
    ///     keep all workers busy it takes a few chunks for each.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1, and what `submit` throws. What the calls
    ///   themselves throw comes with the results.
    public func map<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            callable, repeat ColumnReader(each sequence), order: .ofInput, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options)
    }

    /// Calls `callable` for each element of asynchronous sequences, side by side, reading only as far ahead as `bufferSize` says.
    /// Results come in the order of the elements.
    ///
    /// A task reads the sequences and submits, beginning at the call, until they end, one of them throws, or nobody holds the
    /// results any more. An error that a sequence throws comes after the results of what was read before it, and ends them;
    /// the executor stays usable.
    ///
    /// - Parameters:
    ///   - callable: the function, with one parameter for each sequence.
    ///   - sequence: its arguments. The map reads them from any thread: nobody else may use them any more.
    ///   - chunkSize: how many elements go to a worker process in one message, at least 1, or `.automatic`. One above
    ///     `bufferSize` counts as that. A chunk is sent when it is full, or at the end. Makes no difference on threads.
    ///   - bufferSize: how many elements are taken ahead of the consumer, at least 1, or how many bytes (``BufferSize``). To
    ///     keep all workers busy it takes a few chunks for each.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1; ``CallableError`` when the executor does
    ///   not know the function. What submitting and the calls themselves throw comes with the results.
    public func map<Output, each Input, each Source: AsyncSequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try mapTarget(for: callable, options).map(
            asynchronous: repeat each sequence, order: .ofInput, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout)
    }
}

// MARK: - In the order of completion

extension Executor {
    /// Calls `callable` for each element, with the results in the order in which they are there.
    ///
    /// ```swift
    /// for try await prime in try pool.mapUnordered(isPrime, numbers) { ... }
    /// ```
    ///
    /// Everything else, parameters and errors too, is as with `map`.
    public func mapUnordered<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat each Source,
        chunkSize: some ChunkSize = 1, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            callable, repeat ColumnReader(each sequence), order: .ofCompletion, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls `callable` for each element, reading the sequences only as far ahead as `bufferSize` says, with the results in the
    /// order in which they are there.
    ///
    /// Everything else, parameters and errors too, is as with `map`. What was read ahead counts until it is handed out: an
    /// element that takes long keeps its place in the buffer, the others go on.
    public func mapUnordered<Output, each Input, each Source: Sequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            callable, repeat ColumnReader(each sequence), order: .ofCompletion, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options)
    }

    /// Calls `callable` for each element of asynchronous sequences, reading only as far ahead as `bufferSize` says, with the
    /// results in the order in which they are there.
    ///
    /// Everything else, parameters and errors too, is as with `map`. An error that a sequence throws comes last.
    public func mapUnordered<Output, each Input, each Source: AsyncSequence>(
        _ callable: Callable<Output, repeat each Input>, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try mapTarget(for: callable, options).map(
            asynchronous: repeat each sequence, order: .ofCompletion, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout)
    }
}

extension Executor {
    @usableFromInline
    func startMap<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ column: repeat ColumnReader<each Input>, order: MapOrder,
        chunkSize: some ChunkSize, bufferSize: (any BufferSize)?, timeout: Duration?, options: CallOptions
    ) throws -> MapResults<Output> {
        try mapTarget(for: callable, options).map(
            repeat each column, order: order, chunkSize: chunkSize, bufferSize: bufferSize, timeout: timeout)
    }
}
