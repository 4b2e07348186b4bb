extension Executor {
    /// Calls the reduction's function for each element, and combines the results to one, chunk by chunk in the workers; blocks
    /// the thread until it is there.
    ///
    /// The sequences are read only as far ahead as `bufferSize` says.
    ///
    /// - Parameters:
    ///   - reduction: what is called and how results are combined.
    ///   - sequence: its arguments, side by side to the end of the shortest. Read from any thread: nobody else may use them
    ///     any more.
    ///   - inOrder: whether only neighbours are combined, the earlier one on the left. Without it partial results are combined
    ///     as they come, which needs a combining that is commutative, too, and does not wait for slow elements.
    ///   - chunkSize: how many elements one call in a worker gets, at least 1, or `.automatic`. One above
    ///     `bufferSize` counts as that.
    ///   - bufferSize: how much of the input is on its way to workers, or in them, at a time.
    ///   - timeout: how long after this call the result may be waited for; nil for no limit.
    ///   - options: of the calls, each of which has a chunk: so has a time limit.
    /// - Returns: the result; nil without elements.
    /// - Throws: the first error that an element or a combination threw, which ends the reduction, as do the others:
    ///   ``InvalidArgumentError`` for a `chunkSize` or `bufferSize` below 1; what `submit` throws; ``TimeoutError``. What has
    ///   not begun is cancelled. When a worker dies, its chunk is lost or run again as the pool's policy says of any call.
    @available(*, noasync, message: "this blocks the thread; use `await`")
    public func reduce<Output, each Input, each Source: Sequence>(
        _ reduction: Reduction<Output, repeat each Input>, _ sequence: repeat sending each Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> Output? where repeat (each Source).Element == each Input {
        try startReduction(
            reduction, repeat ColumnReader(each sequence), inOrder: inOrder, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options
        ).run()
    }

    /// Calls the reduction's function for each element, and combines the results to one, chunk by chunk in the workers.
    ///
    /// As the blocking form.
    ///
    /// - Throws: `CancellationError`, too, if the task is cancelled.
    nonisolated(nonsending) public func reduce<Output, each Input, each Source: Sequence>(
        _ reduction: Reduction<Output, repeat each Input>, _ sequence: repeat sending each Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Output? where repeat (each Source).Element == each Input {
        try await startReduction(
            reduction, repeat ColumnReader(each sequence), inOrder: inOrder, chunkSize: chunkSize,
            bufferSize: bufferSize, timeout: timeout, options: options
        ).run()
    }

    /// Reduces the elements of asynchronous sequences, which a task reads; blocks the thread until the result is there.
    ///
    /// As with ordinary sequences.
    ///
    /// - Throws: what a sequence throws, too.
    @available(*, noasync, message: "this blocks the thread; use `await`")
    public func reduce<Output, each Input, each Source: AsyncSequence>(
        _ reduction: Reduction<Output, repeat each Input>, _ sequence: repeat sending each Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> Output? where repeat (each Source).Element == each Input {
        try reduction.begin(on: self, options) { target in
            try target.cursor(
                asynchronous: repeat each sequence, order: inOrder ? .ofInput : .ofCompletion, chunkSize: chunkSize,
                bufferSize: bufferSize, timeout: timeout)
        }.run()
    }

    /// Reduces the elements of asynchronous sequences, which a task reads.
    ///
    /// As with ordinary sequences.
    ///
    /// - Throws: what a sequence throws, too; `CancellationError` if the task is cancelled.
    nonisolated(nonsending) public func reduce<Output, each Input, each Source: AsyncSequence>(
        _ reduction: Reduction<Output, repeat each Input>, _ sequence: repeat sending each Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Output? where repeat (each Source).Element == each Input {
        try await reduction.begin(on: self, options) { target in
            try target.cursor(
                asynchronous: repeat each sequence, order: inOrder ? .ofInput : .ofCompletion, chunkSize: chunkSize,
                bufferSize: bufferSize, timeout: timeout)
        }.run()
    }
}

// Over one sequence: compiled where they are called, as such maps are.
extension Executor {
    /// Calls the reduction's function for each element, and combines the results to one; blocks the thread until it is there.
    ///
    /// As with several sequences.
    @available(*, noasync, message: "this blocks the thread; use `await`")
    @inlinable @inline(__always)
    public func reduce<Output, Input, Source: Sequence<Input>>(
        _ reduction: Reduction<Output, Input>, _ sequence: sending Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> Output? {
        try startReduction(
            reduction, ColumnReader(sequence), inOrder: inOrder, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout, options: options
        ).run()
    }

    /// Calls the reduction's function for each element, and combines the results to one.
    ///
    /// As with several sequences.
    @inlinable @inline(__always)
    nonisolated(nonsending) public func reduce<Output, Input, Source: Sequence<Input>>(
        _ reduction: Reduction<Output, Input>, _ sequence: sending Source,
        inOrder: Bool = true, chunkSize: some ChunkSize = .automatic, bufferSize: some BufferSize = .bytes(64 << 20),
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws -> Output? {
        try await startReduction(
            reduction, ColumnReader(sequence), inOrder: inOrder, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout, options: options
        ).run()
    }
}

extension Executor {
    @usableFromInline
    func startReduction<Output, each Input>(
        _ reduction: Reduction<Output, repeat each Input>, _ column: repeat ColumnReader<each Input>, inOrder: Bool,
        chunkSize: some ChunkSize, bufferSize: some BufferSize, timeout: Duration?, options: CallOptions
    ) throws -> RunningReduction<Output> {
        try reduction.begin(on: self, options) { target in
            try target.cursor(
                repeat each column, order: inOrder ? .ofInput : .ofCompletion, chunkSize: chunkSize,
                bufferSize: bufferSize, timeout: timeout)
        }
    }
}
