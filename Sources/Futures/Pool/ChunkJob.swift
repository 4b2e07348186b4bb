import Wire

/// The results of one chunk: an outcome for each of its elements, in order.
package struct ChunkOutcome<Output: Sendable>: Sendable {
    /// The values of the elements that succeeded, in order.
    package let values: [Output]
    /// The elements that failed, by ascending index.
    package let failures: [(index: Int, error: any Error)]
    var measurement = PartMeasurement()
    package var count: Int { values.count + failures.count }
}

/// A call for each element of a chunk.
///
/// Mostly one answer brings all results. A chunk whose worker is lost, or whose elements are retried, gets its results by and
/// by: the ledger has those that are there, and the elements that are still to be run.
final class ChunkJob<Output: Sendable>: ElementsJob, @unchecked Sendable {
    private let output: ValueCodec<Output>
    private let errors: [ErrorCodec]
    private let count: Int
    private var typedFuture: Future<ChunkOutcome<Output>> {
        unsafeDowncast(future, to: Future<ChunkOutcome<Output>>.self)
    }
    private let ledger: Mutex<ChunkLedger<Output>>

    init(
        function: PoolFunction, payload: Payload, limits: JobLimits, count: Int, output: ValueCodec<Output>,
        errors: [ErrorCodec], future: Future<ChunkOutcome<Output>>
    ) {
        self.output = output
        self.errors = errors
        self.count = count
        ledger = Mutex(ChunkLedger(count: count))
        super.init(function: function, payload: payload, limits: limits, future: future)
    }

    override var elementCount: Int? { count }

    override func beginAttempt() -> [Range<Int>] {
        ledger.withLock { ledger in
            ledger.beginAttempt()
            return ledger.isUntouched ? [] : ledger.remaining
        }
    }

    override func elementsLeft(at element: Int?) -> Int? {
        ledger.withLock { ledger in
            guard let element, ledger.isUnfinished(element) else { return nil }
            return ledger.unfinishedCount
        }
    }

    override func progress(at element: Int?) -> WorkerActivity.Elements {
        ledger.withLock { ledger in
            WorkerActivity.Elements(
                count: count, done: ledger.finishedCount(at: element), failed: ledger.failureCount)
        }
    }

    override var deferredCount: Int { ledger.withLock { $0.deferredCount } }

    override func errorCount(of element: Int?) -> Int {
        ledger.withLock { ledger in element.map(ledger.errorCount) ?? 0 }
    }

    override var errorCodecs: [ErrorCodec] { errors }

    override func complete(with answer: Answer, from origin: AnswerOrigin, _ later: inout Notifications) {
        switch answer {
        case .chunkResult(let message, let frame):
            do {
                let (isUntouched, left) = ledger.withLock { ($0.isUntouched, $0.remainingCount) }
                let part = left > 0 ? try decode(message, frame, from: origin, retries: nil) : nil
                var outcome: ChunkOutcome<Output>
                let runTime = Int64(clamping: message.runNanoseconds)
                if let part, isUntouched, part.values.count == count {
                    // Mostly: there is nothing to put together.
                    outcome = ChunkOutcome(values: part.values, failures: [])
                    outcome.measurement = PartMeasurement(runTime: runTime, resultBytes: part.byteCount)
                } else {
                    if let part { take(part, limit: 0) }
                    outcome = ledger.withLock { ledger in
                        ledger.endAttempt(after: runTime)
                        return ledger.takeOutcome()
                    }
                }
                typedFuture.fulfil(outcome, &later)
            } catch {
                fail(TransportError(.decodingResult, functionName: function.name, cause: error), &later)
            }
        case .failure(let description): fail(error(description, from: origin), &later)
        case .result: failUnexpected(&later)
        }
    }

    override func takePart(
        _ message: ChunkResultMessage, _ frame: FrameView, from origin: AnswerOrigin, retries: RetryPolicy?
    ) throws(WireError) {
        let left = ledger.withLock { $0.remainingCount }
        // The last element comes with the end of the chunk.
        guard message.part < left else { throw .wrongColumnCount(expected: left, found: Int(message.part)) }
        do {
            take(try decode(message, frame, from: origin, retries: retries), limit: retries?.errors ?? 0)
        } catch {
            let error = TransportError(.decodingResult, functionName: function.name, cause: error)
            ledger.withLock { $0.fail(next: Int(message.part), error) }
        }
    }

    override func takeLastPart(
        _ message: ChunkResultMessage, _ frame: FrameView, from origin: AnswerOrigin, retries: RetryPolicy
    ) -> Int? {
        do {
            take(try decode(message, frame, from: origin, retries: retries), limit: retries.errors)
        } catch {
            let error = TransportError(.decodingResult, functionName: function.name, cause: error)
            ledger.withLock { $0.fail(next: .max, error) }
        }
        return ledger.withLock { ledger in
            ledger.endAttempt(after: Int64(clamping: message.runNanoseconds))
            return ledger.failuresOfDeferred
        }
    }

