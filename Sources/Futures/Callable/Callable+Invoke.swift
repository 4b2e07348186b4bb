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
    package func decodeColumns(count: Int, _ decoder: inout PayloadDecoder) throws -> (repeat [each Input]) {
        let columns = (repeat try decodeColumn(each code.inputs, count, &decoder))
        try decoder.finish()
        return columns
    }
}

private func decodeValue<T>(_ codec: ValueCodec<T>, _ decoder: inout PayloadDecoder) throws -> T {
    try codec.decode(from: &decoder)
}

private func decodeColumn<T>(_ codec: ValueCodec<T>, _ count: Int, _ decoder: inout PayloadDecoder) throws -> [T] {
    try codec.decodeColumn(count: count, from: &decoder)
}
