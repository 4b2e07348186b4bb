// Maps over one sequence, as most are. In Swift 6.3 a parameter pack of sequences is not specialised, and reading it costs 100
// to 200 ns for each element; these are compiled where they are called, where reading takes a nanosecond or two.
extension Executor {
    /// Calls `callable` for each element of the sequence; results come in the order of the elements.
    ///
    /// As with several sequences.
    @inlinable @inline(__always)
    public func map<Output, Input, Source: Sequence<Input>>(
        _ callable: Callable<Output, Input>, _ sequence: Source, chunkSize: some ChunkSize = 1,
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> {
        try startMap(
            callable, ColumnReader(sequence), order: .ofInput, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls `callable` for each element, reading the sequence only as far ahead as `bufferSize` says; results come in the order
    /// of the elements.
    ///
    /// As with several sequences.
    @inlinable @inline(__always)
    public func map<Output, Input, Source: Sequence<Input>>(
        _ callable: Callable<Output, Input>, _ sequence: sending Source, chunkSize: some ChunkSize = 1,
        bufferSize: some BufferSize, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> {
        try startMap(
            callable, ColumnReader(sequence), order: .ofInput, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout, options: options)
    }

    /// Calls `callable` for each element of the sequence, with the results in the order in which they are there.
    ///
    /// As with several sequences.
    @inlinable @inline(__always)
    public func mapUnordered<Output, Input, Source: Sequence<Input>>(
        _ callable: Callable<Output, Input>, _ sequence: Source, chunkSize: some ChunkSize = 1,
        timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> {
        try startMap(
            callable, ColumnReader(sequence), order: .ofCompletion, chunkSize: chunkSize, bufferSize: nil,
            timeout: timeout, options: options)
    }

    /// Calls `callable` for each element, reading the sequence only as far ahead as `bufferSize` says, with the results in the
    /// order in which they are there.
    ///
    /// As with several sequences.
    @inlinable @inline(__always)
    public func mapUnordered<Output, Input, Source: Sequence<Input>>(
        _ callable: Callable<Output, Input>, _ sequence: sending Source, chunkSize: some ChunkSize = 1,
        bufferSize: some BufferSize, timeout: Duration? = nil, options: CallOptions = CallOptions()
    ) throws -> MapResults<Output> {
        try startMap(
            callable, ColumnReader(sequence), order: .ofCompletion, chunkSize: chunkSize, bufferSize: bufferSize,
            timeout: timeout, options: options)
    }
}
