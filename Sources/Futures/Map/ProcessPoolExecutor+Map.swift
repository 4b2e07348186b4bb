import Wire

extension ProcessPoolExecutor {
    func mapTarget<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ options: CallOptions
    ) throws -> MapTarget<Output, repeat each Input> {
        let function = try functions.find(callable.name, callable.signature)
        _ = try options.limits(driver.taskLimits)
        return MapTarget(
            submit: { (isPromised: Bool, column: repeat [each Input]) in
                try self.submitChunk(callable, function, options, isPromised: isPromised, repeat each column)
            }, promise: driver.promise, takesChunks: true, workers: maxWorkers,
            look: { [weak driver] in driver?.look() ?? [] })
    }

    /// Submits the elements of a chunk in one message, or, when they do not encode, one by one: the element at fault then
    /// fails alone, at its position.
    private func submitChunk<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ function: PoolFunction, _ options: CallOptions,
        isPromised: Bool, _ column: repeat [each Input]
    ) throws -> [MapPart] {
        var count = 0
        for elements in repeat each column { count = elements.count }
        let payload: Payload
        let shared: [SharedSegment]
        do {
            let use = SharedUse.begin()
            defer { use?.end() }
            payload = driver.compressions.compressed(try callable.code.encodeColumns(repeat each column))
            shared = use?.segments ?? []
        } catch {
            // The first finds room, or none does: what is refused in the middle would be submitted, and run, once more.
            let promise = isPromised ? nil : try driver.promise()
            var isPromised = isPromised
            return try withExtendedLifetime(promise) {
                try submitElements(repeat each column) { (argument: repeat each Input) in
                    let submitted = try self.submit(
                        callable, function, options, isPromised: isPromised, repeat each argument)
                    isPromised = true
                    return submitted.future
                }
            }
        }
        let size = payload.bytes.count
        let future = Future<ChunkOutcome<Output>>(owner: nil, ticket: 0, functionName: callable.name)
        future.hold(shared)
        try driver.submit(
            ChunkJob(
                function: function, payload: payload, limits: try options.limits(driver.taskLimits), count: count,
                output: callable.code.output, errors: callable.errors,
                future: future), priority: options.priority, isPromised: isPromised)
        return [MapPart(chunk: future, count: count, argumentBytes: size)]
    }
}
