/// What a worker process is at, at one moment.
public struct WorkerActivity: Sendable {
    /// A call that a worker runs.
    public struct Call: Sendable {
        /// The function's name.
        public let functionName: String
        /// Since when, as far as the pool knows.
        public let runningTime: Duration
        /// Of a chunk of a map: how far it is.
        public let elements: Elements?
        /// What the call, or its element, said of itself last (``RunningCall/reportProgress(fraction:_:)``); nil if it said nothing.
        public let report: CallReport?
    }

    /// How far a chunk is.
    public struct Elements: Sendable, Equatable {
        /// How many elements it has.
        public let count: Int
        /// How many are done, also those of earlier attempts.
        public let done: Int
        /// How many of these failed, as far as the worker has told.
        public let failed: Int
    }

    /// The process.
    public let processID: Int32
    /// Whether it is about to end, and gets no more calls.
    public let isLeaving: Bool
    /// What it runs; nil if it idles, or is not through with its start.
    public let call: Call?
}

extension ProcessPoolExecutor {
    /// The workers that have a process, in the order of their starts, and what they are at.
    ///
    /// A look takes some microseconds for each worker, wakes nobody, and may be taken at any time from any thread. What a worker says
    /// of itself is its word: a worker that is broken may say anything, within the bounds of the types.
    public var workerActivity: [WorkerActivity] { driver.look().map(\.activity) }
}

/// What a worker is at, with the future of what it runs.
struct WorkerSight: Sendable {
    let activity: WorkerActivity
    let future: AnyFuture?
}
