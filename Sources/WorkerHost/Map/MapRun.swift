import Futures
import Glibc

/// One run of `worker-host map`, with everything checked and opened.
struct MapRun {
    /// Of the pool, with a journal if there is one.
    let executor: any Executor
    let function: MapFunction
    let argument: String?
    let inputs: MapInputs
    let isOrdered: Bool
    let chunkSize: any ChunkSize
    let bufferBytes: Int
    let policy: FailurePolicy
    /// Nil where only a sum is wanted.
    let output: RecordOutput?
    let interruption: Interruption
    let bar: ProgressBar?
    let recording: RunRecording

    /// Whether the records of what is on its way are kept.
    private var keepsRecords: Bool {
        if case .collect = policy { return true }
        return false
    }

    struct Outcome {
        var done = 0
        var failed = 0
        var wasStopped = false
        /// Column by column; nothing where there was no number.
        var sum: [ShellNumber] = []

        /// As it is written.
        var sumText: String { sum.isEmpty ? "0" : sum.map { "\($0)" }.joined(separator: " ") }
    }

    /// - Throws: ``InputError``, ``OutputError``, and what breaks a pool.
    func go() throws -> Outcome {
        let (input, output) = (function.input, function.output)
        return try map(input, output)
    }

    private func map<Input: ShellInput, Output: ShellOutput>(_: Input.Type, _: Output.Type) throws -> Outcome {
        let places = PlaceBook()
        let elements = MapElements<Input>(inputs: inputs, places: places, keepsRecords: keepsRecords)
        let results: MapResults<Output>
        if let argument {
            let callable = Callable<Output, Input, String>(external: function.name)
            results = try start(callable, elements, AsyncRepeated(argument))
        } else {
            results = try start(Callable<Output, Input>(external: function.name), elements)
        }
        recording.watch(results.progress())
        return try consume(results.indexedOutcomes, places)
    }

    private func start<Output: ShellOutput, each Input: Sendable, each Source: AsyncSequence & Sendable>(
        _ callable: Callable<Output, repeat each Input>, _ source: repeat each Source
    ) throws -> MapResults<Output> where repeat (each Source).Element == each Input {
        // What may be collected is kept until its result has been looked at.
        let bufferSize = MemoryBufferSize.bytes(bufferBytes, keepsArguments: keepsRecords)
        return isOrdered
            ? try executor.map(callable, repeat each source, chunkSize: chunkSize, bufferSize: bufferSize)
            : try executor.mapUnordered(callable, repeat each source, chunkSize: chunkSize, bufferSize: bufferSize)
    }

    private func consume<Output: ShellOutput>(
        _ outcomes: MapIndexedOutcomes<Output>, _ places: PlaceBook
    ) throws -> Outcome {
        var outcome = Outcome()
        var collected: FailedInput?
        if case .collect(let path) = policy { collected = try FailedInput(path: path) }
        // It may be input that is waited for, which nobody else ends.
        interruption.call { outcomes.end() }
        defer {
            outcomes.end()
            try? collected?.flush()
            // The results before an error; if they cannot be written, that is told already.
            try? output?.flush()
            bar?.clear()
        }
        while interruption.signal == nil {
            // What is there is not kept from a reader while the next is waited for.
            if !outcomes.isReady {
                try output?.flush()
                try collected?.flush()
            }
            guard let element = try outcomes.next() else { break }
            let place = places.take(element.index)
            if let place { bar?.advance(by: place.length, failed: outcome.failed) }
            switch element.outcome {
            case .success(let value):
                outcome.done += 1
                recording.succeeded()
                if let output { try output.write { value.appendText(to: &$0) } } else { add(value, to: &outcome) }
            case .failure(let error):
                if interruption.signal != nil { return outcome }
                // The place behind all others: the input itself failed, or the pool takes no more.
                guard let place, !(error is BrokenProcessPool), !(error is MapJournalError) else { throw error }
                outcome.failed += 1
                recording.failed(place, error)
                bar?.clear()
                complain("\(place.description): \(described(error))")
                if policy == .stop {
                    outcome.wasStopped = true
                    try output?.flush()
                    return outcome
                }
                try collected?.add(place)
            }
        }
        try output?.flush()
        interruption.writesDown()
        try collected?.finish()
        return outcome
    }

    private func add(_ value: some ShellOutput, to outcome: inout Outcome) {
        for (index, number) in value.numbers.enumerated() {
            if index < outcome.sum.count {
                outcome.sum[index] = outcome.sum[index] + number
            } else {
                outcome.sum.append(number)
            }
        }
    }
}

/// The same value again and again.
private struct AsyncRepeated<Element: Sendable>: AsyncSequence, Sendable {
    let element: Element
    init(_ element: Element) { self.element = element }
    func makeAsyncIterator() -> Iterator { Iterator(element: element) }

    struct Iterator: AsyncIteratorProtocol {
        let element: Element
        func next() async -> Element? { element }
    }
}