    private func take(_ part: Part, limit: Int) {
        ledger.withLock {
            $0.finish(part.values, part.failures, undecoded: part.undecoded, again: part.retryable, limit: limit)
            $0.resultBytes += part.byteCount
        }
    }

    override func fail(element: Int, _ error: any Error, _ later: inout Notifications) {
        let outcome = ledger.withLock { ledger -> ChunkOutcome<Output>? in
            ledger.fail(element: element, error)
            return ledger.unfinishedCount == 0 ? ledger.takeOutcome() : nil
        }
        if let outcome { typedFuture.fulfil(outcome, &later) }
    }

    /// What is finished is kept: only the elements that are left fail.
    override func fail(_ error: any Error, _ later: inout Notifications) {
        let outcome = ledger.withLock { ledger -> ChunkOutcome<Output>? in
            if ledger.isUntouched { return nil }
            ledger.failTheRest(error)
            return ledger.takeOutcome()
        }
        guard let outcome else { return super.fail(error, &later) }
        typedFuture.fulfil(outcome, &later)
    }

    /// What is finished is kept here, too, if there is something.
    override func cancel(_ later: inout Notifications) {
        let outcome = ledger.withLock { ledger -> ChunkOutcome<Output>? in
            guard ledger.unfinishedCount < count else { return nil }
            ledger.failTheRest(CancelledError(functionName: function.name))
            return ledger.takeOutcome()
        }
        guard let outcome else { return super.cancel(&later) }
        typedFuture.fulfil(outcome, &later)
    }

    /// What one answer has.
    private struct Part {
        var values: [Output]
        /// Those that the worker tells of...
        var failures: [(index: Int, error: any Error)]
        /// ...and which of them are worth another try.
        var retryable: Set<Int>
        /// Values that could not be decoded, by their places among all the values.
        var undecoded: [ColumnFailure]
        var byteCount: Int
    }

    private func decode(
        _ message: ChunkResultMessage, _ frame: FrameView, from origin: AnswerOrigin, retries: RetryPolicy?
    ) throws -> Part {
        let left = ledger.withLock { $0.remainingCount }
        let covered = message.part == 0 ? left : Int(message.part)
        guard Int(message.count) == count, covered <= left, message.failures.count <= covered else {
            throw WireError.wrongColumnCount(expected: count, found: Int(message.count))
        }
        var retryable: Set<Int> = []
        let failures = message.failures.map { failed in
            let element = Int(failed.index)
            let error = error(failed.failure, element: element, from: origin)
            if let retries, retries.accepts(error, at: failed.failure.place) { retryable.insert(element) }
            return (index: element, error: error)
        }
        var decoder = try PayloadDecoder(frame, format: message.format, limits: origin.limits)
        var undecoded: [ColumnFailure] = []
        let values = try output.decodeColumn(count: covered - failures.count, from: &decoder, failures: &undecoded)
        try decoder.finish()
        if let first = undecoded.first {
            // What all have in common is said once.
            if values.isEmpty, failures.isEmpty { throw first.error }
            for index in undecoded.indices {
                undecoded[index].error = TransportError(
                    .decodingResult, functionName: function.name, cause: undecoded[index].error)
            }
        }
        // Errors are described in the message.
        let size = max(UInt64(frame.payload.count), message.format.decompressedSize)
        return Part(
            values: values, failures: failures, retryable: retryable, undecoded: undecoded,
            byteCount: Int(clamping: size) + (failures.isEmpty ? 0 : frame.message.count))
    }
}

/// A job with elements, without their types.
class ElementsJob: PoolJob, @unchecked Sendable {
    /// The elements that are to be run now; empty for all.
    func beginAttempt() -> [Range<Int>] { fatalError("overridden") }

    /// How many elements are not finished; nil if this one is.
    func elementsLeft(at element: Int?) -> Int? { fatalError("overridden") }

    /// How far it is, when its worker has come to this element.
    func progress(at element: Int?) -> WorkerActivity.Elements { fatalError("overridden") }

    /// How many elements threw what is worth another try, and wait for that.
    var deferredCount: Int { fatalError("overridden") }

    /// How often an element threw what was worth another try.
    func errorCount(of element: Int?) -> Int { fatalError("overridden") }

    /// Keeps the results of the next elements, and defers those that threw what is worth another try.
    ///
    /// - Throws: what makes no sense at all.
    func takePart(
        _ message: ChunkResultMessage, _ frame: FrameView, from origin: AnswerOrigin, retries: RetryPolicy?
    ) throws(WireError) {
        fatalError("overridden")
    }

    /// Does so with the last answer of an attempt.
    ///
    /// - Returns: how often the one that failed most often has failed; nil if no element is to be run again: then
    ///   ``complete(with:from:_:)`` ends the chunk.
    func takeLastPart(
        _ message: ChunkResultMessage, _ frame: FrameView, from origin: AnswerOrigin, retries: RetryPolicy
    ) -> Int? {
        fatalError("overridden")
    }

    /// An element is given up; the whole chunk ends if no other element is to be run.
    func fail(element: Int, _ error: any Error, _ later: inout Notifications) { fatalError("overridden") }
}
