/// A part of a map whose results are in the journal before they can be taken.
///
/// It owns the future that the map waits for, and keeps itself alive until that is done. What it does when its calls are over it
/// does in the journal's thread: encoding is the user's code, writing takes its time, and a callback of the user's may be waiting
/// for this very map.
final class JournaledPart<Output: Sendable>: FutureOwner {
    private let parts: [MapPart]
    private let first: Int
    private let count: Int
    /// What the journal had; then the parts are of those elements alone that had failed.
    private let old: ChunkOutcome<Output>?
    private let checksum: UInt32
    /// The entry that its results replace.
    private let entry: MapJournal.Entry?
    private let codec: OutcomeCodec<Output>
    private let thread: CallbackThread
    private let future: Future<ChunkOutcome<Output>>
    /// The journal is let go of before the future is done: whoever waits for that may open it anew.
    private let unfinished: Mutex<(count: Int, journal: MapJournal?)>

    init(
        _ parts: [MapPart], first: Int, count: Int, old: ChunkOutcome<Output>?, replacing entry: MapJournal.Entry?,
        _ checksum: UInt32, _ codec: OutcomeCodec<Output>, _ journal: MapJournal
    ) {
        self.parts = parts
        self.first = first
        self.count = count
        self.old = old
        self.checksum = checksum
        self.entry = entry
        self.codec = codec
        thread = journal.thread
        future = Future(owner: nil, ticket: 0, functionName: codec.functionName)
        unfinished = Mutex((parts.count, journal))
    }

    func begin() -> MapPart {
        future.attach(owner: self, ticket: 0)
        for part in parts where !part.future.addObserver(Observer(self)) { finished() }
        return MapPart(
            chunk: future, count: count, argumentBytes: parts.reduce(0) { $0 + $1.argumentBytes })
    }

    private final class Observer: CompletionObserver, @unchecked Sendable {
        private let part: JournaledPart
        init(_ part: JournaledPart) { self.part = part }
        override func futureCompleted(failed: Bool) { part.finished() }
        override func callRetried(_ count: Int) { part.future.tellRetried(count) }
        override func counts(for tally: MapTally) -> Bool { part.future.isCounted(by: tally) }
    }

    private func finished() {
        let isLast = unfinished.withLock { unfinished in
            unfinished.count -= 1
            return unfinished.count == 0
        }
        if isLast { thread.run { self.complete() } }
    }

    private func complete() {
        switch Result(catching: keep) {
        case .success(let outcome): future.fulfil(outcome)
        case .failure(let error): future.fail(error)
        }
    }

    /// Writes what has come to an end to the journal.
    private func keep() throws(MapJournalError) -> ChunkOutcome<Output> {
        let journal = unfinished.withLock { $0.journal.take() }
        let outcome = outcome
        // What cannot be encoded, or is larger than a message may be, is given out without being kept.
        if outcome.failures.allSatisfy({ Self.isFinal($0.error) }),
            let frame = try? codec.encode(outcome, first: first)
        {
            try journal?.append(
                first: first, count: count, inputChecksum: checksum, frame: frame, replacing: entry)
        }
        return outcome
    }

    /// Whether the call itself has come to an end, and not its executor.
    private static func isFinal(_ error: any Error) -> Bool {
        !(error is any BrokenExecutor || error is ExecutorShutdownError || error is CancelledError
            || error is CancellationError)
    }

    private var outcome: ChunkOutcome<Output> {
        if old == nil, parts.count == 1, parts[0].isChunk,
            let outcome = try? unsafeDowncast(parts[0].future, to: Future<ChunkOutcome<Output>>.self).outcome()
        {
            return outcome
        }
        var results: [Result<Output, any Error>] = []
        var measurement = PartMeasurement(resultBytes: old?.measurement.resultBytes ?? 0)
        for part in parts {
            if part.isChunk {
                do {
                    let outcome = try unsafeDowncast(part.future, to: Future<ChunkOutcome<Output>>.self).outcome()
                    measurement.resultBytes += outcome.measurement.resultBytes
                    results += outcome.results
                } catch {
                    // What became of the part became of each of its elements.
                    results += repeatElement(.failure(error), count: part.count)
                }
            } else {
                let future = unsafeDowncast(part.future, to: Future<Output>.self)
                results.append(Result { try future.outcome() })
            }
        }
        if let old {
            var again = results[...]
            results = old.results.map { result in
                if case .failure = result, let next = again.popFirst() { return next }
                return result
            }
        }
        return ChunkOutcome(results, measurement)
    }

    // MARK: As the owner of the future

    func futureWasCancelled(ticket: UInt64) {
        // Elsewhere: asking workers for what was sent ahead takes a while, and a map cancels all its parts.
        thread.run { AnyFuture.cancelAll(self.parts.map { $0.future }) }
    }

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
