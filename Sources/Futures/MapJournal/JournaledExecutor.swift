internal import CProto
import Wire

extension Executor {
    /// This executor, with the results of its maps kept in a journal; see ``MapJournal``.
    ///
    /// Shutting it down shuts this executor down. Calls of `submit` are not kept.
    public func journaled(in journal: MapJournal) -> JournaledExecutor { JournaledExecutor(self, journal) }
}

/// An executor whose maps go on where they stopped; made by ``Executor/journaled(in:)``.
public final class JournaledExecutor: Executor, MappingExecutor {
    let executor: any Executor
    private let journal: MapJournal

    init(_ executor: any Executor, _ journal: MapJournal) {
        self.executor = executor
        self.journal = journal
    }

    /// As the executor itself: a single call is not kept.
    public func submit<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ argument: repeat each Input, options: CallOptions
    ) throws -> Future<Output> {
        try executor.submit(callable, repeat each argument, options: options)
    }

    /// Shuts the executor down.
    @available(*, noasync, message: "this blocks the thread; use `await shutdown(cancelFutures:)`")
    public func shutdown(wait: Bool = true, cancelFutures: Bool = false) {
        executor.shutdown(wait: wait, cancelFutures: cancelFutures)
    }

    /// Shuts the executor down.
    public func shutdown(cancelFutures: Bool = false) async { await executor.shutdown(cancelFutures: cancelFutures) }

    func mapTarget<Output, each Input>(
        _ callable: Callable<Output, repeat each Input>, _ options: CallOptions
    ) throws -> MapTarget<Output, repeat each Input> {
        var target = try executor.mapTarget(for: callable, options)
        let (submit, map) = (target.submit, try JournaledMap(callable, journal, takesChunks: target.takesChunks))
        target.submit = { (isPromised: Bool, column: repeat [each Input]) in
            try map.submit(repeat each column) { (column: repeat [each Input]) in
                try submit(isPromised, repeat each column)
            }
        }
        target.prescribedSize = map.chunkSize
        return target
    }
}

/// A map on its way through a journal.
///
/// `@unchecked Sendable`: `position` moves on in `submit`, which one thread at a time calls, as for ``MapInput``.
private final class JournaledMap<Output: Sendable, each Input: Sendable>: @unchecked Sendable {
    private let callable: Callable<Output, repeat each Input>
    private let journal: MapJournal
    private let codec: OutcomeCodec<Output>
    private let function: String
    /// Which of the journal's maps this is, once it has begun.
    private var number: Int?
    /// The next element that is submitted.
    private var position = 0
    /// What its chunk is to be, once that was asked for: calls of an earlier map may come into the journal at any time.
    private var planned: (position: Int, size: Int, entry: MapJournal.Entry?)?
    /// Whether a chunk is submitted as a whole, or not at all.
    private let takesChunks: Bool
    /// Elements of the next chunk that were submitted before the executor's backlog was full.
    private var submitted: [MapPart] = []

    init(
        _ callable: Callable<Output, repeat each Input>, _ journal: MapJournal, takesChunks: Bool
    ) throws(MapJournalError) {
        self.callable = callable
        self.takesChunks = takesChunks
        self.journal = journal
        codec = OutcomeCodec(functionName: callable.name, output: callable.code.output, errors: callable.errors)
        function = "\(callable.name)\(callable.signature)"
        try journal.check(function)
    }

    func chunkSize(_ proposed: Int) -> Int {
        if let planned, planned.position == position { return planned.size }
        let entry = journal.entry(at: position)
        let size = entry?.count ?? journal.chunkSize(at: position, proposed: proposed)
        planned = (position, size, entry)
        return size
    }

    /// Takes from the journal what is there, and submits the rest.
    func submit(_ column: repeat [each Input], to submit: (repeat [each Input]) throws -> [MapPart]) throws -> [MapPart]
    {
        if let number { try journal.check(number) } else { number = try journal.begin(function) }
        var count = 0
        for elements in repeat each column { count = elements.count }
        guard let checksum = checksum(repeat each column) else {
            // What cannot be encoded cannot be told from others.
            let parts = try submit(repeat each column)
            position += count
            return parts
        }
        var old: ChunkOutcome<Output>?
        if let planned, planned.position == position, let entry = planned.entry {
            guard entry.count == count, entry.inputChecksum == checksum else {
                throw MapJournalError.otherInput(path: journal.path, element: position)
            }
            // One that is damaged is run again.
            old = try journal.frame(of: entry).flatMap { try? codec.decode($0, count: count) }
        }
        if let old, old.failures.isEmpty || !journal.retriesFailures {
            position += count
            let future = Future<ChunkOutcome<Output>>(owner: nil, ticket: 0, functionName: callable.name)
            future.fulfil(old)
            var part = MapPart(chunk: future, count: count, argumentBytes: 0)
            part.isResumed = true
            return [part]
        }
        let wanted = old.map { $0.failures.map(\.index) }
        let parts: [MapPart]
        if takesChunks {
            parts =
                try wanted.map { try submit(repeat (each column).elements(at: $0)) } ?? submit(repeat each column)
        } else {
            // Each is a call of its own. When the backlog is full in between, the next try goes on there: nothing is run twice,
            // and a chunk may have more elements than there will ever be room for at once.
            let wanted = wanted ?? Array(0..<count)
            while submitted.count < wanted.count {
                submitted += try submit(repeat (each column).elements(at: [wanted[submitted.count]]))
            }
            parts = submitted
            submitted = []
        }
        let entry = planned.flatMap { $0.position == position ? $0.entry : nil }
        let kept = JournaledPart(
            parts, first: position, count: count, old: old, replacing: entry, checksum, codec, journal)
        position += count
        return [kept.begin()]
    }

    // The map ended in the middle of a chunk.
    deinit { AnyFuture.cancelAll(submitted.map { $0.future }) }

    private func checksum(_ column: repeat [each Input]) -> UInt32? {
        let use = SharedUse.begin(isForChecksum: true)
        defer { use?.end() }
        guard let payload = try? callable.code.encodeColumns(repeat each column) else { return nil }
        return JournalFile.checksum(payload.bytes)
    }
}

extension Array {
    fileprivate func elements(at indices: [Int]) -> [Element] { indices.map { self[$0] } }
}
