/// How one call is treated among the others of its executor.
public struct CallOptions: Sendable, Hashable {
    /// Calls of a higher priority begin before those of a lower one, equal ones in the order of their submission. Any number;
    /// 0 is ordinary. Calls of a low priority wait as long as there are others. What was sent ahead to a busy worker process
    /// (a fifth of a millisecond of work, or one call) is not overtaken. The inline executor takes no notice of it.
    public var priority: Int

    /// How long the call may run before its cancellation is requested, counted from its start in the worker process; more
    /// than zero. Nil for the pool's ``ProcessPoolOptions/softTimeout``.
    ///
    /// An async callable sees its `Task` cancelled, a synchronous one asks ``RunningCall/isCancelled``. If it then throws
    /// `CancellationError`, its future fails with ``TaskTimeoutError``; whatever else it returns or throws counts. Of a map
    /// each element has this time, also within a chunk. Only process pools have this.
    public var softTimeout: Duration?

    /// How long the call may run before its worker process is ended, counted from its start there; more than zero. Nil for the
    /// pool's ``ProcessPoolOptions/hardTimeout``.
    ///
    /// The future fails with ``TaskTimeoutError`` at once; the worker gets SIGTERM, and SIGKILL if it is there
    /// ``ProcessPoolOptions/terminationGrace`` later. What it had been sent besides is run by others. Of a map each element
    /// has this time; the others of its chunk are kept or run elsewhere. Only process pools have this: a thread cannot be ended.
    public var hardTimeout: Duration?

    /// Options for a call.
    public init(priority: Int = 0, softTimeout: Duration? = nil, hardTimeout: Duration? = nil) {
        self.priority = priority
        self.softTimeout = softTimeout
        self.hardTimeout = hardTimeout
    }

    /// A call that begins before or after others.
    public static func priority(_ priority: Int) -> CallOptions { CallOptions(priority: priority) }

    /// For executors that run calls in threads.
    func checkForThreads() throws(InvalidArgumentError) {
        for (name, timeout) in [("softTimeout", softTimeout), ("hardTimeout", hardTimeout)] where timeout != nil {
            throw InvalidArgumentError(
                argument: "options.\(name)", problem: "needs a process pool: a call in a thread cannot be ended")
        }
    }

    /// The limits of a call in a pool with these limits for all.
    func limits(_ ofPool: JobLimits) throws(InvalidArgumentError) -> JobLimits {
        if softTimeout == nil, hardTimeout == nil { return ofPool }
        var limits = ofPool.limits
        if let softTimeout { limits.soft = try Self.nanoseconds("options.softTimeout", softTimeout) }
        if let hardTimeout { limits.hard = try Self.nanoseconds("options.hardTimeout", hardTimeout) }
        return JobLimits(limits)
    }

    static func nanoseconds(_ argument: String, _ timeout: Duration) throws(InvalidArgumentError) -> Int64 {
        guard timeout > .zero else {
            throw InvalidArgumentError(argument: argument, problem: "must be more than zero, not \(timeout)")
        }
        return max(1, timeout.clampedNanoseconds)
    }
}
