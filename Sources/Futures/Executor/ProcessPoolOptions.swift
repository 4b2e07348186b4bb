import Wire

/// What is rarely chosen about a process pool.
public struct ProcessPoolOptions: Sendable {
    /// Whether large arguments and results are compressed on their way. Off by default: on one machine the pipes are faster
    /// than zlib.
    public var compression: CompressionPolicy
    /// How much may wait for a worker; without a limit by default.
    public var backlogLimit: BacklogLimit
    /// What a worker that ends abruptly costs. By default the pool is broken, as in Python.
    public var onWorkerLoss: WorkerLossPolicy
    /// The ``CallOptions/softTimeout`` of calls that have none of their own; nil for none.
    public var softTimeout: Duration?
    /// The ``CallOptions/hardTimeout`` of calls that have none of their own; nil for none.
    public var hardTimeout: Duration?

    /// The defaults, but for what is named.
    public init(
        compression: CompressionPolicy = .off, backlogLimit: BacklogLimit = .none,
        onWorkerLoss: WorkerLossPolicy = .breakPool, softTimeout: Duration? = nil, hardTimeout: Duration? = nil
    ) {
        self.compression = compression
        self.backlogLimit = backlogLimit
        self.onWorkerLoss = onWorkerLoss
        self.softTimeout = softTimeout
        self.hardTimeout = hardTimeout
    }

    func check() throws(InvalidArgumentError) {
        try backlogLimit.check()
        try onWorkerLoss.check()
    }

    func taskLimits() throws(InvalidArgumentError) -> TaskLimits {
        var limits = TaskLimits.none
        if let softTimeout { limits.soft = try CallOptions.nanoseconds("softTimeout", softTimeout) }
        if let hardTimeout { limits.hard = try CallOptions.nanoseconds("hardTimeout", hardTimeout) }
        return limits
    }
}
