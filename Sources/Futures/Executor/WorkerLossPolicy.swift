import Wire

/// What a worker process that ends abruptly costs: a trap, a signal, `exit`, lack of memory.
public enum WorkerLossPolicy: Sendable {
    /// Everything that is pending or running fails with ``BrokenProcessPool``, the other workers are ended, and the pool
    /// takes nothing more. Python's rule, and the default: nothing is run twice.
    case breakPool
    /// Only the call that the worker was running fails, with ``WorkerLostError``. What had been sent ahead to it is run by
    /// another worker.
    case failTask
    /// The call that the worker was running is run again, as long as the policy allows; then it fails with
    /// ``WorkerLostError``. Calls may thus have effects more than once.
    case retry(RetryPolicy)

    /// The call that the worker was running is run again, up to `limit` times after the first; then it fails with
    /// ``WorkerLostError``. Errors that a call throws are not retried.
    public static func retry(limit: Int) -> WorkerLossPolicy {
        .retry(RetryPolicy(crashes: limit, memoryKills: limit))
    }

    var retries: RetryPolicy? {
        if case .retry(let policy) = self { return policy }
        return nil
    }

    func check() throws(InvalidArgumentError) { try retries?.check() }
}

/// How often, and when, a call that failed is run again: a budget for each way to fail.
///
/// A call that has used up one of its budgets is set aside: its future fails with what happened last, and the pool goes on.
/// Only what a call is guilty of counts: a call that was sent ahead to a worker that died, or that was on a worker which had to
/// be ended for another reason, is run again at no charge.
public struct RetryPolicy: Sendable {
    /// How often a call is run again after its worker ended abruptly. 0 or more.
    public var crashes: Int
    /// How often a call is run again after its worker was ended for lack of memory. 0 or more. What needed too much once
    /// mostly does so again, unless the others were at fault.
    public var memoryKills: Int
    /// How often a call is run again after it threw an error that `retriesError` accepts. 0 or more.
    public var errors: Int
    /// Whether it is worth another try, when a call, or an element of a map, threw this. Runs in the pool's thread: to be quick,
    /// and not to wait. Asked about what the function itself threw: not about errors in encoding and decoding, which would come
    /// again, and not about calls that ended because of their soft timeout.
    public var retriesError: @Sendable (any Error) -> Bool
    /// How long to wait before the call is run again.
    public var backoff: Backoff

    /// The pause before a call is run again.
    public struct Backoff: Sendable, Hashable {
        /// Before the second execution. Zero or more.
        public var first: Duration
        /// How many times as long each further pause is as the one before. 1 or more.
        public var factor: Double
        /// No pause is longer than this. Zero or more.
        public var longest: Duration
        /// Each pause is made longer or shorter by up to this share of itself, at random. 0 to 1.
        public var jitter: Double

        /// A pause, by default 50 ms, then twice as long each time, up to 30 s, give or take a fifth.
        public init(
            first: Duration = .milliseconds(50), factor: Double = 2, longest: Duration = .seconds(30),
            jitter: Double = 0.2
        ) {
            self.first = first
            self.factor = factor
            self.longest = longest
            self.jitter = jitter
        }

        /// No pause at all.
        public static let none = Backoff(first: .zero)

        /// In nanoseconds.
        ///
        /// - Parameter failures: how often the call has failed, 1 or more.
        func pause(after failures: Int, _ random: inout SplitMix) -> Int64 {
            let longest = Double(longest.clampedNanoseconds)
            var length = Double(first.clampedNanoseconds)
            // With so many powers of any factor a pause has reached its length, or never will.
            for _ in 1..<min(max(failures, 1), 10_000) where length < longest { length *= factor }
            length = min(length, longest)
            if jitter > 0, length > 0 { length *= 1 + jitter * Double.random(in: -1...1, using: &random) }
            return Int64(min(length, 0x1p62))
        }

        func check() throws(InvalidArgumentError) {
            guard first >= .zero, longest >= .zero else {
                throw InvalidArgumentError(argument: "backoff", problem: "has a pause below zero")
            }
            guard factor >= 1, factor.isFinite else {
                throw InvalidArgumentError(argument: "backoff.factor", problem: "must be at least 1, not \(factor)")
            }
            guard (0...1).contains(jitter) else {
                throw InvalidArgumentError(
                    argument: "backoff.jitter", problem: "must be between 0 and 1, not \(jitter)")
            }
        }
    }

    /// A policy.
    public init(
        crashes: Int = 2, memoryKills: Int = 1, errors: Int = 0, backoff: Backoff = Backoff(),
        retriesError: @escaping @Sendable (any Error) -> Bool = { _ in true }
    ) {
        self.crashes = crashes
        self.memoryKills = memoryKills
        self.errors = errors
        self.backoff = backoff
        self.retriesError = retriesError
    }

    /// Whether a call that failed, or an element, is worth another try by the budget for errors: only what the function itself
    /// threw is. Asks the user's code, so no lock is to be held.
    func accepts(_ error: any Error, at place: FailureDescription.Place) -> Bool {
        errors > 0 && place == .running && retriesError(error)
    }

    func check() throws(InvalidArgumentError) {
        try InvalidArgumentError.check("crashes", crashes, atLeast: 0)
        try InvalidArgumentError.check("memoryKills", memoryKills, atLeast: 0)
        try InvalidArgumentError.check("errors", errors, atLeast: 0)
        try backoff.check()
    }
}
