/// A part of a map whose results are in the journal before they can be taken.
///
/// It owns the future that the map waits for, and keeps itself alive until that is done.
final class JournaledPart<Output: Sendable>: FutureOwner {
    private let parts: [MapPart]
    private let first: Int
    private let count: Int
    /// What the journal had; then the parts are of those elements alone that had failed.
    private let old: ChunkOutcome<Output>?
    private let checksum: UInt32
    private let codec: OutcomeCodec<Output>
    private let future: Future<ChunkOutcome<Output>>
    /// Let go of before the future is done: whoever waits for that may open the journal anew.
    private let unfinished: Mutex<(count: Int, journal: MapJournal?)>

    init(
        _ parts: [MapPart], first: Int, count: Int, old: ChunkOutcome<Output>?, _ checksum: UInt32,
        _ codec: OutcomeCodec<Output>, _ journal: MapJournal
    ) {
        self.parts = parts
        self.first = first
        self.count = count
        self.old = old
        self.checksum = checksum
        self.codec = codec
        future = Future(owner: nil, ticket: 0, functionName: codec.functionName)
        unfinished = Mutex((parts.count, journal))
    }

    func begin() -> MapPart {
        future.attach(owner: self, ticket: 0)
        // Encoding is the user's code, and writing takes its time: not for observers.
        for part in parts { part.future.addCallback { _ in self.finished() } }
        return MapPart(
            chunk: future, count: count, argumentBytes: parts.reduce(0) { $0 + $1.argumentBytes })
    }

    private func finished() {
        let isLast = unfinished.withLock { unfinished in
            unfinished.count -= 1
            return unfinished.count == 0
        }
        guard isLast else { return }
        switch Result(catching: keep) {
        case .success(let outcome): future.fulfil(outcome)
        case .failure(let error): future.fail(error)
        }
    }

    /// Writes what has come to an end to the journal.
    private func keep() throws -> ChunkOutcome<Output> {
        let journal = unfinished.withLock { $0.journal.take() }
        let outcome = try outcome()
        if outcome.failures.allSatisfy({ Self.isFinal($0.error) }) {
            try journal?.append(
                first: first, count: count, inputChecksum: checksum, frame: codec.encode(outcome, first: first))
        }
        return outcome
    }

    /// Whether the call itself has come to an end, and not its executor.
    private static func isFinal(_ error: any Error) -> Bool {
        !(error is any BrokenExecutor || error is ExecutorShutdownError || error is CancelledError
            || error is CancellationError)
    }

    /// - Throws: what became of all of a part.
    private func outcome() throws -> ChunkOutcome<Output> {
        let part = parts[0]
        if old == nil, parts.count == 1, part.isChunk {
            return try unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome()
        }
        var results: [Result<Output, any Error>] = []
        var measurement = PartMeasurement(resultBytes: old?.measurement.resultBytes ?? 0)
        for part in parts {
            if part.isChunk {
                let outcome = try unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome()
                measurement.resultBytes += outcome.measurement.resultBytes
                results += outcome.results
            } else {
                let future = unsafeDowncast(part.future, to: Future<Output>.self)
                results.append(Result { try future.outcome() })
            }
        }
        if let old {
            var again = results[...]
            results = old.results.map { result in
                if case .failure = result { return again.removeFirst() }
                return result
            }
        }
        return ChunkOutcome(results, measurement)
    }

    // MARK: As the owner of the future

    func futureWasCancelled(ticket: UInt64) { AnyFuture.cancelAll(parts.map { $0.future }) }

    /// Never asked: the future is not marked as sent.
    func takeBack(ticket: UInt64) -> () -> Bool { { false } }
}

extension ChunkOutcome {
    /// One for each element, in order.
    fileprivate var results: [Result<Output, any Error>] {
        var results: [Result<Output, any Error>] = []
        results.reserveCapacity(count)
        var values = values[...]
        var failures = failures[...]
        for index in 0..<count {
            if let failure = failures.first, failure.index == index {
                failures.removeFirst()
                results.append(.failure(failure.error))
            } else {
                results.append(.success(values.removeFirst()))
            }
        }
        return results
    }

    fileprivate init(_ results: [Result<Output, any Error>], _ measurement: PartMeasurement) {
        var values: [Output] = []
        var failures: [(index: Int, error: any Error)] = []
        for (index, result) in results.enumerated() {
            switch result {
            case .success(let value): values.append(value)
            case .failure(let error): failures.append((index, error))
            }
        }
        self.init(values: values, failures: failures, measurement: measurement)
    }
}
