extension LocalExecutor {
    /// Calls a closure for each element of the sequence, or for the elements of several sequences side by side; stops at the
    /// shortest.
    ///
    /// The sequences are read, and everything is submitted, at the call. Results come in the order of the elements.
    ///
    /// - Parameters:
    ///   - body: the function, with one parameter for each sequence.
    ///   - sequence: its arguments.
    ///   - chunkSize: at least 1, or `.automatic`. Makes no difference: each element is a call of its own.
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` below 1, and what `submit` throws. What the calls themselves throw
    ///   comes with the results.
    public func map<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat each Source,
        chunkSize: some ChunkSize = 1, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            body, repeat ColumnReader(each sequence), order: .ofInput, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls a closure for each element, reading the sequences only as far ahead as `bufferSize` says: for inputs that are
    /// endless, or larger than memory. Results come in the order of the elements.
    ///
    /// At most `bufferSize` elements have been read and not been handed out as results at any time. The first are read and
    /// submitted at the call, the others as results are taken, in the thread that takes them. When submitting fails then,
    /// because the pool was shut down or is broken, the error comes after the results of what was submitted before. While
    /// the executor's backlog is full it waits.
    ///
    /// - Parameters:
    ///   - body: the function, with one parameter for each sequence.
    ///   - sequence: its arguments. The map reads them from any thread: nobody else may use them any more.
    ///   - chunkSize: at least 1, or `.automatic`. Makes no difference: each element is a call of its own.
    ///   - bufferSize: how many elements are taken ahead of the consumer, at least 1; to keep all threads busy it takes a few for
    ///     each. Bytes mean a number of elements here (``BufferSize/bytes(_:)``).
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1, and what `submit` throws. What the calls
    ///   themselves throw comes with the results.
    public func map<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            body, repeat ColumnReader(each sequence), order: .ofInput, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options)
    }

    /// Calls a closure for each element of asynchronous sequences, side by side, reading only as far ahead as `bufferSize` says.
    /// Results come in the order of the elements.
    ///
    /// A task reads the sequences and submits, beginning at the call, until they end, one of them throws, or nobody holds the
    /// results any more. An error that a sequence throws comes after the results of what was read before it, and ends them;
    /// the executor stays usable.
    ///
    /// - Parameters:
    ///   - body: the function, with one parameter for each sequence.
    ///   - sequence: its arguments. The map reads them from any thread: nobody else may use them any more.
    ///   - chunkSize: at least 1, or `.automatic`. Makes no difference: each element is a call of its own.
    ///   - bufferSize: how many elements are taken ahead of the consumer, at least 1; to keep all threads busy it takes a few for
    ///     each. Bytes mean a number of elements here (``BufferSize/bytes(_:)``).
    ///   - timeout: how long after this call results may be waited for; nil for no limit.
    ///   - options: for each of the calls.
    /// - Throws: ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1. What submitting and the calls themselves
    ///   throw comes with the results.
    public func map<Output: Sendable, each Input: Sendable, each Source: AsyncSequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try mapTarget(for: body, options).map(
            asynchronous: repeat each sequence, order: .ofInput, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout)
    }
}

// MARK: - In the order of completion

extension LocalExecutor {
    /// Calls a closure for each element, with the results in the order in which they are there.
    ///
    /// ```swift
    /// for try await page in try pool.mapUnordered(load, numbers) { ... }
    /// ```
    ///
    /// Everything else, parameters and errors too, is as with `map`.
    public func mapUnordered<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat each Source,
        chunkSize: some ChunkSize = 1, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            body, repeat ColumnReader(each sequence), order: .ofCompletion, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls a closure for each element, reading the sequences only as far ahead as `bufferSize` says, with the results in the
    /// order in which they are there.
    ///
    /// Everything else, parameters and errors too, is as with `map`. What was read ahead counts until it is handed out: an
    /// element that takes long keeps its place in the buffer, the others go on.
    public func mapUnordered<Output: Sendable, each Input: Sendable, each Source: Sequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try startMap(
            body, repeat ColumnReader(each sequence), order: .ofCompletion, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options)
    }

    /// Calls a closure for each element of asynchronous sequences, reading only as far ahead as `bufferSize` says, with the
    /// results in the order in which they are there.
    ///
    /// Everything else, parameters and errors too, is as with `map`. An error that a sequence throws comes last.
    public func mapUnordered<Output: Sendable, each Input: Sendable, each Source: AsyncSequence>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ sequence: repeat sending each Source,
        chunkSize: some ChunkSize = 1, bufferSize: some BufferSize, timeout: Duration? = nil,
        options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        try mapTarget(for: body, options).map(
            asynchronous: repeat each sequence, order: .ofCompletion, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout)
    }
}

extension LocalExecutor {
    private func startMap<Output: Sendable, each Input: Sendable>(
        _ body: @escaping @Sendable (repeat each Input) throws -> Output, _ column: repeat ColumnReader<each Input>,
        order: MapOrder, chunkSize: some ChunkSize, bufferSize: (any BufferSize)?, timeout: Duration?,
        options: CallOptions
    ) throws -> MapResults<Output> {
        try mapTarget(for: body, options).map(
            repeat each column, order: order, chunkSize: chunkSize, bufferSize: bufferSize, timeout: timeout)
    }

    private func mapTarget<Output: Sendable, each Input: Sendable>(
        for body: @escaping @Sendable (repeat each Input) throws -> Output, _ options: CallOptions
    ) -> MapTarget<Output, repeat each Input> {
        mapTarget(name: nil, options, body)
    }

    /// Each element is a call of its own.
    func mapTarget<Output: Sendable, each Input: Sendable>(
        name: String?, _ options: CallOptions, _ body: @escaping @Sendable (repeat each Input) throws -> Output
    ) -> MapTarget<Output, repeat each Input> {
        MapTarget(
            submit: { (_: Bool, column: repeat [each Input]) in
                try self.submitElements(repeat each column) { (argument: repeat each Input) in
                    try self.submit(name: name, options: options) { try body(repeat each argument) }
                }
            }, takesChunks: false, workers: (self as? ThreadPoolExecutor)?.maxWorkers ?? 1)
    }
}
