/// How far a map is, at one moment.
///
/// Made by ``MapResults/progress(every:total:)``.
public struct MapProgress: Sendable {
    /// How many elements have been read from the input and submitted.
    public internal(set) var submitted = 0
    /// How many have come to an end, with a result or an error, whether or not somebody has taken that. Those that were cancelled
    /// have not.
    public internal(set) var done = 0
    /// How many of those that are done have failed. Of a chunk that runs, it may be told only at its end.
    public internal(set) var failed = 0
    /// How often a call, or an element of a chunk, was given another try: after an error, or the loss of its worker.
    public internal(set) var retried = 0
    /// How many of those that are done came out of a ``MapJournal``, and were not computed now.
    public internal(set) var resumed = 0
    /// How many elements the input has; nil while that is not known.
    public internal(set) var total: Int?
    /// Since the call of `map`.
    public internal(set) var elapsed = Duration.zero
    /// Elements a second that are computed: an average of the last seconds. 0 before the first.
    public internal(set) var rate = 0.0
    /// How long the rest takes at this rate; nil while the rate is 0 or the total is not known.
    public internal(set) var timeLeft: Duration?
    /// The executor's worker processes, in the order of their starts, also what they run for others. Empty for threads, inline, and
    /// executors of somebody else's.
    public internal(set) var workers: [WorkerActivity] = []

    /// How much is done, 0 to 1; nil while the total is not known.
    public var fraction: Double? {
        total.map { $0 > 0 ? min(Double(done) / Double($0), 1) : 1 }
    }
}

extension MapResults {
    /// How far the map is, again and again.
    ///
    /// ```swift
    /// let results = try pool.map(measure, pages, bufferSize: 1000)
    /// let progress = results.progress(every: .seconds(1))
    /// async let shown: Void = {
    ///     for await now in progress { print(now.done, now.total ?? 0, now.rate, now.timeLeft ?? .zero) }
    /// }()
    /// for try await size in results { use(size) }
    /// await shown
    /// ```
    ///
    /// The first value comes at once, the others as often as `interval` says. Each is the state of the moment in which it is
    /// taken: who is slow misses some, and nothing piles up. The last one comes when all that will be computed is computed,
    /// or when nobody wants the rest: the iteration was ended, or ended by an error or a timeout. What is watched may be dropped before.
    ///
    /// From the first call on, each message, or each call where each element is one, is counted when it is done; before that
    /// nothing is. It may be called at any time, from any thread, any number of times.
    ///
    /// - Parameters:
    ///   - interval: the time between two values, at least 1 ms.
    ///   - total: how many elements there will be, where you know it and the map cannot: for sequences that are not collections
    ///     of random access, and asynchronous ones.
    public func progress(every interval: Duration = .milliseconds(200), total: Int? = nil) -> MapProgressUpdates {
        MapProgressUpdates(reader: ProgressReader(cursor.tally, interval: interval, total: total))
    }
}

/// How far a map is, again and again; see ``MapResults/progress(every:total:)``.
///
/// It does not keep the map alive.
public struct MapProgressUpdates: AsyncSequence, Sendable {
    /// The state of a moment.
    public typealias Element = MapProgress
    /// It does not throw.
    public typealias Failure = Never

    let reader: ProgressReader

    /// The next value, or nil after the last; blocks the thread until it is due.
    @available(*, noasync, message: "this blocks the thread; use `for await`")
    public func next() -> MapProgress? { reader.next() }

    /// The state of this moment, without waiting. Its rate is that of the value before, or of the whole time.
    public var current: MapProgress { reader.current }

    /// An async iterator, with a rhythm of its own.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: ProgressReader(reader)) }

    /// Gives the values; suspends the task until the next one is due.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let reader: ProgressReader

        /// The next value; nil after the last, or when the task is cancelled.
        nonisolated(nonsending) public mutating func next() async -> MapProgress? { await reader.next() }

        /// The next value; nil after the last, or when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> MapProgress? { await reader.next() }
    }
}
