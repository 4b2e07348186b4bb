internal import CProto

extension Reduction {
    /// Begins a reduction: as closures on an executor that runs them in this process, elsewhere as calls.
    ///
    /// - Parameter start: gives the elements to the target.
    func begin(
        on executor: any Executor, _ options: CallOptions,
        _ start: (MapTarget<Output, repeat each Input>) throws -> MapCursor
    ) throws -> RunningReduction<Output> {
        // Combinations make room for what waits.
        let combining = options.before
        // A journal does not keep it.
        let executor = (executor as? JournaledExecutor)?.executor ?? executor
        if let executor = executor as? any LocalExecutor {
            return try begin(inside: executor, options, combining, start)
        }
        let target = MapTarget<Output, repeat each Input>(
            submit: try submission(to: executor, options), takesChunks: true,
            countsBytes: executor is ProcessPoolExecutor, workers: executor.maxWorkersOfMaps,
            resultType: ReductionPartType<EncodedPartial<Output>>())
        let output = code.output
        return RunningReductionOf(
            try start(target), on: executor,
            combine: { [combination] in try executor.submit(combination, $0, options: combining) },
            value: { [name] partial in
                do {
                    return try partial.value(output)
                } catch {
                    throw TransportError(.decodingResult, functionName: name, cause: error)
                }
            })
    }

    /// How chunks are submitted; by a process pool so that it is known how many bytes they have.
    ///
    /// - Throws: ``CallableError`` if the pool does not know the function; ``InvalidArgumentError`` for wrong options.
    private func submission(
        to executor: any Executor, _ options: CallOptions
    ) throws -> (Bool, repeat [each Input]) throws -> [MapPart] {
        let chunk = chunk
        guard let pool = executor as? ProcessPoolExecutor else {
            return { (_: Bool, column: repeat [each Input]) in
                let future = try executor.submit(chunk, repeat each column, options: options)
                return [MapPart(partial: future, count: countOf(repeat each column), argumentBytes: 0)]
            }
        }
        let function = try pool.functions.find(chunk.name, chunk.signature)
        _ = try options.limits(pool.driver.taskLimits)
        return { (isPromised: Bool, column: repeat [each Input]) in
            let (future, bytes) = try pool.submit(
                chunk, function, options, isPromised: isPromised, repeat each column)
            return [MapPart(partial: future, count: countOf(repeat each column), argumentBytes: bytes)]
        }
    }

    private func begin(
        inside executor: any LocalExecutor, _ options: CallOptions, _ combining: CallOptions,
        _ start: (MapTarget<Output, repeat each Input>) throws -> MapCursor
    ) throws -> RunningReduction<Output> {
        let (name, code) = (name, code)
        let target = MapTarget<Output, repeat each Input>(
            submit: { (_: Bool, column: repeat [each Input]) in
                let future = try executor.submit(name: name, options: options) {
                    let start = futures_monotonic_nanoseconds()
                    let value = try code.fold(repeat each column)
                    return LocalPartial(value: value, runTime: futures_monotonic_nanoseconds() - start)
                }
                return [MapPart(partial: future, count: countOf(repeat each column), argumentBytes: 0)]
            }, takesChunks: true, countsBytes: false, workers: executor.maxWorkersOfMaps,
            resultType: ReductionPartType<LocalPartial<Output>>())
        return RunningReductionOf(
            try start(target), on: executor,
            combine: { partials in
                try executor.submit(name: name, options: combining) {
                    LocalPartial(value: try code.combine(partials.map { $0.value }), runTime: 0)
                }
            }, value: { $0.value })
    }
}

extension CallOptions {
    /// For calls that begin before those with these.
    fileprivate var before: CallOptions {
        var options = self
        options.priority += priority < .max ? 1 : 0
        return options
    }
}

private func countOf<each Input>(_ column: repeat [each Input]) -> Int {
    var count = 0
    for elements in repeat each column { count = elements.count }
    return count
}

extension Executor {
    /// How many calls it runs at the same time, as far as is known.
    fileprivate var maxWorkersOfMaps: Int {
        (self as? ProcessPoolExecutor)?.maxWorkers ?? (self as? ThreadPoolExecutor)?.maxWorkers ?? 1
    }
}
