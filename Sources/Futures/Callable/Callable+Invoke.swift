import Wire

extension Callable {
    /// Runs the body in this process, on this thread.
    ///
    /// - Throws: what the body throws; ``CallableError/external(name:)`` if the code is not in this process.
    package func call(_ argument: repeat each Input) throws -> Output {
        if let function = code.body.synchronous { return try function(repeat each argument) }
        guard let function = code.body.asynchronous else { throw CallableError.external(name: name) }
        return try InlineTaskExecutor().run { try await function(repeat each argument) }
    }

    /// Decodes one value for each argument; that there are more is an error, too.
    package func decodeArguments(_ decoder: inout PayloadDecoder) throws -> (repeat each Input) {
        let arguments = (repeat try decodeValue(each code.inputs, &decoder))
        try decoder.finish()
        return arguments
    }

    /// Decodes one column for each argument; that there are more is an error, too.
    ///
    /// - Parameter undecoded: gets the elements of which an argument could not be decoded. What the columns have in their
    ///   places is not to be used.
    /// - Throws: for what is no column, and for one of which nothing could be decoded: to say so once says more than a
    ///   message of so many errors has room for.
    func decodeColumns(
        count: Int, _ decoder: inout PayloadDecoder, undecoded: inout [Int: any Error]
    ) throws -> (repeat [each Input]) {
        let columns = (repeat try decodeColumn(each code.inputs, count, &decoder, &undecoded))
        try decoder.finish()
        return columns
    }
}

private func decodeValue<T>(_ codec: ValueCodec<T>, _ decoder: inout PayloadDecoder) throws -> T {
    try codec.decode(from: &decoder)
}

private func decodeColumn<T>(
    _ codec: ValueCodec<T>, _ count: Int, _ decoder: inout PayloadDecoder, _ undecoded: inout [Int: any Error]
) throws -> [T] {
    var failures: [ColumnFailure] = []
    let values = try codec.decodeColumn(count: count, from: &decoder, failures: &failures)
    guard !failures.isEmpty else { return values }
    // The first argument that fails is the one that a call of its own would have told of.
    for failure in failures where undecoded[failure.index] == nil { undecoded[failure.index] = failure.error }
    guard let placeholder = values.first else { throw failures[0].error }
    var column: [T] = []
    column.reserveCapacity(count)
    var rest = values[...]
    let missing = Set(failures.map(\.index))
    for index in 0..<count { column.append(missing.contains(index) ? placeholder : rest.removeFirst()) }
    return column
}
